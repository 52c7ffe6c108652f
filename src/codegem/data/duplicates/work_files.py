"""The files of a corpus as they lie in the work files of a build, and some of their texts at a time."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from codegem.data.duplicates.near_duplicates import shingles

_CACHE_BYTES = 1 << 27
_READ_ROWS = 256


@dataclass(frozen=True)
class Listing:
    """The files that are still kept, in the order of `list_files`, and where each stands.

    Attributes:
        names: columns repository, path, fingerprint and size.
        row: uint32 [N], row of its work file.
        by_source: int64 [N], file numbers in the order of the work files.
        bounds: int64 [W + 1]; work file w has by_source[bounds[w] : bounds[w + 1]].
    """

    work_files: Sequence[Path]
    names: pa.Table
    row: np.ndarray
    source: np.ndarray
    by_source: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def of(self, source: int) -> np.ndarray:
        """The numbers of the files in one work file, in the order of its rows."""
        return self.by_source[self.bounds[source] : self.bounds[source + 1]]


_COLUMNS = [("repository", pa.string()), ("path", pa.string()), ("fingerprint", pa.string()), ("size", pa.int64())]


First = Callable[[str, str], bool]
"""(repository, path) -> whether the file stands before those of which it is not so."""


def list_files(work_files: Sequence[Path], first: First = lambda repository, path: False) -> Listing:
    """Every file that has a fingerprint, in the order of (not `first`, repository, path). Texts are not read."""
    tables = [_empty()]
    for number, path in enumerate(work_files):
        table = pq.read_table(path, columns=[name for name, _ in _COLUMNS])
        columns = {name: table[name].cast(kind) for name, kind in _COLUMNS}
        columns["source"] = pa.array(np.full(len(table), number, np.uint32))
        columns["row"] = pa.array(np.arange(len(table), dtype=np.uint32))
        tables.append(pa.table(columns).filter(pc.field("fingerprint").is_valid()))
    rows = pa.concat_tables(tables)
    names = zip(rows["repository"].to_pylist(), rows["path"].to_pylist(), strict=True)
    rows = rows.append_column("later", pa.array([not first(*name) for name in names], pa.bool_()))
    rows = rows.sort_by([(name, "ascending") for name in ("later", "repository", "path")])
    source, row = rows["source"].to_numpy(), rows["row"].to_numpy()
    by_source = np.lexsort((row, source))
    bounds = np.searchsorted(source[by_source], np.arange(len(work_files) + 1))
    return Listing(work_files, rows.select([name for name, _ in _COLUMNS]), row, source, by_source, bounds)


def _empty() -> pa.Table:
    return pa.schema([*_COLUMNS, ("source", pa.uint32()), ("row", pa.uint32())]).empty_table()


class ShingleSets:
    """Sets of shingles, made from the texts when they are asked for; the last used ones are remembered."""

    def __init__(self, files: Listing, words: int) -> None:
        self._files = files
        self._words = words
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        self._held = 0

    def load(self, numbers: Iterable[int]) -> dict[int, np.ndarray]:
        """The sets of some files; each work file that is needed is read once."""
        wanted = sorted(set(numbers))
        missing = np.array([number for number in wanted if number not in self._cache], np.int64)
        found = {number: self._cache[number] for number in wanted if number in self._cache}
        for source in np.unique(self._files.source[missing]).tolist():
            found.update(self._read(source, missing[self._files.source[missing] == source]))
        self._remember(found)
        return found

    def _read(self, source: int, numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        numbers = numbers[np.argsort(self._files.row[numbers])]
        rows = self._files.row[numbers].astype(np.int64)
        with pq.ParquetFile(self._files.work_files[source]) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            for group in np.unique(np.searchsorted(ends, rows, side="right")).tolist():
                begin = int(ends[group]) - sizes[group]
                for batch in file.iter_batches(_READ_ROWS, row_groups=[group], columns=["text"]):
                    here = np.flatnonzero((rows >= begin) & (rows < begin + len(batch)))
                    texts = batch.column(0).take(pa.array(rows[here] - begin))
                    begin += len(batch)
                    values, bounds = shingles(texts, self._words)
                    for place, number in enumerate(numbers[here].tolist()):
                        yield number, values[bounds[place] : bounds[place + 1]].copy()

    def _remember(self, found: dict[int, np.ndarray]) -> None:
        for number, values in found.items():
            if number not in self._cache:
                self._held += values.nbytes
            self._cache[number] = values
            self._cache.move_to_end(number)
        while self._held > _CACHE_BYTES:
            self._held -= self._cache.popitem(last=False)[1].nbytes
