"""Tiny runs for the tests of this room; started as a program, one that kills itself.

python runs.py OUT STEP     train in OUT, and die by SIGKILL when step STEP is done
"""

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from codegem.data.records import TrainingExample
from codegem.model.config import ModelConfig
from codegem.text.tokenizer import ByteTokenizer
from codegem.train.loop import Result, Run
from codegem.train.metrics import read_metrics
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe

LENGTH = 32
MODEL = ModelConfig(
    vocab_size=266, num_layers=1, d_model=16, num_heads=2, num_kv_heads=1, head_dim=8, d_mlp=32, context_length=LENGTH
)
RECIPE = TrainRecipe(
    MODEL,
    steps=12,
    batch_size=4,
    micro_batch=2,
    learning_rate=1e-2,
    warmup_steps=2,
    validate_every=4,
    validation_examples=3,
    checkpoint_every=3,
)


def examples(count: int, seed: int) -> list[TrainingExample]:
    """Rows of two segments and some padding: lines of counting code in bytes."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        text = "".join(f"x{n} = {n}\n" for n in range(random.integers(90), 100))
        ids = np.zeros(LENGTH, np.int32)
        ids[:30] = ByteTokenizer().encode(text)[:30]
        segments = np.repeat([1, 2, 0], [18, 12, 2]).astype(np.int32)
        rows.append(TrainingExample(ids, segments, np.zeros(LENGTH, np.uint8)))
    return rows


class Watch(Progress):
    """A progress line that is kept, and that calls `after_step` with the number of each step."""

    def __init__(self, after_step: Callable[[int], None] = lambda step: None):
        self.output = io.StringIO()
        super().__init__(RECIPE.steps, Console(file=self.output, width=200))
        self._after_step = after_step

    def update(self, *, step: int, **values: Any) -> None:
        super().update(step=step, **values)
        self._after_step(step)


def run(out: Path, *, recipe: TrainRecipe = RECIPE, to: int | None = None, watch: Watch | None = None) -> Result:
    """Train in a directory, from where it stands."""
    shown = watch or Watch()
    sources = examples(10, seed=0), examples(3, seed=1)
    with shown:
        return Run(recipe, *sources, {"data": "1a2b", "tokenizer": "3c4d"}, out, shown).to(to or recipe.steps)


def losses(out: Path) -> list[dict[str, Any]]:
    """The rows of the metrics file without the one value that differs from run to run."""
    return [
        {name: row[name] for name in row if name != "tokens_per_second"} for row in read_metrics(out / "metrics.jsonl")
    ]


if __name__ == "__main__":
    last = int(sys.argv[2])
    run(Path(sys.argv[1]), watch=Watch(lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == last else None))
