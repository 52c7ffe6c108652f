"""`codegem train`."""

from pathlib import Path
from typing import Annotated

import tyro

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
        accept_changes: bool = False,
        distributed: bool = False,
        coordinator: str | None = None,
        processes: int | None = None,
        process: int | None = None,
        recipe: Annotated[TrainRecipe, tyro.conf.arg(name="")] = default,
    ) -> None:
        """Train a recipe's model, or go on where it was stopped: codegem train nano --data data/nano --out runs/nano

        Ctrl-C or SIGTERM saves and stops. `codegem train plot DIR...` draws runs, and `codegem train memory RECIPE`
        says what a recipe needs on every device.

        Args:
            data: what `codegem data build` made.
            out: for checkpoints, metrics.jsonl, tensorboard/, training.svg and model/.
            start: a model directory to begin with, rather than with random weights.
            accept_changes: go on from a checkpoint although recipe, data or tokenizer are others.
            distributed: one of several processes with this command, as a TPU slice, Slurm or a JobSet started them.
            coordinator: HOST:PORT of the first of several processes, where nothing else says so.
            processes: how many there are.
            process: which of them this is, from 0 on.
            recipe: any field can be set, as in --steps 100 --mesh.fsdp 4.
        """
        from codegem.train import distributed as together
        from codegem.train.pretraining import train as run_training

        if distributed or (coordinator, processes, process) != (None, None, None):
            together.start(coordinator, processes, process)
        run_training(recipe, data, out, start=start, accept_changes=accept_changes)

    parse(run, f"train {name}", words)
