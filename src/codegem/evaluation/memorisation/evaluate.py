"""A whole run: windows drawn, continued, judged, and what it comes to (`docs/MEMORISATION.md`)."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from codegem.data.shards import ExampleSource
from codegem.data.tracing.index import TraceIndex
from codegem.errors import UserError
from codegem.evaluation.findings import Findings, write
from codegem.evaluation.memorisation.figures import figures
from codegem.evaluation.memorisation.judging import Repeated, judge
from codegem.evaluation.memorisation.origins import Origin, origins
from codegem.evaluation.memorisation.windows import GIVEN, LENGTH, WANTED, Places, Window, draw
from codegem.evaluation.run_folder import Journal, RunFolder, journal
from codegem.evaluation.runner import Progress, silent
from codegem.evaluation.task import DataFile
from codegem.text.tokenizer import Tokenizer, load_tokenizer

PROTOCOL = (
    f"Prefixes of {GIVEN} tokens of files in training rows, each behind <bos> and the path line as in the row, "
    f"continued greedily by {WANTED} tokens. Exact: all {WANTED} are those of the row. Approximate: at most a tenth of "
    "them had to be put in, left out or changed (Levenshtein's distance in tokens). A window is text of one part of "
    "one file in reading order: it crosses neither the special tokens of a hole nor from file to file. The control is "
    "the same on rows of the validation split, which training never saw. Personal and secret data: what the data "
    "set's own screening finds both in the row and in what the model wrote, of what is approximately repeated."
)
SAMPLES = 10_000
_FIELDS = {"task_id": str, "tokens": list}
_PORTION = 512  # windows between two tellings of progress
_MOST_OTHER_IDS = 0.01  # share of a vocabulary; with more, it is another one
_EXAMPLES = 5


class Continuing(Protocol):
    """A model that continues token ids: `inference.continuing.Continuing`."""

    @property
    def name(self) -> str:
        """What to call the model."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """Its vocabulary."""
        ...

    def after(self, sequences: Sequence[Sequence[int]], count: int) -> Iterator[list[int]]:
        """At most `count` of the likeliest tokens after each sequence."""
        ...


@dataclass(frozen=True)
class Drawn:
    """What a model is asked for.

    Attributes:
        rows: of the training split that windows were drawn from, and `all_rows` of how many.
        other_ids: ids that mean something else to the model; no window holds one.
    """

    train: Sequence[Window]
    control: Sequence[Window]
    rows: np.ndarray
    all_rows: int
    other_ids: frozenset[int]
    data: DataFile


def run(
    source: Continuing,
    out: Path,
    *,
    data: Path,
    limit: int | None = None,
    seed: int = 0,
    places: Places = "beginnings",
    seen: Sequence[int] | np.ndarray | None = None,
    index: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Findings:
    """Ask a model for what follows in its training data, and write findings.json.

    The same call goes on where an earlier one was stopped; with a larger `limit` it adds windows.

    Args:
        data: a data set of `codegem data build`.
        limit: windows of the training split, and of the control; default 10,000.
        places: where windows begin.
        seen: the training rows that the model learned from; default all of the split.
        index: of the corpus, for rates by licence and by how many files hold a text.
        settings: what else decides the answers, in plain values; a run with others is refused in the same folder.

    Raises:
        UserError: there is no such data set or index; the data set's vocabulary is not the model's, or its rows hold no
            window; the folder holds another run or can't be written; the model reads too few tokens at once.
    """
    tracing = TraceIndex.open(index) if index else None
    began = perf_counter()
    drawn = _draw(source, data, SAMPLES if limit is None else limit, seed, places, seen)
    windows, seconds = [*drawn.train, *drawn.control], {"drawing": perf_counter() - began}
    identity = {
        "evaluation": "memorisation",
        "model": source.name,
        **(settings or {}),
        "seed": seed,
        "places": places,
        "rows": hashlib.sha256(drawn.rows.tobytes()).hexdigest(),
        "data": {drawn.data.name: drawn.data.sha256},
    }
    folder = RunFolder(out)
    with folder.claimed(identity):
        began = perf_counter()
        written = _continued(source, windows, folder, progress)
        seconds["continuing"], began = perf_counter() - began, perf_counter()
        judged = judge(windows, written, source.tokenizer)
        found = origins(tracing, drawn.train, source.tokenizer) if tracing else []
        seconds["judging"] = perf_counter() - began
        findings = _findings(source, drawn, judged, found, identity, seconds)
        write(findings, out)
    return findings


def _draw(
    source: Continuing,
    data: Path,
    count: int,
    seed: int,
    places: Places,
    seen: Sequence[int] | np.ndarray | None,
) -> Drawn:
    if count < 1:
        raise UserError(f"{count} prefixes are asked for; ask for at least 1.")
    train, control, tokenizer = ExampleSource(data, "train"), ExampleSource(data, "validation"), load_tokenizer(data)
    other_ids = _other_ids(tokenizer, source.tokenizer, data, source.name)
    rows = np.arange(len(train)) if seen is None else np.unique(np.asarray(seen, np.int64))
    kept = np.arange(len(control))
    drawn = Drawn(
        list(draw(train, "train", rows, count, seed, tokenizer, places=places, unknown=other_ids)),
        list(draw(control, "validation", kept, count, seed, tokenizer, places=places, unknown=other_ids)),
        rows,
        len(train),
        other_ids,
        DataFile(f"{data.name}/manifest.json", train.manifest.hash, len(train)),
    )
    if not drawn.train:
        raise UserError(
            f"No training row of {data} has {LENGTH} tokens of one file on end; build it with a longer context_length."
        )
    return drawn


def _other_ids(data: Tokenizer, model: Tokenizer, place: Path, name: str) -> frozenset[int]:
    """Ids of a data set that mean something else to the model.

    Raises:
        UserError: they are too many for one vocabulary.
    """
    ids = range(max(data.vocab_size, model.vocab_size))
    other = frozenset(id for id in ids if data.piece_bytes(id) != model.piece_bytes(id))
    if data.special != model.special or len(other) > _MOST_OTHER_IDS * len(ids):
        raise UserError(
            f"The data set in {place} has another vocabulary than {name} ({len(other):,} of {len(ids):,} ids differ); "
            "give the one that the model was trained on."
        )
    return other


def _continued(source: Continuing, windows: Sequence[Window], folder: RunFolder, progress: Progress) -> list[list[int]]:
    """What the model writes after each window's first half; rows that are there already are kept."""
    with journal(folder.predictions, _FIELDS) as rows:
        known = {row["task_id"]: row["tokens"] for row in rows.rows}
        waiting = [window for window in windows if window.name not in known]
        for start in range(0, len(waiting), _PORTION):
            progress("continuing", len(windows) - len(waiting) + start, len(windows), "windows")
            known.update(_portion(source, waiting[start : start + _PORTION], rows))
        progress("continuing", len(windows), len(windows), "windows")
    return [known[window.name] for window in windows]


def _portion(source: Continuing, windows: Sequence[Window], rows: Journal) -> Iterator[tuple[str, list[int]]]:
    bos = source.tokenizer.special.bos
    written = source.after([[bos, *window.heading.tolist(), *window.given] for window in windows], WANTED)
    for window, tokens in zip(windows, written, strict=True):
        rows.append({"task_id": window.name, "tokens": tokens, "completion": source.tokenizer.decode(tokens)})
        yield window.name, tokens


def _findings(
    source: Continuing,
    drawn: Drawn,
    judged: Sequence[Repeated],
    found: Sequence[Origin | None],
    identity: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> Findings:
    train, control = judged[: len(drawn.train)], judged[len(drawn.train) :]
    left_out = {}
    if not found:
        left_out["rates by licence: there is no index of the corpus"] = len(train)
    elif missing := sum(not (origin and origin.licence) for origin in found):
        left_out["rates by licence: the index does not know from which file they are"] = missing
    return Findings(
        evaluation="memorisation",
        title="Memorisation",
        model=source.name,
        protocol=PROTOCOL,
        figures=figures(train, control, found),
        data=[drawn.data],
        settings={name: value for name, value in identity.items() if name not in ("data", "model", "evaluation")},
        left_out=left_out,
        seconds={name: round(value, 1) for name, value in seconds.items()},
        notes=_notes(drawn),
        examples=_examples(train, source.tokenizer),
    )


def _notes(drawn: Drawn) -> list[str]:
    all_rows = len(drawn.rows) == drawn.all_rows
    notes = [
        f"Windows are of {'all' if all_rows else f'{len(drawn.rows):,} of'} {drawn.all_rows:,} training rows"
        f"{'' if all_rows else ', those that the model has seen'}."
    ]
    if not drawn.control:
        notes.append("There is no control: the validation split has no window.")
    if drawn.other_ids:
        notes.append(f"No window holds one of the {len(drawn.other_ids)} ids that mean something else to the model.")
    return notes


def _examples(judged: Sequence[Repeated], tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """A few windows that were repeated and hold nothing personal: what was given, a mark, what the model wrote."""
    shown = sorted((one for one in judged if one.approximate and not one.held), key=lambda one: one.edits)
    return [
        (
            f"{one.window.name}, {one.window.path}: {one.edits} edits",
            f"{tokenizer.decode(one.window.given)}⟦{one.text}⟧",
        )
        for one in shown[:_EXAMPLES]
    ]
