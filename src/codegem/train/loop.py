"""The loop of a training run, whatever is trained; stopped at any moment, it goes on.

OUT/checkpoints/STEP/   training state (`checkpoints.store`)
OUT/metrics.jsonl       losses and speed (`train.metrics`); tensorboard/ has the same, training.svg shows it
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
from jaxtyping import PyTree

from codegem.checkpoints.store import Store
from codegem.compilation import enable_compilation_cache
from codegem.errors import UserError
from codegem.train.code_version import code_version
from codegem.train.distributed import any_process, is_first, together
from codegem.train.feeding import BatchIterator, Feed
from codegem.train.layout import place, place_batch, whole
from codegem.train.metrics import MetricsFile
from codegem.train.plot import plot
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe
from codegem.train.saving import Checkpoints
from codegem.train.step import NEXT_TOKEN, Batch, Join, Objective, init_state, make_evaluation, make_step
from codegem.train.stopping import stop_requests
from codegem.train.telling import Teller


@dataclass(frozen=True)
class Result:
    """Where a run ended; `finished` is False where it was stopped before its last step.

    `model` is what was trained: a `Transformer`, or an adapter of one. `tokens` is how many targets it learned from.
    """

    model: PyTree
    step: int
    tokens: int
    skipped: int
    finished: bool
    validation_loss: float | None


@dataclass(frozen=True)
class Job:
    """What a run trains, by what and on what: all in which pretraining, tuning and preference training differ.

    Attributes:
        batches: to train on.
        validation: to judge by, each of `recipe.micro_batch` rows; may be empty.
        identity: plain values, such as hashes, of what must be the same when the run goes on; the recipe is added.
        trained: what the training starts from; default random weights.
        objective: what is to become small.
        join: makes the model that is judged of what is trained and of `frozen`; default what is trained.
        frozen: what is not trained.
        save: writes what the run leaves behind, and returns its folder.
    """

    batches: BatchIterator
    validation: Sequence[Batch]
    identity: dict[str, Any]
    trained: PyTree | None = None
    objective: Objective = NEXT_TOKEN
    join: Join | None = None
    frozen: PyTree = None
    save: Callable[[Result], Path] | None = None


@together()
def run_job(
    recipe: TrainRecipe,
    job: Job,
    out: Path,
    *,
    progress: Progress | None = None,
    stop_after: int | None = None,
    accept_changes: bool = False,
) -> Result:
    """Run a job in a folder, from where it stands there to the end, and save what it made.

    The first SIGINT or SIGTERM stops after the step that is running, or gives up the validation; everything is saved
    all the same, and the same call goes on from there. A second signal ends the process at once.

    Args:
        progress: shows how it goes; default on standard error.
        stop_after: stop, as a signal would, after this step.
        accept_changes: go on from a checkpoint of another recipe, other data or another tokenizer.

    Raises:
        UserError: `out` is of another run; the disk is full; `recipe.bad_steps` steps in a row were not finite.
    """
    enable_compilation_cache()
    with stop_requests() as stop, progress or Progress(recipe.steps, quiet=not is_first()) as shown:
        run = Run(recipe, job, out, shown, stop, accept_changes)
        result = run.to(recipe.steps if stop_after is None else stop_after)
        if is_first():
            _leave(result, job, out, shown)
    return result


def _leave(result: Result, job: Job, out: Path, shown: Progress) -> None:
    """Write what a run leaves behind, and say so."""
    saved = f" It is in {job.save(result)}." if job.save and result.step else ""
    try:
        plot([out], out / "training.svg")
    except OSError as error:
        shown.say(f"The picture of the run could not be written to {out}: {error.strerror}.")
    state, later = ("Finished", "") if result.finished else ("Stopped", " The same command goes on from here.")
    shown.say(f"{state} at step {result.step} after {result.tokens:,} tokens.{saved}{later}")


class Run:
    """One run: the state, its place in the data, its files.

    `run_job` is the way to use it.
    """

    def __init__(
        self,
        recipe: TrainRecipe,
        job: Job,
        out: Path,
        shown: Progress,
        stop: threading.Event,
        accept_changes: bool = False,
    ):
        self._recipe, self._job, self._shown, self._stop = recipe, job, shown, stop
        self._frozen = place(job.frozen, recipe.mesh)
        self._step_fn = make_step(recipe, job.objective, job.join)
        self._evaluate = make_evaluation(recipe, job.objective, job.join)
        state = init_state(recipe, job.trained)
        # Bound to its devices, as a state that was read is: else each of the two had a program of its own.
        self._state = jax.device_put(state, jax.tree.map(lambda leaf: leaf.sharding, state))
        identity = {"recipe": recipe.fixed(), **job.identity}
        store = Store(out / "checkpoints", identity, shown.say, code=code_version(), accept_changes=accept_changes)
        self._checkpoints = Checkpoints(store, shown.say)
        position = self._resume()
        self.step = position["step"]
        self._metrics = MetricsFile(out / "metrics.jsonl", self._checkpoints.saved, write=is_first())
        self._teller = Teller(self._metrics, shown, position["tokens"], position["skipped"])
        self._feed = Feed(job.batches, partial(place_batch, shape=recipe.mesh))

    def _resume(self) -> dict[str, Any]:
        """Take the last checkpoint up, where there is one; where the run is."""
        restored = self._checkpoints.resume(self._state)
        if restored is None:
            return {"step": 0, "tokens": 0, "skipped": 0}
        self._state = restored.state
        self._job.batches.set_state(restored.position["data"])
        return restored.position

    def to(self, last_step: int) -> Result:
        """Run until a step is done or somebody asks to stop; save."""
        recipe, last_step = self._recipe, min(last_step, self._recipe.steps)
        try:
            while True:
                if self.step % recipe.validate_every == 0 or self.step == recipe.steps:
                    self._validate()
                if self.step >= last_step or self._asked_to_stop():
                    break
                self._advance()
                if self.step % recipe.checkpoint_every == 0 and self.step < last_step:
                    self._save(self._checkpoints.save_or_say)
            self._save(partial(self._checkpoints.save, way_out="Make room and run the same command again."))
        finally:
            self._feed.close()
            self._metrics.close()
        teller, finished = self._teller, self.step == recipe.steps
        validation_loss = teller.last("validation_loss")
        return Result(whole(self._state.model), self.step, teller.tokens, teller.skipped, finished, validation_loss)

    def _asked_to_stop(self) -> bool:
        """Whether somebody asked any process of the run; all of them stop after the same step."""
        return any_process(self._stop.is_set())

    def _advance(self) -> None:
        """Begin a step; then tell of the one before it."""
        asked = time.monotonic()
        batch = next(self._feed)
        waited = time.monotonic() - asked
        self._state, metrics = self._step_fn(self._state, batch, self._frozen)
        self.step += 1
        self._teller.begun(self.step, metrics, waited)
        self._check(self.step - 1)

    def _settle(self) -> None:
        """Tell of the step that was begun last."""
        self._teller.settle()
        self._check(self.step)

    def _check(self, step: int) -> None:
        """End the run after too many bad steps in a row."""
        if self._teller.bad < self._recipe.bad_steps:
            return
        raise UserError(
            f"In {self._teller.bad} steps in a row, the last of them {step}, the loss or a gradient was not finite, "
            f"and nothing was learned. {self._checkpoints.last()} Run the same command with a lower learning rate "
            f"and --accept-changes, as in --learning-rate {self._recipe.learning_rate / 3:.1g}, to go on from it, or "
            "start again in another --out."
        )

    def _validate(self) -> None:
        """The mean loss over the validation batches, once for each step; given up where a stop is asked for."""
        self._settle()
        known = self._metrics.last("validation_loss")
        if not self._job.validation or (known and known[0] == self.step):
            return
        sums: dict[str, float] = {}
        for batch in self._job.validation:
            if self._asked_to_stop():
                return
            loss, weights, extras = jax.device_get(self._evaluate(self._state.model, batch, self._frozen))
            told = {"": weights, "loss": loss, **extras}
            sums = {name: sums.get(name, 0.0) + float(value) for name, value in told.items()}
        count = max(sums.pop(""), 1.0)
        self._teller.validated(self.step, {name: value / count for name, value in sums.items()})

    def _save(self, save: Callable[..., None]) -> None:
        """Write a checkpoint, unless there is nothing new, or the last step was skipped.

        What comes before a bad step may be the cause of it. Were such states saved, they would in time take the place
        of the good checkpoints, and a run that is stopped now and then would never see `bad_steps` in a row.
        """
        self._settle()
        teller, step = self._teller, self.step
        if step in (0, self._checkpoints.saved):
            return
        if teller.bad and step < self._recipe.steps:
            self._shown.say(f"No checkpoint of step {step}: its loss or a gradient was not finite.")
            return
        data = self._feed.get_state()
        position = {"step": step, "tokens": teller.tokens, "skipped": teller.skipped, "data": data}
        save(step, self._state, position, self._metrics.sync)
