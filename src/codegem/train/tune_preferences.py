"""A model tuned on pairs of answers: the run behind `codegem tune preferences`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grain
import jax
import numpy as np

from codegem.data.fim_sampling import generator
from codegem.errors import UsageError, UserError
from codegem.text.chat import Turn
from codegem.train.batches import Batch
from codegem.train.feeding import BatchIterator
from codegem.train.json_lines import read_json_lines
from codegem.train.loop import Job, Result, run_job
from codegem.train.metrics import read_metrics
from codegem.train.preference import PreferenceLoss, in_batches, preference_rows, read_preference, with_reference
from codegem.train.progress import Progress
from codegem.train.subject import Subject, Tuning, open_subject
from codegem.train.tune_recipe import Schedule, tune_recipe

GENTLER = 0.05  # of the learning rate for text: a style is learned in few steps, and more unlearns the answers


def check_share(share: float) -> None:
    """Raises UsageError where that is no share to hold out."""
    if not 0 <= share < 1:
        raise UsageError(f"held_out_share is {share}; it is a share below 1.")


@dataclass(frozen=True)
class PreferenceRules:
    """What preference tuning does besides the schedule.

    Attributes:
        beta: how dear it is to leave the model that the run begins with; larger stays nearer.
        held_out_share: of the questions, which with all their pairs are not trained on but judged by.
    """

    beta: float = 0.1
    held_out_share: float = 0.1

    def __post_init__(self):
        if not self.beta > 0:
            raise UsageError(f"beta is {self.beta}; it must be above 0.")
        check_share(self.held_out_share)


@dataclass(frozen=True)
class Preferred:
    """What came of a run.

    Attributes:
        path: the adapter or the model.
        before: numbers of the held-out pairs before the first step, named as in metrics.jsonl; none where there are
            no such pairs.
        after: at the end; `validation_accuracy` is the share of pairs whose better answer became likelier, beside the
            worse one, than it was.
    """

    result: Result
    path: Path
    pairs: int
    held_out: int
    before: dict[str, float]
    after: dict[str, float]


def tune_preferences(
    model: str,
    data: Path,
    out: Path,
    rules: PreferenceRules = PreferenceRules(),  # frozen
    tuning: Tuning = Tuning(),  # noqa: B008
    schedule: Schedule = Schedule(),  # noqa: B008
    *,
    progress: Progress | None = None,
    stop_after: int | None = None,
    accept_changes: bool = False,
) -> Preferred:
    """Tune a model by DPO on a file of pairs (`preference`). It can be stopped, and the same call goes on.

    Args:
        model: whatever `open_model` opens; best one that was tuned on good answers before.
        out: the folder of the run.
        stop_after, progress, accept_changes: as in `loop.run_job`.

    Raises:
        UserError: a row of the file is wrong, the model can't be tuned, `out` is of another run, or as in `run_job`.
        UsageError: a field makes no sense.
    """
    pairs, digest = read_json_lines(data, read_preference)
    tuning = replace(tuning, keep=tuning.keep or 0.0)  # what it was stays near by beta, not by averaging
    subject = open_subject(model, tuning, dtype=schedule.dtype, seed=schedule.seed)
    try:
        rows = preference_rows(pairs, subject.tokenizer, subject.config.context_length)
    except UserError as error:
        raise UserError(f"{data}: {error}") from None
    rate, examples = schedule.learning_rate, len(rows)
    recipe = tune_recipe(
        subject.config, examples, 2 * rows[0]["tokens"].shape[-1], tuning.method, schedule, subject.opened.order
    )
    recipe = recipe if rate else replace(recipe, learning_rate=GENTLER * recipe.learning_rate)
    key = hashlib.sha256(f"{digest} {start_hash(subject)} {recipe.dtype}".encode()).hexdigest()
    cache = out / "reference.safetensors"
    with_reference(rows, subject.trained, recipe, cache, key, subject.join, subject.frozen)
    kept, held = parted(rows, [pair.turns for pair in pairs], rules.held_out_share, recipe.seed)
    if len(kept) < recipe.batch_size:
        raise UsageError(f"batch_size is {recipe.batch_size}, and {data} has {len(kept)} pairs to train on.")
    job = Job(
        batches=shuffled(kept, recipe.batch_size, recipe.seed),
        validation=in_batches(held[: recipe.validation_examples], recipe.micro_batch),
        identity={"data": digest, "rules": vars(rules), **subject.identity, "start": start_hash(subject)},
        trained=subject.trained,
        objective=PreferenceLoss(rules.beta),
        join=subject.join,
        frozen=subject.frozen,
        save=lambda result: subject.save(subject.mixed(result.model), out, chats=True),
    )
    result = run_job(recipe, job, out, progress=progress, stop_after=stop_after, accept_changes=accept_changes)
    told = [row for row in read_metrics(out / "metrics.jsonl") if "validation_loss" in row]
    path = subject.path(out)
    return Preferred(result, path, len(kept), len(held), told[0] if told else {}, told[-1] if told else {})


def shuffled(rows: Sequence[Batch], batch_size: int, seed: int) -> BatchIterator:
    """Batches without end, as `batches.training_batches` gives them, of rows that are at hand."""
    options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)
    order = grain.MapDataset.source(rows).shuffle(seed=seed).repeat().batch(batch_size, drop_remainder=True)  # type: ignore[arg-type]
    return iter(order.to_iter_dataset(options))  # type: ignore[return-value]


def parted(rows: Sequence[Any], questions: Sequence[tuple[Turn, ...]], share: float, seed: int) -> tuple[list, list]:
    """Rows to train on, and those of a seeded share of the questions, which are held out.

    >>> parted("abc", [(Turn("user", "1"),), (Turn("user", "2"),), (Turn("user", "1"),)], 0.5, seed=1)
    (['b'], ['a', 'c'])
    """
    kinds = sorted(set(questions), key=lambda turns: [turn.text for turn in turns])
    held = set(generator(seed, "held out").sample(kinds, round(share * len(kinds))))
    sides = [[], []]
    for row, question in zip(rows, questions, strict=True):
        sides[question in held].append(row)
    return sides[0], sides[1]


def start_hash(subject: Subject) -> str:
    """SHA-256 of what is trained, as it is before the first step, and of the model beside it."""
    digest = hashlib.sha256(subject.identity["model"].encode())
    if subject.frozen is not None:
        for leaf in jax.tree.leaves(subject.trained):
            digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()
