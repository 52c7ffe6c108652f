"""Which parts of a text stand in the corpus, and where: an index is opened in milliseconds and asked in one or two.

The corpus has a fingerprint at every 24th visible byte of a file, and a text is looked up at each of its own, so that
a copy holds one wherever it begins (as BLAT finds genes: Kent 2002). What the fingerprints promise is compared with the
stored text byte by byte: a copy that is told of is one. Only NumPy and the standard library are needed.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codegem.data.tracing.hits import Fingerprints, Stretches
from codegem.data.tracing.layout import (
    FILE_LINES,
    FILE_NAMES,
    FILE_PLACES,
    FILE_VISIBLE,
    damaged,
    folder_of,
    load_arrays,
    read_header,
)
from codegem.data.tracing.stored import Reader, StoredText
from codegem.data.tracing.visible import STEP, WIDTH, Visible

LEAST = 20
"""Tokens of a copy worth telling of, as `tokens.spans` counts them: 50 of a vocabulary are more."""

_HITS = 8192  # shared fingerprints that are looked at, in a short text
_COMPARED = 8  # stretches that are compared, in a short text
_ALIKE = 2  # and of one shape, before they are taken to be all too short


@dataclass(frozen=True)
class Copy:
    """A part of a text that stands in a file of the corpus, but for blanks and line ends.

    Attributes:
        start, end: characters of the text.
        tokens: its length, see `LEAST`.
        repository, path, licence, language: the file; of several, one that has the longest copy.
        line, last_line: of the file, counted from 1.
        others: files besides this one that share its fingerprints; so many at least, where crowds do.
    """

    start: int
    end: int
    tokens: int
    repository: str
    path: str
    licence: str | None
    language: str
    line: int
    last_line: int
    others: int = 0


@dataclass(frozen=True)
class _Match:
    """Visible bytes `start` to `end` of the text stand in a file, from the `place`-th of the corpus on."""

    start: int
    end: int
    place: int
    file: int


class TraceIndex:
    """The index of a corpus; any number of threads may ask it.

    >>> index = TraceIndex.open(Path("data/nano"))          # doctest: +SKIP
    >>> index.find(completion)[0].path                      # doctest: +SKIP
    'src/flask_login/utils.py'

    Attributes:
        header: what it is of, and how large.
    """

    def __init__(self, folder: Path):
        self.header = read_header(folder)
        self._folder = folder_of(folder)
        arrays = load_arrays(self._folder)
        self._files = arrays["files"]
        if self._files.shape != (5, self.header.files + 1):
            raise damaged(self._folder, "files.npy is of another length")
        self._fingerprints = Fingerprints(arrays, self.header.every)
        self._text = StoredText(self._folder, arrays["pieces"])
        names = self._folder / "files.jsonl"
        self._names = np.memmap(names, np.uint8, "r") if names.stat().st_size else np.zeros(0, np.uint8)

    @staticmethod
    def open(folder: Path) -> "TraceIndex":
        """An index on disk, mapped into memory.

        Args:
            folder: of the index, or of a data set that has one.

        Raises:
            UserError: there is none, or it is damaged or of another format.
        """
        return TraceIndex(folder)

    @property
    def identity(self) -> str:
        """SHA-256 over everything in it."""
        return self.header.identity

    @property
    def files(self) -> int:
        """Files of the corpus."""
        return self.header.files

    @property
    def certain(self) -> int:
        """A copy of so many visible bytes is found wherever it lies."""
        return self.header.certain

    @property
    def least(self) -> int:
        """Tokens from which on copies are worth asking for: a smaller index knows only of longer ones."""
        return -(-LEAST * self.certain // (STEP + WIDTH - 1))

    def find(self, text: str, least: int = LEAST) -> list[Copy]:
        """The parts of a text that stand in the corpus, in their order; of parts that overlap, the longer.

        Args:
            text: any text; blanks and line ends in it don't count.
            least: tokens of a copy that is told of.

        Raises:
            UserError: the index turns out to be damaged.
        """
        data = text.encode("utf-8", "replace")
        visible = Visible.of(data)
        if len(visible.data) < WIDTH or visible.tokens[-1] < least:
            return []
        try:
            stretches = self._fingerprints.stretches(visible, least, max(_HITS, 8 * len(visible.data)))
            reader = Reader(self._text)
            matches = self._compared(visible, reader, stretches, least)
            return [self._copy(visible, reader, match, others) for match, others in matches]
        except (IndexError, ValueError) as error:
            raise damaged(self._folder, f"{error!s:.100}") from None

    def _compared(self, visible: Visible, reader: Reader, stretches: Stretches, least: int) -> list[tuple[_Match, int]]:
        """The copies that the stretches turn out to be, each with the number of other files that may have it."""
        found: list[_Match] = []
        left = max(_COMPARED, len(visible.data) // (2 * STEP))
        longer = left // 4  # of those, for the longest of several that are much the same
        for group in stretches.groups:
            for row in range(group.begin, min(group.behind, group.begin + _ALIKE)):
                if not left or _held(visible, found, group.start, group.end, 1 if longer else least):
                    break
                longer -= longer > 0 and _held(visible, found, group.start, group.end, least)
                left -= 1
                match = self._match(visible, reader, stretches, row)
                if visible.is_enough(match.start, match.end, least):
                    found.append(match)
        kept: list[_Match] = []
        for match in sorted(found, key=lambda match: (match.start - match.end, match.start, match.place)):
            if not _held(visible, kept, match.start, match.end, least):
                kept.append(match)
        kept.sort(key=lambda match: (match.start, match.end))
        return [(match, _others(match, stretches)) for match in kept]

    def _match(self, visible: Visible, reader: Reader, stretches: Stretches, row: int) -> _Match:
        """The whole copy around a shared fingerprint; empty where the text is another."""
        first, number, file = (int(column[row]) for column in stretches[:3])
        begin, end = (int(value) for value in self._files[FILE_VISIBLE, file : file + 2])
        place = begin + (number - int(self._files[FILE_PLACES, file])) * STEP
        before = min(first, place - begin)
        after = min(len(visible.data) - first, end - place)
        backward = reader.same_before(place, visible.data[first - before : first]) if before else 0
        forward = reader.same_after(place, visible.data[first : first + after])
        return _Match(first - backward, first + forward, place - backward, file)

    def _copy(self, visible: Visible, reader: Reader, match: _Match, others: int) -> Copy:
        line = int(self._files[FILE_LINES, match.file])
        first = reader.line_at(match.place) - line + 1
        last = reader.line_at(match.place + match.end - match.start - 1) - line + 1
        start, end = visible.characters(match.start, match.end)
        tokens = int(visible.tokens[match.end] - visible.tokens[match.start])
        repository, path, licence, language = self._name(match.file)
        return Copy(start, end, tokens, repository, path, licence, language, first, last, others)

    def _name(self, file: int) -> tuple[str, str, str | None, str]:
        start, end = (int(value) for value in self._files[FILE_NAMES, file : file + 2])
        repository, path, licence, language = json.loads(self._names[start:end].tobytes())
        return repository, path, licence, language


def _held(visible: Visible, found: list[_Match], start: int, end: int, least: int) -> bool:
    """Whether one of the copies leaves too few tokens of a stretch for another."""
    tokens = visible.tokens
    return any(
        match.start < end
        and start < match.end
        and tokens[max(start, match.start)] - tokens[start] < least
        and tokens[end] - tokens[min(end, match.end)] < least
        for match in found
    )


def _others(match: _Match, stretches: Stretches) -> int:
    """How many files besides that of a copy promise as much."""
    rows = [
        stretches.file[group.begin : group.behind]
        for group in stretches.groups
        if group.start <= match.start and match.end <= group.end
    ]
    return len(np.unique(np.concatenate([*rows, [match.file]]))) - 1
