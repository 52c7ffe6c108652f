"""What a build has done so far, on disk: one file a repository and stage, each whole or not there.

`OUT/work/` holds a folder for each stage, with a parquet or Arrow file for each source. A build that was
killed goes on from them; they go when the data set is complete. Nothing of a corpus has to be held in memory
beyond one repository for each worker.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from codegem.data.repositories import Source
from codegem.data.shards import publish, writing

_ROW_GROUP = 16 << 20  # bytes of text in a parquet row group


@dataclass(frozen=True)
class Work:
    """The folder of a build in progress.

    Args:
        folder: OUT/work.
    """

    folder: Path

    def open(self, identity: str) -> None:
        """Take up the work of an earlier build of the same identity, or begin.

        Raises:
            UserError: the folder can't be written.
        """
        state = self.folder / "identity"
        with writing(self.folder.parent):
            if not state.is_file() or state.read_text() != identity:
                self.close()
                for stage in ("read", "packed"):
                    (self.folder / stage).mkdir(parents=True)
                publish(state, lambda path: path.write_text(identity))

    def close(self) -> None:
        """Remove it all: the data set is complete, or another one is wanted."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def read(self, source: Source) -> Path:
        """Where the files of a source stand, kept and rejected: a table of `reading.FILES`."""
        return self.folder / "read" / f"{_key(source)}.parquet"

    def duplicates(self, source: Source) -> Path:
        """What deduplication rejects of a source: a table of `accounts.VERDICTS`; absent where it rejects nothing."""
        return self.folder / "read" / f"{_key(source)}.duplicates.parquet"

    def held_out(self, source: Source) -> Path:
        """What is held out of a source, and what repeats that: a table of `accounts.VERDICTS`; absent without such."""
        return self.folder / "read" / f"{_key(source)}.held-out.parquet"

    @property
    def held_out_files(self) -> Path:
        """The files that are held out, of all sources: `held_out.list_files`."""
        return self.folder / "held-out.jsonl"

    @property
    def deduplicated(self) -> Path:
        """A file that is there when all tables of duplicates are."""
        return self.folder / "deduplicated"

    def packed(self, source: Source) -> Path:
        """Where the contexts of a source stand: an Arrow file of `rows.CONTEXTS`."""
        return self.folder / "packed" / f"{_key(source)}.arrow"

    def late(self, source: Source) -> Path:
        """What the packing stage rejects of a source: a table of `accounts.VERDICTS`."""
        return self.folder / "packed" / f"{_key(source)}.late.parquet"


def stamp(source: Source) -> str:
    """What tells whether a source is as it was: sizes and times of an archive's or a folder's files."""
    digest = hashlib.sha256(f"{source.name}\0{source.location.resolve()}\0{source.kind}".encode("utf-8", "replace"))
    for path, status in sorted(_statuses(source.location)):
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode("utf-8", "replace"))
    return digest.hexdigest()


def size(source: Source) -> int:
    """Bytes of an archive, or of a folder's files."""
    return sum(status.st_size for _, status in _statuses(source.location))


def identity(sources: Sequence[Source], *, decisions: Any) -> str:
    """SHA-256 of everything that decides the work files: the sources as they are, and `decisions`."""
    digest = hashlib.sha256(json.dumps(decisions, sort_keys=True, default=str).encode())
    for source in sources:
        digest.update(stamp(source).encode())
    return digest.hexdigest()


def write_table(path: Path, batches: Iterator[pa.RecordBatch | pa.Table], schema: pa.Schema) -> None:
    """A parquet file of batches, whole or not there."""

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for batch in batches:
                table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
                writer.write_table(table, row_group_size=_rows_in_group(table))

    publish(path, write)


def write_arrow(path: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
    """An Arrow file of batches, for reading single rows of it in place; whole or not there."""

    def write(temporary: Path) -> None:
        with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)

    publish(path, write)


def in_batches(
    rows: Iterator[dict[str, Any]], schema: pa.Schema, weight: Callable[[dict[str, Any]], int], most: int
) -> Iterator[pa.RecordBatch]:
    """Rows as record batches of at most about `most` bytes, as `weight` counts them."""
    batch: list[dict[str, Any]] = []
    total = 0
    for row in rows:
        batch.append(row)
        total += weight(row)
        if total >= most:
            yield pa.RecordBatch.from_pylist(batch, schema)
            batch, total = [], 0
    if batch:
        yield pa.RecordBatch.from_pylist(batch, schema)


def _rows_in_group(table: pa.Table) -> int:
    groups = max(1, table.nbytes // _ROW_GROUP)
    return max(1, -(-table.num_rows // groups))


def _key(source: Source) -> str:
    return hashlib.sha256(source.name.encode()).hexdigest()[:24]


def _statuses(location: Path) -> Iterator[tuple[str, os.stat_result]]:
    if not location.is_dir():
        yield "", location.stat()
        return
    for folder, children, files in os.walk(location, followlinks=False):
        children[:] = [child for child in children if child != ".git"]
        for name in files:
            path = os.path.join(folder, name)
            try:
                yield path, os.lstat(path)
            except OSError:
                continue  # it went while the folder was read: the reading stage says so
