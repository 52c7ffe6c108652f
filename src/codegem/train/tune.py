"""A model that exists, tuned on a data set of code or of conversations: the run behind `codegem tune`.

OUT/adapter/    with LoRA: what was learned, in PEFT's layout
OUT/model/      with full tuning: the weights; the rest of OUT is `train.loop`'s
"""

from dataclasses import dataclass
from pathlib import Path

import jax
from jaxtyping import PyTree

from codegem.data.shards import ExampleSource, read_manifest
from codegem.model.lora import Adapter
from codegem.train.batches import run_batches
from codegem.train.layout import place
from codegem.train.loop import Job, Result, run_job
from codegem.train.metrics import read_metrics
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe
from codegem.train.step import make_evaluation
from codegem.train.subject import Tuning, open_subject
from codegem.train.tune_recipe import Schedule, tune_recipe


@dataclass(frozen=True)
class Tuned:
    """What came of a run.

    Attributes:
        path: the adapter or the model.
        parameters: how many numbers were trained.
        before: validation loss of the model as it was; None without validation examples.
        after: at the end.
    """

    recipe: TrainRecipe
    result: Result
    path: Path
    parameters: int
    before: float | None
    after: float | None


def tune(
    model: str,
    data: Path,
    out: Path,
    tuning: Tuning = Tuning(),  # noqa: B008  # frozen
    schedule: Schedule = Schedule(),  # noqa: B008
    *,
    progress: Progress | None = None,
    stop_after: int | None = None,
    accept_changes: bool = False,
) -> Tuned:
    """Tune a model on what `codegem data build` or `codegem data instructions` made.

    Conversations are learned by their answers alone, and the model chats from then on. SIGINT and SIGTERM stop after
    the step that is running, and the same call goes on from there.

    Args:
        model: whatever `open_model` opens.
        out: the folder of the run.
        stop_after, progress, accept_changes: as in `loop.run_job`.

    Raises:
        UserError: the model can't be read, or not tuned; the data are not for it; `out` is of another run; the disk is
            full; too many steps in a row were not finite.
        UsageError: a field makes no sense.
    """
    manifest = read_manifest(data)
    subject = open_subject(model, tuning, dtype=schedule.dtype, seed=schedule.seed)
    subject.require_data(manifest, data, out)
    examples, tokens = manifest.examples("train"), manifest.context_length
    recipe = tune_recipe(subject.config, examples, tokens, tuning.method, schedule, subject.opened.order)
    batches, validation = run_batches(recipe, ExampleSource(data, "train"), ExampleSource(data, "validation"))
    chats = bool(manifest.counts.get("conversations"))
    job = Job(
        batches=batches,
        validation=validation,
        identity={"data": manifest.hash, **subject.identity},
        trained=subject.trained,
        join=subject.join,
        frozen=subject.frozen,
        save=lambda result: subject.save(subject.mixed(result.model), out, chats=chats),
    )
    result = run_job(recipe, job, out, progress=progress, stop_after=stop_after, accept_changes=accept_changes)
    losses = [row["validation_loss"] for row in read_metrics(out / "metrics.jsonl") if "validation_loss" in row]
    before, after = (losses[0], losses[-1]) if losses else (None, None)
    if losses and subject.keep and result.finished:
        after = _loss(recipe, job, subject.mixed(result.model))
    trained = subject.trained
    parameters = trained.parameters if isinstance(trained, Adapter) else recipe.model.parameters
    path = subject.path(out)
    return Tuned(recipe, result, path, parameters, before, after)


def _loss(recipe: TrainRecipe, job: Job, trained: PyTree) -> float:
    """The mean validation loss of what is saved, where it is not what was trained last."""
    evaluate = make_evaluation(recipe, job.objective, job.join)
    trained, frozen = place(trained, recipe.mesh), place(job.frozen, recipe.mesh)
    told = [jax.device_get(evaluate(trained, batch, frozen)) for batch in job.validation]
    return float(sum(losses for losses, *_ in told) / max(sum(weights for _, weights, _ in told), 1.0))
