"""Seeded windows of a data set: 50 tokens that a model is given, and the 50 that stand behind them.

A window is a stretch of text as somebody wrote it: all its tokens are in one part of one file, next to each other in
the row. In a row with a hole the parts stand in another order than in the file, with special tokens between them, so
that no window crosses from the prefix to the suffix or the middle; inside each of them the order is the file's own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from codegem.data.records import TrainingExample
from codegem.data.shards import ExampleSource, Split
from codegem.text.fim import Role
from codegem.text.languages import language_of
from codegem.text.tokenizer import Tokenizer

GIVEN = 50  # tokens that the model reads of a window (Gemma, arXiv 2403.08295; Anil et al. 2023, arXiv 2305.10403)
WANTED = 50  # tokens that are compared
LENGTH = GIVEN + WANTED
# What the loss teaches to continue. Of a conversation only answers are learned.
_LEARNED = (Role.TEXT, Role.PREFIX, Role.MIDDLE, Role.SUFFIX, Role.ANSWER)
_BEGINNING = (Role.TEXT, Role.PREFIX, Role.ANSWER)  # of a file, or of a part of one that was too long

Places = Literal["anywhere", "beginnings"]
"""Where windows may begin: at any token, or with a file, or the part of a long one, as the Gemma reports take them."""


@dataclass(frozen=True, eq=False)
class Window:
    """100 tokens of a row.

    Attributes:
        row: of its split.
        start: of the window in the row.
        heading: int32, the path line of its file as the row has it; empty where it has none.
        tokens: int32 [100].
        part: int32, all that the row has of the file without a break around the window.
        path: what the heading says, "" where there is none.
    """

    split: Split
    row: int
    start: int
    heading: np.ndarray
    tokens: np.ndarray
    part: np.ndarray
    path: str

    @property
    def name(self) -> str:
        """Unlike that of every other window of a data set."""
        return f"{self.split}/{self.row}/{self.start}"

    @property
    def given(self) -> list[int]:
        """The tokens that the model gets, behind the heading."""
        return self.tokens[:GIVEN].tolist()

    @property
    def wanted(self) -> list[int]:
        """What stands behind it."""
        return self.tokens[GIVEN:].tolist()

    @property
    def language(self) -> str:
        """By the ending of the path; "other" where that tells none."""
        return language_of(self.path) or "other"


def draw(
    source: ExampleSource,
    split: Split,
    rows: Sequence[int] | np.ndarray,
    count: int,
    seed: int,
    tokenizer: Tokenizer,
    *,
    places: Places = "beginnings",
    unknown: frozenset[int] = frozenset(),
) -> Iterator[Window]:
    """At most `count` windows of some rows, no two of which share a token; the first of more are those of fewer.

    Every window of the rows has the same chance. Rows are gone through in a seeded order, and give one window each or
    none; where that is not enough, they are gone through again.

    Args:
        rows: numbers of rows of the split.
        tokenizer: of the data set, for the paths.
        unknown: ids that neither windows nor their headings may hold.
    """
    order = np.random.default_rng([seed, len(rows)]).permutation(np.asarray(rows, np.int64))
    taken: dict[int, list[int]] = {}
    for turn in range(source.manifest.context_length // LENGTH):
        for row in order.tolist():
            if not count:
                return
            example = source[row]
            start = _start(example, (seed, row), turn, places)
            if start is None or any(abs(start - other) < LENGTH for other in taken.get(row, ())):
                continue
            heading, tokens = _heading(example, start), example.tokens[start : start + LENGTH]
            if not _is_text(example, start) or not unknown.isdisjoint([*heading.tolist(), *tokens.tolist()]):
                continue
            taken.setdefault(row, []).append(start)
            count -= 1
            path = tokenizer.decode(heading.tolist()).rstrip("\n")
            yield Window(split, row, start, heading, tokens, _part(example, start), path)


def _start(example: TrainingExample, key: tuple[int, int], turn: int, places: Places) -> int | None:
    """Where the window of a row begins, if it is one; drawn so that all windows have the same chance."""
    length = len(example.tokens)
    if places == "anywhere":
        return int(np.random.default_rng([*key, turn]).integers(length - LENGTH + 1))
    begins = np.isin(example.roles, _BEGINNING) & (np.diff(example.roles, prepend=255) != 0)
    found = [int(start) for start in np.flatnonzero(begins) if _is_text(example, int(start))]
    place = int(np.random.default_rng(key).permutation(length // LENGTH)[turn])  # a row has no more of them
    return found[place] if place < len(found) else None


def _is_text(example: TrainingExample, start: int) -> bool:
    """Whether the window that starts there is learned text of one part of one file."""
    window = slice(start, start + LENGTH)
    role, segment = example.roles[start], example.segment_ids[start]
    return bool(
        start + LENGTH <= len(example.tokens)
        and segment > 0
        and role in _LEARNED
        and (example.roles[window] == role).all()
        and (example.segment_ids[window] == segment).all()
    )


def _heading(example: TrainingExample, start: int) -> np.ndarray:
    """The nearest path line before a place in its segment: files begin with theirs."""
    before = (example.roles[:start] == Role.PATH) & (example.segment_ids[:start] == example.segment_ids[start])
    places = np.flatnonzero(before)
    breaks = np.flatnonzero(np.diff(places) > 1)
    return example.tokens[places[breaks[-1] + 1 :] if len(breaks) else places]


def _part(example: TrainingExample, start: int) -> np.ndarray:
    """The tokens around a place that are of its role and segment."""
    same = (example.roles == example.roles[start]) & (example.segment_ids == example.segment_ids[start])
    breaks = np.flatnonzero(~same)
    place = int(np.searchsorted(breaks, start))
    first = breaks[place - 1] + 1 if place else 0
    return example.tokens[first : breaks[place] if place < len(breaks) else None]
