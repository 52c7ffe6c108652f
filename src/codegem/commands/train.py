"""`codegem train`."""

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import OmitArgPrefixes

from codegem.commands.arguments import parse
from codegem.errors import UsageError


def train(words: list[str]) -> None:
    """`codegem train`."""
    from codegem.recipes import find

    if words and not words[0].startswith("-"):
        name, words = words[0], words[1:]
    elif set(words) & {"-h", "--help"}:
        name = "nano"
    else:
        raise UsageError("Name a recipe: codegem train nano --data DIR --out DIR.")
    from codegem.train.recipe import TrainRecipe

    default = find(name).train

    def run(
        data: Path,
        out: Path,
        start: Path | None = None,
        recipe: Annotated[TrainRecipe, OmitArgPrefixes, tyro.conf.arg(name="")] = default,
    ) -> None:
        """Train a recipe's model, or go on where it was stopped: codegem train nano --data data/nano --out runs/nano

        Args:
            data: what `codegem data build` made.
            out: for checkpoints, metrics.jsonl, losses.svg and model/.
            start: a model directory to begin with, rather than with random weights.
            recipe: any field can be set, as in --steps 100.
        """
        from codegem.train.loop import train as run_training

        run_training(recipe, data, out, start=start)

    parse(run, f"train {name}", words)
