"""Tiny runs on meshes, one after another in one process; a program, since the number of devices is fixed at its start.

python mesh_runs.py '{"runs": [{"out": DIR, "mesh": [2, 2, 2], "stop": 5}, ...], "steps": 10, "process": 0, ...}'

Each run leaves DIR/metrics.jsonl; see `Plan` and `Planned` for what may be said.
"""

import io
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from codegem.data.records import TrainingExample
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.mesh import MeshShape
from codegem.train import distributed
from codegem.train.batches import run_batches
from codegem.train.loop import Job, run_job
from codegem.train.metrics import read_metrics
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe

LENGTH = 32
MODEL = ModelConfig(
    vocab_size=96, num_layers=1, d_model=32, num_heads=8, num_kv_heads=1, head_dim=8, d_mlp=64, context_length=LENGTH
)


@dataclass(frozen=True)
class Planned:
    """One run: where, on which mesh, after which step it stops, and after which which process dies."""

    out: str
    mesh: tuple[int, int, int] = (1, 1, 1)
    stop: int | None = None
    die: int | None = None
    victim: int = 1


@dataclass(frozen=True)
class Plan:
    """The runs of one process, and which process it is of how many."""

    runs: tuple[Planned, ...]
    steps: int = 6
    dtype: Any = "float32"
    judged: int = 0  # validation examples
    process: int = 0
    processes: int = 1
    coordinator: str | None = None


def recipe(plan: Plan, shape: MeshShape) -> TrainRecipe:
    """16 rows a step, two of them at once on each device."""
    return TrainRecipe(
        MODEL,
        steps=plan.steps,
        batch_size=16,
        micro_batch=2,
        learning_rate=1e-2,
        warmup_steps=2,
        dtype=plan.dtype,
        validate_every=plan.steps,
        validation_examples=3,
        checkpoint_every=3,
        mesh=shape,
    )


def examples(count: int, seed: int) -> list[TrainingExample]:
    """Rows of two segments: arithmetic progressions, which can be learned, of random steps."""
    random = np.random.default_rng(seed)
    starts, steps = random.integers(0, 96, (count, 1)), random.integers(1, 5, (count, 1))
    tokens = ((starts + steps * np.arange(LENGTH)) % 96).astype(np.int32)
    segments = np.repeat([1, 2], [20, 12]).astype(np.int32)
    return [TrainingExample(row, segments, np.zeros(LENGTH, np.uint8)) for row in tokens]


class Deadly(Progress):
    """Shows nothing, and kills its process after a step."""

    def __init__(self, plan: Plan, last: int | None):
        super().__init__(plan.steps, Console(file=io.StringIO()))
        self._last = last

    def update(self, *, step: int, **values: Any) -> None:
        if step == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


def run(plan: Plan, planned: Planned) -> None:
    """Train, from where the folder stands."""
    made = recipe(plan, MeshShape(*planned.mesh))
    batches, validation = run_batches(made, examples(50, 0), examples(plan.judged, 1))
    dies = planned.die if plan.process == planned.victim else None
    job = Job(batches, validation, {"data": "1a2b"})
    run_job(made, job, Path(planned.out), progress=Deadly(plan, dies), stop_after=planned.stop)


def start(plan: Plan, devices: int, **settings: str) -> subprocess.Popen[str]:
    """A process that does what is planned, on so many simulated devices; `settings` go into its environment."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    mine = {"PYTHONPATH": os.pathsep.join(sys.path), "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    environment = os.environ | mine | settings
    words = json.dumps({name: getattr(plan, name) for name in plan.__dataclass_fields__}, default=vars)
    command = [sys.executable, __file__, words]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def start_together(plan: Plan, count: int, devices: int, **settings: str) -> list[subprocess.Popen[str]]:
    """So many processes of one run, on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    plans = [replace(plan, process=number, processes=count, coordinator=coordinator) for number in range(count)]
    return [start(part, devices, **settings) for part in plans]


def losses(out: Path) -> dict[int, float]:
    """The loss of each step."""
    return {row["step"]: row["loss"] for row in read_metrics(out / "metrics.jsonl") if "loss" in row}


def deviation(out: Path, reference: Path) -> float:
    """The largest relative difference of a loss."""
    mine, other = losses(out), losses(reference)
    assert mine.keys() == other.keys()
    return max(abs(mine[step] / other[step] - 1) for step in mine)


def main(words: str) -> None:
    """Do what is planned."""
    values = json.loads(words)
    plan = Plan(**values | {"runs": tuple(Planned(**run) for run in values["runs"])})
    if plan.coordinator is not None:
        distributed.start(plan.coordinator, plan.processes, plan.process, seconds=60)
    for planned in plan.runs:
        run(plan, planned)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except UserError as error:
        sys.exit(str(error))
