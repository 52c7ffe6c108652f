"""Contexts of all repositories as rows of the data set: which share a row, in which order, which are held back.

The contexts stay in the Arrow files that the packing stage wrote, a few of them mapped into memory at a time; what is
held is some twenty bytes for each context.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from codegem.data.fim_sampling import generator
from codegem.data.packing import fill_rows
from codegem.data.records import TrainingExample
from codegem.data.shards import ShardWriter, Split

CONTEXTS = pa.schema(
    [
        ("repository", pa.string()),
        ("index", pa.int64()),
        ("tokens", pa.large_binary()),  # int32, the machine's byte order
        ("roles", pa.large_binary()),  # uint8
    ]
)
_WINDOW = 16384  # contexts that are fitted into rows together
_MAPPED = 16 << 20  # bytes that are read before files are opened anew
_ITEM = np.dtype(np.int32).itemsize


class Contexts:
    """The packed contexts of all sources, read in place.

    Args:
        files: Arrow files of `CONTEXTS`, in the order of the sources.
        seed: of the order that mixes repositories.

    Attributes:
        lengths: int32 [C], tokens of each context.
        keys: uint64 [C], where a context stands in the seeded order.
        repositories: int32 [C], numbers of `names`.
    """

    def __init__(self, files: Sequence[Path], seed: int):
        self.names: list[str] = []
        self._files = list(files)
        self._mapped: dict[int, pa.Table] = {}
        self._handed_out = 0
        parts = [self._index(_map(file), seed) for file in files]
        lengths, keys, numbers = zip(*parts, strict=True) if parts else ((), (), ())
        self._starts = np.cumsum([0] + [len(part) for part in lengths])
        self.lengths = np.concatenate([*lengths, np.zeros(0, np.int32)])
        self.keys = np.concatenate([*keys, np.zeros(0, np.uint64)])
        self.repositories = np.concatenate([*numbers, np.zeros(0, np.int32)])

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokens int32 [T] and roles uint8 [T] of a context."""
        file = int(np.searchsorted(self._starts, number, side="right")) - 1
        row = number - int(self._starts[file])
        table = self._table(file)
        tokens, roles = table["tokens"][row].as_buffer(), table["roles"][row].as_buffer()
        self._handed_out += tokens.size + roles.size
        return np.frombuffer(tokens, np.int32), np.frombuffer(roles, np.uint8)

    def _table(self, file: int) -> pa.Table:
        """A file, mapped. Pages that were read count as memory, so that the maps are given up now and then."""
        if self._handed_out > _MAPPED:
            self._mapped.clear()
            self._handed_out = 0
        if file not in self._mapped:
            self._mapped[file] = _map(self._files[file])
        return self._mapped[file]

    def _index(self, table: pa.Table, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        names, indices = table["repository"].to_pylist(), table["index"].to_pylist()
        numbers = np.empty(len(names), np.int32)
        for row, name in enumerate(names):
            if not self.names or self.names[-1] != name:
                self.names.append(name)
            numbers[row] = len(self.names) - 1
        keys = [_draw(seed, "context", name, index) for name, index in zip(names, indices, strict=True)]
        lengths = pc.call_function("binary_length", [table["tokens"]]).to_numpy() // _ITEM
        return lengths.astype(np.int32), np.array(keys, np.uint64), numbers


@dataclass(frozen=True)
class Row:
    """The numbers of the contexts that share a row."""

    split: Split
    contexts: tuple[int, ...]


def plan_rows(contexts: Contexts, context_length: int, validation_share: float, seed: int) -> Iterator[Row]:
    """Every context in one row, best fit, repositories mixed: the rows for training, then for validation.

    Whole repositories are held back for validation where there are enough, so that no part of a file is on
    both sides; of a single repository, contexts are.
    """
    order = np.argsort(contexts.keys, kind="stable")
    held = _held_back(contexts, validation_share, seed)[order]
    sides: tuple[tuple[Split, np.ndarray], ...] = (("train", order[~held]), ("validation", order[held]))
    for split, chosen in sides:
        for row in _fitted(contexts.lengths[chosen], context_length, seed, split):
            yield Row(split, tuple(int(chosen[index]) for index in row))


def lay_out(contexts: Contexts, row: Row, context_length: int, pad: int) -> TrainingExample:
    """The contexts of a row one after another, as segments 1, 2, …, then padding."""
    tokens, segments = np.full(context_length, pad, np.int32), np.zeros(context_length, np.int32)
    roles = np.zeros(context_length, np.uint8)
    start = 0
    for segment, number in enumerate(row.contexts, start=1):
        ids, kinds = contexts[number]
        end = start + len(ids)
        tokens[start:end], segments[start:end], roles[start:end] = ids, segment, kinds
        start = end
    return TrainingExample(tokens, segments, roles)


def write_rows(
    contexts: Contexts,
    writer: ShardWriter,
    plan: Sequence[Row],
    context_length: int,
    pad: int,
    seen: Callable[[int, TrainingExample], object] = lambda number, example: None,
) -> dict[str, Any]:
    """Hand every row to the writer; how many tokens and examples that is, for the manifest.

    Args:
        seen: called with the number and the example of each row.
    """
    for number, row in enumerate(plan):
        example = lay_out(contexts, row, context_length, pad)
        writer.add(row.split, example)
        seen(number, example)
    real, space = int(contexts.lengths.sum()), len(plan) * context_length
    held = sum(row.split == "validation" for row in plan)
    return {
        "tokens": {"real": real, "padding": space - real, "share_real": round(real / max(1, space), 5)},
        "examples": {"train": len(plan) - held, "validation": held},
    }


def _map(file: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(file))).read_all()


def _held_back(contexts: Contexts, share: float, seed: int) -> np.ndarray:
    """bool [C]: whether a context is for validation, `share` of the tokens."""
    held = np.zeros(len(contexts), bool)
    wanted = share * float(contexts.lengths.sum())
    if wanted <= 0:
        return held
    sizes = np.bincount(contexts.repositories, contexts.lengths, minlength=len(contexts.names))
    numbers = sorted(range(len(sizes)), key=lambda number: _draw(seed, "validation", contexts.names[number]))
    chosen, total = [], 0.0
    for number in numbers:
        if total + sizes[number] <= 1.5 * wanted:
            chosen.append(number)
            total += sizes[number]
        if total >= 0.75 * wanted:
            return np.isin(contexts.repositories, chosen)
    # The repositories are too few or too large: single contexts, in an order of their own.
    if len(contexts) < 20:
        return held
    keys = contexts.keys * np.uint64(0x9E3779B97F4A7C15)  # wraps: another order than that of the rows
    ranked = np.argsort(keys, kind="stable")
    before = np.cumsum(contexts.lengths[ranked]) - contexts.lengths[ranked]
    held[ranked[before < wanted]] = True
    return held


def _fitted(lengths: np.ndarray, capacity: int, seed: int, split: str) -> Iterator[list[int]]:
    for start in range(0, len(lengths), _WINDOW):
        rows = fill_rows(lengths[start : start + _WINDOW].tolist(), capacity)
        generator(seed, "rows", split, start).shuffle(rows)
        for row in rows:
            yield [start + index for index in row]


def _draw(*key: object) -> int:
    """A number from 0 to 2**64 - 1 for a key such as (seed, repository, index)."""
    name = "\0".join(map(str, key)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(name).digest()[:8])
