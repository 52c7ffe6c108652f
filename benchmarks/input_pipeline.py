"""Whether a training step waits for its data: steps with data from disk beside steps with one batch in memory.

    python benchmarks/input_pipeline.py DATA [--recipe nano] [--steps 6] [--rounds 3] [--batch-size N]

DATA is what `codegem data build` made. Three ways take turns, with the same compiled step:

in memory     the same batch again and again, on the device already; numbers fetched one step late
as it runs    batches from the shards through `train.feeding.Feed`, numbers one step late: what `train.loop` does
in turn       a batch is made, the step runs, its numbers are fetched, and only then the next batch is made

The pipeline alone is timed as well, with nothing else running. Give the machine to this alone.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
from rich.console import Console
from rich.table import Table

from codegem.compilation import enable_compilation_cache
from codegem.data.shards import ExampleSource
from codegem.recipes import find
from codegem.train.batches import training_batches
from codegem.train.feeding import Feed
from codegem.train.layout import place_batch
from codegem.train.recipe import TrainRecipe
from codegem.train.step import Batch, TrainState, init_state, make_step


def main() -> None:
    """Measure and print a table."""
    options = _arguments()
    enable_compilation_cache()
    recipe = find(options.recipe).train
    if options.batch_size:
        at_once = math.gcd(options.batch_size, recipe.micro_batch)
        recipe = replace(recipe, batch_size=options.batch_size, micro_batch=at_once)
    bench = Bench(recipe, options.data)
    times: dict[str, list[tuple[float, float]]] = {}
    for number in range(options.rounds):
        for name, way in bench.ways().items():
            times.setdefault(name, []).append(way(options.steps))
            print(f"round {number + 1}, {name}: {1000 * times[name][-1][0]:.1f} ms a step", file=sys.stderr, flush=True)
    show(
        times, bench.pipeline(100), f"{options.recipe}, {recipe.batch_size} rows a step, {jax.devices()[0].device_kind}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="nano")
    parser.add_argument("--batch-size", type=int, help="rows of a step; default the recipe's")
    parser.add_argument("--steps", type=int, default=6, help="of a way in a round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


class Bench:
    """A compiled step, a state, and sources of batches."""

    def __init__(self, recipe: TrainRecipe, data: Path):
        self._recipe, self._source = recipe, ExampleSource(data, "train")
        self._step = make_step(recipe)
        self._state: TrainState = init_state(recipe)
        self._kept = place_batch(next(self._batches()), recipe.mesh)
        for _ in range(2):
            self._state, metrics = self._step(self._state, self._kept)
        jax.block_until_ready(metrics)

    def ways(self) -> dict[str, Callable[[int], tuple[float, float]]]:
        """A function of the number of steps for each way: seconds a step, and seconds waited for a batch."""
        return {"in memory": self._in_memory, "as it runs": self._as_it_runs, "in turn": self._in_turn}

    def pipeline(self, count: int) -> float:
        """Seconds that a batch takes to be made and placed, one after another, with nothing else running."""
        batches = self._batches()
        next(batches)
        start = time.perf_counter()
        for _ in range(count):
            jax.block_until_ready(place_batch(next(batches), self._recipe.mesh))
        return (time.perf_counter() - start) / count

    def _batches(self) -> Any:
        return training_batches(self._source, self._recipe.batch_size, self._recipe.seed)

    def _in_memory(self, steps: int) -> tuple[float, float]:
        return self._run(steps, lambda: self._kept, late=True)

    def _as_it_runs(self, steps: int) -> tuple[float, float]:
        feed = Feed(self._batches(), partial(place_batch, shape=self._recipe.mesh))
        try:
            next(feed)  # the first one is read from a cold start
            return self._run(steps, lambda: next(feed), late=True)
        finally:
            feed.close()

    def _in_turn(self, steps: int) -> tuple[float, float]:
        batches = self._batches()
        next(batches)
        return self._run(steps, lambda: next(batches), late=False)

    def _run(self, steps: int, take: Callable[[], Batch], *, late: bool) -> tuple[float, float]:
        waited, before, start = 0.0, None, time.perf_counter()
        for _ in range(steps):
            asked = time.perf_counter()
            batch = take()
            waited += time.perf_counter() - asked
            self._state, metrics = self._step(self._state, batch)
            jax.device_get(before if late else metrics)
            before = metrics
        jax.device_get(before)
        return (time.perf_counter() - start) / steps, waited / steps


def show(times: dict[str, list[tuple[float, float]]], pipeline: float, title: str) -> None:
    """The medians of the rounds, and the ratio to the step in memory of the same round."""
    table = Table("", "ms a step", "waited, ms a step", "of the step in memory", title=title)
    memory = [seconds for seconds, _ in times["in memory"]]
    for name, rounds in times.items():
        ratios = [seconds / base for (seconds, _), base in zip(rounds, memory, strict=True)]
        table.add_row(
            name,
            f"{1000 * statistics.median(seconds for seconds, _ in rounds):.1f}",
            f"{1000 * statistics.median(waited for _, waited in rounds):.2f}",
            f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
        )
    console = Console(width=100)
    console.print(table)
    console.print(f"The pipeline alone makes a batch in {1000 * pipeline:.2f} ms.")


if __name__ == "__main__":
    main()
