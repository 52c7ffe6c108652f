"""Tiny runs for the tests of this room; started as a program, one that kills itself.

python runs.py OUT STEP     train in OUT, and die by SIGKILL when the numbers of step STEP are told
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from codegem.data.records import TrainingExample
from codegem.data.shards import Manifest, ShardWriter, manifest_hash, write_manifest
from codegem.model.config import ModelConfig
from codegem.text.tokenizer import ByteTokenizer, train_tokenizer
from codegem.train.batches import training_batches, validation_batches
from codegem.train.feeding import BatchIterator
from codegem.train.loop import Job, Result, run_job
from codegem.train.metrics import read_metrics
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe
from codegem.train.step import Batch

LENGTH = 32
MODEL = ModelConfig(
    vocab_size=336, num_layers=1, d_model=16, num_heads=2, num_kv_heads=1, head_dim=8, d_mlp=32, context_length=LENGTH
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


def write_data(directory: Path) -> Path:
    """A data set on disk, whose vocabulary is that of `MODEL`."""
    train_tokenizer(iter(["def add(a, b):\n    return a + b\n"]), 600).save(directory / "tokenizer.json")
    writer = ShardWriter(directory, shard_examples=4)
    for split, count in (("train", 9), ("validation", 2)):
        for example in examples(count, seed=count):
            writer.add(split, example)
    shards = writer.close()
    write_manifest(directory, Manifest(manifest_hash(shards), {}, "", {}, LENGTH, {}, {}, shards))
    return directory


class Watch(Progress):
    """A progress line that is kept, and that calls `after_step` with the number of each step."""

    def __init__(self, after_step: Callable[[int], None] = lambda step: None):
        self.output = io.StringIO()
        super().__init__(RECIPE.steps, Console(file=self.output, width=200))
        self._after_step = after_step

    def update(self, *, step: int, **values: Any) -> None:
        super().update(step=step, **values)
        self._after_step(step)


def batches(recipe: TrainRecipe = RECIPE) -> BatchIterator:
    """Ten rows, again and again."""
    return training_batches(examples(10, seed=0), recipe.batch_size, recipe.seed)


class Poisoned:
    """Batches some of which have weights that are no numbers, and so a loss that is none."""

    def __init__(self, batches: BatchIterator, bad: Container[int]):
        self._batches, self._bad, self._step = batches, bad, 0

    def __next__(self) -> Batch:
        self._step += 1
        batch = next(self._batches)
        return {**batch, "loss_weights": batch["loss_weights"] * np.float32(np.nan if self._step in self._bad else 1)}

    def get_state(self) -> dict[str, Any]:
        return {"step": self._step, "batches": self._batches.get_state()}

    def set_state(self, state: dict[str, Any], /) -> None:
        self._step = state["step"]
        self._batches.set_state(state["batches"])


def job(recipe: TrainRecipe = RECIPE, **changes: Any) -> Job:
    """What the tests train: five epochs of ten rows, judged by three others."""
    values = {
        "batches": batches(recipe),
        "validation": list(validation_batches(examples(3, seed=1), recipe.micro_batch, recipe.validation_examples)),
        "identity": {"data": "1a2b", "tokenizer": "3c4d"},
    }
    return Job(**values | changes)


def run(
    out: Path,
    *,
    recipe: TrainRecipe = RECIPE,
    to: int | None = None,
    watch: Watch | None = None,
    accept_changes: bool = False,
    **changes: Any,
) -> Result:
    """Train in a directory, from where it stands."""
    return run_job(
        recipe,
        job(recipe, **changes),
        out,
        progress=watch or Watch(),
        stop_after=to,
        accept_changes=accept_changes,
    )


def losses(out: Path) -> list[dict[str, Any]]:
    """The rows of the metrics file without the values that differ from run to run."""
    timed = ("tokens_per_second", "waited", "time")
    return [{name: row[name] for name in row if name not in timed} for row in read_metrics(out / "metrics.jsonl")]


if __name__ == "__main__":
    last = int(sys.argv[2])
    run(Path(sys.argv[1]), watch=Watch(lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == last else None))
