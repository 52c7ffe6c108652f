"""From a data set to a model directory: the run behind `codegem train`.

OUT/model/    the weights in Hugging Face's layout, with the tokenizer; the rest of OUT is `train.loop`'s
"""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

from codegem.data.shards import ExampleSource, Manifest, read_manifest
from codegem.errors import UserError
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import Tokenizer, load_tokenizer
from codegem.train.batches import run_batches
from codegem.train.loop import Job, Result, run_job
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe


def train(
    recipe: TrainRecipe,
    data: Path,
    out: Path,
    *,
    start: Path | None = None,
    progress: Progress | None = None,
    stop_after: int | None = None,
    accept_changes: bool = False,
) -> Result:
    """Train on a data set of `codegem data build`, and write the model directory `out`/model.

    SIGINT and SIGTERM stop after the step that is running; the same call goes on from there.

    Args:
        start: a model directory whose weights the run begins with; default random ones.
        progress: shows how it goes; default on standard error.
        stop_after: stop, as a signal would, after this step.
        accept_changes: go on from a checkpoint of another recipe, other data or another tokenizer.

    Raises:
        UserError: the data or `start` doesn't fit the model; `out` is of another run; the disk is full; too many
            steps in a row were not finite.
    """
    manifest, tokenizer = read_manifest(data), load_tokenizer(data)
    _check(recipe, manifest, tokenizer, data)
    batches, validation = run_batches(recipe, ExampleSource(data, "train"), ExampleSource(data, "validation"))
    job = Job(
        batches=batches,
        validation=validation,
        identity={
            "data": manifest.hash,
            "tokenizer": tokenizer.hash,
            "start": hash_weights(start) if start else None,
        },
        trained=_starting_model(recipe, start, tokenizer) if start else None,
        save=partial(_save, recipe, tokenizer, manifest, out, start),
    )
    return run_job(recipe, job, out, progress=progress, stop_after=stop_after, accept_changes=accept_changes)


def hash_weights(directory: Path) -> str:
    """SHA-256 over the weights of a model directory."""
    digest = hashlib.sha256()
    for path in sorted(directory.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
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


def _save(
    recipe: TrainRecipe, tokenizer: Tokenizer, manifest: Manifest, out: Path, start: Path | None, result: Result
) -> Path:
    from codegem.checkpoints import huggingface
    from codegem.checkpoints.chat_template import directory_chats

    derived_from = huggingface.origin(start) if start else None
    chats = bool(manifest.counts.get("conversations")) or (start is not None and directory_chats(start))
    directory = out / "model"
    huggingface.save(
        directory, result.model, tokenizer, order=recipe.prompt_order, derived_from=derived_from, chats=chats
    )
    return directory
