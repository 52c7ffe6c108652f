"""Files that hold a part of a benchmark, in its own words or as its code in disguise.

Two kinds of runs are looked up. Words: 13 in a row, as for GPT-3 (arXiv 2005.14165, appendix C), case and
punctuation aside; a shorter text of a benchmark counts as a whole, from 8 words on. Shapes of code
(`code_shapes`): so many tokens in a row of a benchmark's solution, whatever the names in it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from codegem.data.benchmarks.benchmark_records import Field, benchmark_files, content_hash, read_benchmark
from codegem.data.benchmarks.code_shapes import REACH, STYLES, Original, Shapes, shapes
from codegem.data.benchmarks.window_table import Windows, WindowTable
from codegem.data.fingerprints import CLASSES, WORD, Tokens, encodable, tokens
from codegem.errors import UserError
from codegem.text.languages import LANGUAGES, language_of

_BATCH_BYTES = 1 << 20
_RUNS_AT_ONCE = 1 << 12
_HASH_COMMENTS = {language.name for language in LANGUAGES if language.line_comment != "//"}


@dataclass(frozen=True)
class ContaminationRules:
    """What counts as a part of a benchmark.

    Attributes:
        words: words in a row. 13 is GPT-3's number (arXiv 2005.14165, appendix C).
        min_words: words from which a shorter text counts as a whole; GPT-3's least number was 8.
        min_distinct: different words, other than numbers, that such a run must hold.
        shape: tokens in a row of a solution whose names were replaced.
        min_codes: different tokens, other than numbers, that a run must hold: a table of data is no solution.
        min_shape: tokens from which a shorter solution counts, where it is a whole function there too and
            holds the same strings.
        min_named: the same where attributes and built-in names are those of the solution.
    """

    words: int = 13
    min_words: int = 8
    min_distinct: int = 6
    shape: int = 40
    min_codes: int = 7
    min_shape: int = 20
    min_named: int = 12

    def check(self) -> None:
        """Raises UserError where a rule makes no sense."""
        if not 2 <= self.min_words <= self.words:
            raise UserError(f"min_words is {self.min_words}, and must be from 2 to words, {self.words}.")
        if not 2 <= self.min_named <= self.min_shape <= self.shape:
            sizes = f"{self.min_named}, {self.min_shape} and {self.shape}"
            raise UserError(f"min_named, min_shape and shape are {sizes}, and must rise from 2 on.")


@dataclass(frozen=True)
class Hit:
    """Where a file holds a part of a benchmark.

    Attributes:
        benchmark, record, field: of the benchmark; see `benchmark_records.Field`.
        kind: "words" or "shape".
        line: line of the file, from 1, at which the part begins.
    """

    benchmark: str
    record: str
    field: str
    kind: str
    line: int


@dataclass(frozen=True)
class BenchmarkIndex:
    """What is looked for, made by `load`.

    Attributes:
        hash: of the benchmarks' contents and of the rules.
        fields: number of texts that it holds.
    """

    hash: str
    rules: ContaminationRules
    fields: int = field(compare=False)
    _sources: list[tuple[str, str, str]] = field(repr=False, compare=False)
    _literals: dict[tuple[str, int], list[str]] = field(repr=False, compare=False)
    _words: WindowTable = field(repr=False, compare=False)
    _shapes: WindowTable = field(repr=False, compare=False)
    _named: WindowTable = field(repr=False, compare=False)

    @classmethod
    def load(cls, paths: Sequence[Path], rules: ContaminationRules | None = None) -> "BenchmarkIndex":
        """Read benchmarks from files and folders (.jsonl, .json and .txt, also packed by gzip or bzip2).

        Raises:
            UserError: a path does not exist or cannot be read, or the rules make no sense.
        """
        rules = rules or ContaminationRules()
        rules.check()
        fields: dict[tuple[str, bool], Field] = {}  # of those with the same text, the first
        for name, path in benchmark_files(paths):
            for each in read_benchmark(name, path, shortest=2 * rules.min_words):
                fields.setdefault((each.text, each.code), each)
        return cls.of(list(fields.values()), rules, index_hash(paths, rules))

    @classmethod
    def of(
        cls, fields: Sequence[Field], rules: ContaminationRules, hash: str, *, words: bool = True
    ) -> "BenchmarkIndex":
        """What is looked for of some texts.

        Args:
            words: look for their words too, and not for code under any names alone.
        """
        sources = [(each.benchmark, each.record, each.name) for each in fields]
        literals, formed, named = _shapes(fields, rules)
        return cls(hash, rules, len(fields), sources, literals, _words(fields if words else [], rules), formed, named)

    def find(self, texts: Sequence[str], paths: Sequence[str]) -> list[Hit | None]:
        """For each text, where it first holds a part of a benchmark, or None.

        Args:
            paths: names of the files, for the way in which comments are written.
        """
        hits: list[Hit | None] = [None] * len(texts)
        texts = [encodable(text) for text in texts]
        for numbers in _batches(texts):
            self._find_words(numbers, texts, hits)
            for style in STYLES:
                same = [number for number in numbers if hits[number] is None and _style(paths[number]) == style]
                self._find_shapes(same, texts, style, hits)
        return hits

    def _find_words(self, numbers: Sequence[int], texts: Sequence[str], hits: list[Hit | None]) -> None:
        read = tokens([texts[number] for number in numbers], fold_case=True)
        for place, token, _, source in self._words.find(read.hashes, read.bounds):
            number = numbers[place]
            if hits[number] is None:
                byte = int(read.starts[token] - read.origins[place])
                line = texts[number].encode()[:byte].count(b"\n") + 1
                hits[number] = Hit(*self._sources[source], "words", line)

    def _find_shapes(self, numbers: Sequence[int], texts: Sequence[str], style: str, hits: list[Hit | None]) -> None:
        if not numbers:
            return
        read = shapes([texts[number] for number in numbers], style)
        found = [*self._shapes.find(read.codes, read.bounds), *self._named.find(read.named, read.bounds)]
        originals: dict[int, Original] = {}
        for place, token, length, source in found:
            number, span = numbers[place], read.span(place, token, token + length)
            if hits[number] is not None or (length < self.rules.shape and span is None):
                continue
            original = originals.get(number) or originals.setdefault(number, Original(texts[number], style))
            if length == self.rules.shape or (span and original.strings(*span) == self._literals[style, source]):
                line = original.line(int(read.starts[token] - read.origins[place]))
                hits[number] = Hit(*self._sources[source], "shape", line)


def index_hash(paths: Sequence[Path], rules: ContaminationRules) -> str:
    """`BenchmarkIndex.hash` without making the index.

    Raises:
        UserError: a path does not exist or cannot be read.
    """
    digest = hashlib.sha256(json.dumps(asdict(rules), sort_keys=True).encode())
    for name, path in benchmark_files(paths):
        digest.update(f"{name} {content_hash(path)}\n".encode())
    return digest.hexdigest()


def _style(path: str) -> str:
    language = language_of(path)
    return "#" if language is None or language in _HASH_COMMENTS else "//"


def _batches(texts: Sequence[str]) -> list[list[int]]:
    batches, held = [[]], 0
    for number, text in enumerate(texts):
        if held and held + len(text) > _BATCH_BYTES:
            batches.append([])
            held = 0
        batches[-1].append(number)
        held += len(text)
    return batches if texts else []


def _words(fields: Sequence[Field], rules: ContaminationRules) -> WindowTable:
    """Every run of words of every text that says enough."""
    found = Windows(rules.min_words)
    for numbers in _batches([each.text for each in fields]):
        read = tokens([fields[number].text for number in numbers], fold_case=True)
        telling = _telling(read)
        for length, starts, sources in _runs(read.bounds[:-1], read.bounds, rules.min_words, rules.words):
            enough = _distinct(telling, starts, length) >= rules.min_distinct
            found.add(read.hashes, starts[enough], length, np.array(numbers)[sources[enough]])
    return found.table()


def _runs(
    firsts: np.ndarray, bounds: np.ndarray, least: int, most: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(length, starts, texts) of the runs of texts: of the whole of a short one, and all of a long one.

    Args:
        firsts: int64 [N], the token of each text from which on it counts.
        bounds: int64 [N + 1], where the texts begin.
    """
    lengths = np.minimum(bounds[1:] - firsts, most)
    for length in range(least, most + 1):
        texts = np.flatnonzero(lengths == length)
        counts = bounds[1:][texts] - firsts[texts] - length + 1
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        yield length, np.repeat(firsts[texts], counts) + steps, np.repeat(texts, counts)


def _telling(read: Tokens) -> np.ndarray:
    """The hashes of words that say something; 0 for numbers and single characters."""
    first, second = read.data[read.starts], CLASSES[read.data[read.starts + 1]]
    dull = (first >= ord("0")) & (first <= ord("9")) | (second != WORD)
    return np.where(dull, np.uint64(0), read.hashes).astype(np.uint32)


def _distinct(telling: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """How many different words each run holds, 0 not counted."""
    counts = [np.zeros(0, np.int64)]
    for begin in range(0, len(starts), _RUNS_AT_ONCE):
        words = telling[starts[begin : begin + _RUNS_AT_ONCE, None] + np.arange(length)]
        words.sort(axis=1)
        counts.append(1 + np.count_nonzero(words[:, 1:] != words[:, :-1], axis=1) - (words[:, 0] == 0))
    return np.concatenate(counts)


_Literals = dict[tuple[str, int], list[str]]  # the strings of a solution, by the way of comments and its number


def _shapes(fields: Sequence[Field], rules: ContaminationRules) -> tuple[_Literals, WindowTable, WindowTable]:
    """Every run of tokens of every solution, under both ways of writing comments; and the short ones, named."""
    literals: _Literals = {}
    found, named = Windows(rules.min_shape), Windows(rules.min_named)
    sources = np.array([number for number, each in enumerate(fields) if each.code], np.int64)
    for style in STYLES:
        read = shapes([fields[number].text for number in sources], style)
        firsts = _steady(read)
        for place, source in enumerate(sources.tolist()):
            begin = int(read.starts[firsts[place]] - read.origins[place]) if firsts[place] < len(read.starts) else 0
            literals[style, source] = Original(fields[source].text, style).strings(begin)
        strings = np.array([_hash(literals[style, source]) for source in sources.tolist()], np.uint64)
        telling = np.where(read.numbers, np.uint64(0), read.codes).astype(np.uint32)
        for length, starts, texts in _runs(firsts, read.bounds, rules.min_named, rules.shape):
            if length < rules.min_shape:
                named.add(read.named, starts, length, sources[texts], strings[texts])
                continue
            enough = _distinct(telling, starts, length) >= rules.min_codes
            variants = strings[texts[enough]] if length < rules.shape else None
            found.add(read.codes, starts[enough], length, sources[texts[enough]], variants)
    return literals, found.table(), named.table()


def _steady(read: Shapes) -> np.ndarray:
    """The first token of each text whose code is the same whatever stands before the text: int64 [N].

    A name stands for the distance to its last use in the same function; before the first function, that
    may be in what stands before.
    """
    opening = np.append(np.flatnonzero(read.defines), len(read.codes))
    following = opening[np.searchsorted(opening, read.bounds[:-1])]
    return np.minimum(np.minimum(read.bounds[:-1] + REACH, read.bounds[1:]), following)


def _hash(strings: Sequence[str]) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(strings).encode()).digest()[:8], "little")
