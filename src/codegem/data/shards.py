"""The format of a finished data set, its writer and its reader.

A directory holds `manifest.json`, `tokenizer.json`, `rejected.parquet` and `shards/`. A shard is an
ArrayRecord file (one record a group, zstd); a record is the bytes of `safetensors.numpy.save` of
`tokens` int32 [T], `segment_ids` int32 [T] and `roles` uint8 [T] (see `records.TrainingExample`).

Files appear under their names only when they are whole, and the manifest is written last: a directory
with a manifest is finished. `shards/unfinished.json` lists what a build that was stopped has written;
the same build started again keeps every shard that would come out the same.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from codegem.data.records import TrainingExample
from codegem.errors import UserError

Split = Literal["train", "validation"]
FORMAT = 1
_OPTIONS = "group_size:1,zstd"


@dataclass(frozen=True)
class Shard:
    """One file of examples; `content` is the SHA-256 of its records before compression."""

    file: str
    split: str
    examples: int
    tokens: int
    content: str
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a data set is and how it came about.

    Attributes:
        hash: SHA-256 over the contents of the shards, the same for the same input, recipe and seed.
        recipe: the `DataRecipe` as plain values.
        input: SHA-256 over the kept documents.
        tokenizer: its file, hash and vocab_size.
        context_length: tokens of an example.
        tokens: real and padding tokens, and the share of real ones.
        counts: read, kept and rejected files, by stage, reason, language and licence; repositories; holes.
        shards: in the order of their examples.
    """

    hash: str
    recipe: dict[str, Any]
    input: str
    tokenizer: dict[str, Any]
    context_length: int
    tokens: dict[str, Any]
    counts: dict[str, Any]
    shards: tuple[Shard, ...]
    format: int = FORMAT

    def examples(self, split: Split) -> int:
        """Number of examples of a split."""
        return sum(shard.examples for shard in self.shards if shard.split == split)


class ShardWriter:
    """Collects examples and writes them as shards, each whole or not at all.

    >>> writer = ShardWriter(Path("out"), shard_examples=4096)      # doctest: +SKIP
    >>> writer.add("train", example); shards = writer.close()       # doctest: +SKIP

    Raises:
        UserError: the disk is full or not writable. What is written stays, and is used again.
    """

    def __init__(self, directory: Path, shard_examples: int):
        self.kept = 0  # shards of an earlier build that were used again
        self._directory, self._size = directory, shard_examples
        self._records: dict[str, list[bytes]] = {"train": [], "validation": []}
        self._tokens: dict[str, int] = {"train": 0, "validation": 0}
        self._shards: list[Shard] = []
        with writing(directory):
            (directory / "shards").mkdir(parents=True, exist_ok=True)
        self._earlier = {shard.file: shard for shard in _read_journal(directory)}

    def add(self, split: Split, example: TrainingExample) -> None:
        """Append an example to a split."""
        self._records[split].append(to_record(example))
        self._tokens[split] += int(np.count_nonzero(example.segment_ids))
        if len(self._records[split]) == self._size:
            self._flush(split)

    def close(self) -> tuple[Shard, ...]:
        """Write what is left; the shards, training first. `write_manifest` makes the data set complete."""
        for split in ("train", "validation"):
            if self._records[split]:
                self._flush(split)
        return tuple(sorted(self._shards, key=lambda shard: shard.file))

    def _flush(self, split: Split) -> None:
        records, tokens = self._records[split], self._tokens[split]
        self._records[split], self._tokens[split] = [], 0
        number = sum(shard.split == split for shard in self._shards)
        file = f"shards/{split}-{number:05d}.array_record"
        content = _content_hash(records)
        earlier = self._earlier.get(file)
        if earlier and earlier.content == content and _file_hash(self._directory / file) == earlier.sha256:
            self.kept += 1
            self._shards.append(earlier)
            return
        with writing(self._directory):
            publish(self._directory / file, lambda path: _write_records(path, records))
            digest = _file_hash(self._directory / file) or ""
            self._shards.append(Shard(file, split, len(records), tokens, content, digest))
            # Later shards of the earlier build stay listed until they are reached.
            listed = {**self._earlier, **{shard.file: shard for shard in self._shards}}
            _write_json(_journal(self._directory), [asdict(shard) for shard in listed.values()])


class ExampleSource:
    """Random access to the examples of a split, as Grain wants it.

    >>> source = ExampleSource(Path("out"), "train")      # doctest: +SKIP
    >>> len(source), source[0].tokens.shape               # doctest: +SKIP
    (30123, (2048,))

    Raises:
        UserError: no finished data set, or a shard is missing or damaged.
    """

    def __init__(self, directory: Path, split: Split):
        self.manifest = read_manifest(directory)
        self._shards = [shard for shard in self.manifest.shards if shard.split == split]
        self._paths = [directory / shard.file for shard in self._shards]
        self._ends = np.cumsum([shard.examples for shard in self._shards], dtype=np.int64)
        for path in self._paths:
            if not path.is_file():
                raise UserError(f"{path} is missing: build the data set again in an empty folder.")
        self._readers: dict[int, Any] = {}

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> TrainingExample:
        """The example at a place in 0 .. len - 1."""
        if not 0 <= index < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        number = int(np.searchsorted(self._ends, index, side="right"))
        within = index - (int(self._ends[number - 1]) if number else 0)
        try:
            return from_record(self._reader(number).read([within])[0])
        except (RuntimeError, ValueError, IndexError, SafetensorError) as error:
            message = f"{self._paths[number]} is damaged ({str(error)[:120]}): build the data set again."
            raise UserError(message) from None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_readers": {}}  # open files do not travel to Grain's worker processes

    def _reader(self, number: int) -> Any:
        if number not in self._readers:
            from array_record.python.array_record_module import ArrayRecordReader

            self._readers[number] = ArrayRecordReader(str(self._paths[number]), "readahead_buffer_size:0")
        return self._readers[number]


def to_record(example: TrainingExample) -> bytes:
    """The bytes of one example."""
    return save({"roles": example.roles, "segment_ids": example.segment_ids, "tokens": example.tokens})


def from_record(record: bytes) -> TrainingExample:
    """The example of `to_record`'s bytes."""
    arrays = load(record)
    return TrainingExample(arrays["tokens"], arrays["segment_ids"], arrays["roles"])


def manifest_hash(shards: tuple[Shard, ...]) -> str:
    """SHA-256 over the shards' contents."""
    contents = "\n".join(f"{shard.split} {shard.content}" for shard in shards)
    return hashlib.sha256(contents.encode()).hexdigest()


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Make the data set complete: the manifest appears, and the journal and shards not of it go."""
    with writing(directory):
        _write_json(directory / "manifest.json", asdict(manifest))
        mine = {Path(shard.file).name for shard in manifest.shards}
        for file in (directory / "shards").glob("*.array_record*"):
            if file.name not in mine:
                file.unlink()
        _journal(directory).unlink(missing_ok=True)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a finished data set.

    Raises:
        UserError: there is none, the build was stopped, or it is damaged or of another format.
    """
    file = directory / "manifest.json"
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise UserError(f"{file} is of format {values['format']}, and this codegem reads {FORMAT}.")
        shards = tuple(Shard(**shard) for shard in values.pop("shards"))
        return Manifest(**values, shards=shards)
    except (FileNotFoundError, NotADirectoryError):
        missing = f"{directory} holds no data set: `codegem data build SOURCE --out {directory}` makes one."
        stopped = f"The data set in {directory} is not finished: run the same `codegem data build` again."
        raise UserError(stopped if _journal(directory).exists() else missing) from None
    except (ValueError, KeyError, TypeError) as error:
        message = f"{file} is damaged ({error!r:.120}): build the data set again in an empty folder."
        raise UserError(message) from None


def publish(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file under a temporary name; flush it to the disk and give it its name."""
    temporary = path.with_name(path.name + ".unfinished")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Turn a failure to write into a sentence for the user."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"Writing to {directory} failed: {error.strerror or error}. The finished shards in it are kept; "
            "make room and run the same command again, and it goes on from them."
        ) from error


def _write_records(path: Path, records: list[bytes]) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter

    try:
        writer = ArrayRecordWriter(str(path), _OPTIONS)
        for record in records:
            writer.write(record)
        writer.close()
    except RuntimeError as error:  # its only kind of error: "write() failed: No space left on device; …"
        raise OSError(str(error).split(";")[0]) from error


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    publish(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _journal(directory: Path) -> Path:
    return directory / "shards" / "unfinished.json"


def _read_journal(directory: Path) -> list[Shard]:
    try:
        return [Shard(**shard) for shard in json.loads(_journal(directory).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []  # nothing can be used again


def _content_hash(records: list[bytes]) -> str:
    digest = hashlib.sha256()
    for record in records:
        digest.update(record)
    return digest.hexdigest()


def _file_hash(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
