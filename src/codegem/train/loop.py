"""A training run, from a data set to a model directory; stopped at any moment, it goes on.

OUT/checkpoints/STEP/   training state (`checkpoints.store`)
OUT/metrics.jsonl       losses and speed (`train.metrics`); losses.svg shows them
OUT/model/              the weights in Hugging Face's layout, with the tokenizer
"""

import hashlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax

from codegem.checkpoints.store import Store
from codegem.compilation import enable_compilation_cache
from codegem.data.shards import ExampleSource, Manifest, read_manifest
from codegem.errors import UserError
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import Tokenizer, load_tokenizer
from codegem.train.batches import Source, training_batches, validation_batches
from codegem.train.metrics import MetricsFile
from codegem.train.plot import plot
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe
from codegem.train.step import init_state, make_evaluation, make_step

# These say when to look and to save, and how to ask; the losses are the same whatever they are.
_FREE_TO_CHANGE = ("validate_every", "validation_examples", "checkpoint_every", "prompt_order")


@dataclass(frozen=True)
class Result:
    """Where a run ended; `finished` is False where it was stopped before its last step."""

    model: Transformer
    step: int
    tokens: int
    finished: bool
    validation_loss: float | None


def train(
    recipe: TrainRecipe,
    data: Path,
    out: Path,
    *,
    start: Path | None = None,
    progress: Progress | None = None,
    stop_after: int | None = None,
) -> Result:
    """Train on a data set of `codegem data build`, and write the model directory `out`/model.

    SIGINT and SIGTERM stop after the step that is running; the same call goes on from there.

    Args:
        start: a model directory whose weights the run begins with; default random ones.
        progress: shows how it goes; default on standard error.
        stop_after: stop, as a signal would, after this step.

    Raises:
        UserError: the data or `start` doesn't fit the model; `out` is of another run; the disk is full; the
            loss is not a number.
    """
    enable_compilation_cache()
    manifest, tokenizer = read_manifest(data), load_tokenizer(data)
    _check(recipe, manifest, tokenizer, data)
    model = _starting_model(recipe, start, tokenizer) if start else None
    identity = {"data": manifest.hash, "tokenizer": tokenizer.hash, "start": _hash(start) if start else None}
    sources = ExampleSource(data, "train"), ExampleSource(data, "validation")
    with progress or Progress(recipe.steps) as shown:
        run = Run(recipe, *sources, identity, out, shown, model)
        result = run.to(recipe.steps if stop_after is None else stop_after)
        _export(recipe, result, tokenizer, manifest, out, shown, start)
    return result


def _starting_model(recipe: TrainRecipe, start: Path, tokenizer: Tokenizer) -> Transformer:
    from codegem.checkpoints import huggingface

    model, spoken = huggingface.load(start, dtype="float32")
    if spoken.hash != tokenizer.hash:
        raise UserError(
            f"The model in {start} has another tokenizer than the data: build the data with --tokenizer {start}."
        )
    model = replace(model, config=replace(model.config, context_length=recipe.model.context_length))
    if model.config != recipe.model:
        raise UserError(f"The model in {start} is {model.config}, and the recipe's is {recipe.model}: make them equal.")
    return model


def _hash(start: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(start.glob("*.safetensors")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _check(recipe: TrainRecipe, manifest: Manifest, tokenizer: Tokenizer, data: Path) -> None:
    if tokenizer.vocab_size > recipe.model.vocab_size:
        raise UserError(
            f"The tokenizer in {data} has {tokenizer.vocab_size} ids and the model {recipe.model.vocab_size}: "
            f"build the data with a smaller vocabulary, or set model.vocab_size to {tokenizer.vocab_size}."
        )
    if manifest.context_length > recipe.model.context_length:
        raise UserError(
            f"The examples in {data} have {manifest.context_length} tokens and the model is for "
            f"{recipe.model.context_length}: build shorter ones, or set model.context_length."
        )
    if not manifest.examples("train"):
        raise UserError(f"The data set in {data} has no training examples: build it from more files.")


def _export(
    recipe: TrainRecipe,
    result: Result,
    tokenizer: Tokenizer,
    manifest: Manifest,
    out: Path,
    shown: Progress,
    start: Path | None,
) -> None:
    from codegem.checkpoints import huggingface
    from codegem.checkpoints.chat_template import directory_chats

    derived_from = huggingface.origin(start) if start else None
    chats = bool(manifest.counts.get("conversations")) or (start is not None and directory_chats(start))
    huggingface.save(
        out / "model",
        result.model,
        tokenizer,
        order=recipe.prompt_order,
        derived_from=derived_from,
        chats=chats,
    )
    try:
        plot(out)
    except OSError as error:
        shown.say(f"The picture of the losses could not be written to {out}: {error.strerror}.")
    state = "Finished" if result.finished else "Stopped"
    later = "" if result.finished else " The same command goes on from here."
    shown.say(f"{state} at step {result.step} after {result.tokens:,} tokens. The model is in {out / 'model'}.{later}")


class Run:
    """One run over sources of examples: the state, its place in the data, its files.

    Args:
        train: the examples to train on.
        validation: the examples to judge by; may be empty.
        identity: hashes of what the examples and the first weights are; a checkpoint of others is refused.
        start: the first weights; default random ones.
    """

    def __init__(
        self,
        recipe: TrainRecipe,
        train: Source,
        validation: Source,
        identity: dict[str, Any],
        out: Path,
        shown: Progress,
        start: Transformer | None = None,
    ):
        self._recipe, self._shown = recipe, shown
        self._step_fn, self._evaluate = make_step(recipe), make_evaluation(recipe)
        self._batches = training_batches(train, recipe.batch_size, recipe.seed)
        self._validation = list(validation_batches(validation, recipe.micro_batch, recipe.validation_examples))
        fixed = {name: value for name, value in asdict(recipe).items() if name not in _FREE_TO_CHANGE}
        self._store = Store(out / "checkpoints", {"recipe": fixed, **identity}, shown.say)
        self._state = init_state(recipe, start)
        self.step = self.tokens = 0
        self._saved = self._resume()
        self._metrics = MetricsFile(out / "metrics.jsonl", self._saved)

    def _resume(self) -> int | None:
        """Take the last checkpoint up; its step, or None where there is none."""
        restored = self._store.restore(self._state)
        if restored is None:
            return None
        self._state, position = restored.state, restored.position
        self._batches.set_state(position["data"])
        self.step, self.tokens = position["step"], position["tokens"]
        self._shown.say(f"Going on from the checkpoint of step {self.step}.")
        return self.step

    def to(self, last_step: int) -> Result:
        """Run until a step is done or somebody asks to stop; save."""
        recipe = self._recipe
        last_step = min(last_step, recipe.steps)
        try:
            with _stop_requests() as stop:
                while not stop.is_set():
                    if self.step % recipe.validate_every == 0 or self.step == recipe.steps:
                        self._validate(stop)
                    if self.step >= last_step or stop.is_set():
                        break
                    self._train_step()
                    if self.step % recipe.checkpoint_every == 0 and self.step < last_step:
                        self._save_or_say()
                if self._saved != self.step and self.step:
                    self._save("Make room and run the same command again.")
        finally:
            self._metrics.close()
        return Result(
            self._state.model, self.step, self.tokens, self.step == recipe.steps, self._last("validation_loss")
        )

    def _train_step(self) -> None:
        batch = next(self._batches)
        start = time.monotonic()
        self._state, metrics = self._step_fn(self._state, batch)
        told = {name: float(value) for name, value in jax.device_get(metrics)._asdict().items()}
        seconds = time.monotonic() - start
        if not math.isfinite(told["loss"]):
            raise UserError(
                f"The loss of step {self.step + 1} is {told['loss']}: the training diverged. "
                "The checkpoints before it are kept; start again in another --out with a lower learning rate."
            )
        self.step += 1
        self.tokens += int(told["tokens"])
        speed = told["tokens"] / seconds
        row = {"step": self.step, **told, "tokens": self.tokens, "tokens_per_second": speed}
        self._metrics.append(row)
        self._shown.update(
            step=self.step,
            loss=told["loss"],
            validation_loss=self._last("validation_loss"),
            learning_rate=told["learning_rate"],
            tokens_per_second=speed,
        )

    def _validate(self, stop: threading.Event) -> None:
        """The mean loss over the validation examples, once for each step; given up where a stop is asked for."""
        known = any("validation_loss" in row for row in self._metrics.rows if row["step"] == self.step)
        if known or not self._validation:
            return
        total = count = 0.0
        for batch in self._validation:
            if stop.is_set():
                return
            losses, targets = self._evaluate(self._state.model, batch)
            total, count = total + float(losses), count + float(targets)
        loss = total / max(count, 1.0)
        self._metrics.append({"step": self.step, "tokens": self.tokens, "validation_loss": loss})
        self._shown.say(f"step {self.step}  validation loss {loss:.4f}")

    def _save(self, way_out: str) -> None:
        self._metrics.sync()
        position = {"step": self.step, "tokens": self.tokens, "data": self._batches.get_state()}
        try:
            self._store.save(self.step, self._state, position)
        except UserError as error:
            kept = "there is none before it" if self._saved is None else f"the one of step {self._saved} is kept"
            raise UserError(f"{error} Of the checkpoints, {kept}. {way_out}") from error
        self._saved = self.step

    def _save_or_say(self) -> None:
        """A checkpoint on the way: where it can't be written the run goes on, and tries again at the next."""
        try:
            self._save("The run goes on; make room before it is time for the next.")
        except UserError as error:
            self._shown.say(str(error))

    def _last(self, name: str) -> float | None:
        return next((row[name] for row in reversed(self._metrics.rows) if name in row), None)


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets; a second signal does what it always does."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may take signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: object) -> None:
        stop.set()
        restore()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()
