"""The texts of benchmarks, read from whatever files they are published in."""

import bz2
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.data.fingerprints import encodable
from codegem.errors import UserError

ENDINGS = (".jsonl", ".json", ".txt")
_COMPRESSED = {".gz": gzip.open, ".bz2": bz2.open}
_CODE = {"canonical_solution", "code", "solution", "solutions"}
_DATA = {"inputs", "outputs", "metadata", "schema"}  # what a test calls a program with, not what anyone writes
_NAMES = ("task_id", "id", "qid", "title")
_MOST_BYTES = 1 << 30
_AROUND = re.compile(r"^\s*(?:question|q):|(?:answer|a):\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Field:
    """One text of one record.

    Attributes:
        benchmark: the file, without its ending, as it lies in the folder that was named.
        record: the record's own name where it has one, otherwise its number from 0.
        name: names of the fields that lead to the text, joined by a dot; "program" is a prompt with its
            solution (and suffix), joined.
        code: the text is a solution, so that it is looked for in disguise too.
    """

    benchmark: str
    record: str
    name: str
    text: str
    code: bool


def benchmark_files(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """(name, path) of each file of benchmark data, in the order of the names.

    Raises:
        UserError: a path does not exist, or holds no such file.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist: name a folder or file of benchmark data.")
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        data = [(file, _bare(file)) for file in files if file.is_file() and _bare(file).suffix in ENDINGS]
        if not data:
            raise UserError(f"{path} holds no benchmark data: files end in {', '.join(ENDINGS)}, .gz or .bz2 behind.")
        for file, bare in data:
            name = bare.relative_to(path) if path.is_dir() else Path(bare.name)
            found[name.with_suffix("").as_posix()] = file
    return sorted(found.items())


def content_hash(path: Path) -> str:
    """SHA-256 of a file of benchmark data, unpacked.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        return hashlib.sha256(_unpacked(path)).hexdigest()
    except (OSError, EOFError, ValueError) as error:
        raise _unreadable(path, error) from None


def read_benchmark(name: str, path: Path, shortest: int = 1) -> list[Field]:
    """The texts of a file of benchmark data that have `shortest` characters or more.

    Raises:
        UserError: the file cannot be read as what its name says.
    """
    try:
        text = _unpacked(path).decode()
        return [
            field
            for number, record in _records(text, _bare(path).suffix)
            for field in _fields(name, number, record)
            if len(field.text) >= shortest
        ]
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} cannot be read as benchmark data ({error}): repair it or leave it out.")


def _bare(path: Path) -> Path:
    """The path without what compression added."""
    return path.with_suffix("") if path.suffix in _COMPRESSED else path


def _unpacked(path: Path) -> bytes:
    with _COMPRESSED.get(path.suffix, io.open)(path, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES} bytes")
    return bytes(data)


def _records(text: str, ending: str) -> Iterator[tuple[int, Any]]:
    if ending == ".txt":
        yield from enumerate({"text": line} for line in text.split("\n"))
    elif ending == ".jsonl":
        yield from enumerate(json.loads(line) for line in text.split("\n") if line.strip())
    else:
        whole = json.loads(text)
        yield from enumerate(whole if isinstance(whole, list) else [whole])


def _fields(benchmark: str, number: int, record: Any) -> Iterator[Field]:
    named = record if isinstance(record, dict) else {"text": record}
    name = next((str(named[key]) for key in _NAMES if isinstance(named.get(key), str | int)), str(number))
    if isinstance(named.get("prompt"), str) and isinstance(named.get("canonical_solution"), str):
        parts = [named.pop("prompt"), named.pop("canonical_solution")]
        parts += [suffix for suffix in [named.pop("suffix", None)] if isinstance(suffix, str)]
        yield Field(benchmark, name, "program", encodable("".join(parts)), True)
    for keys, text in _texts(named):
        if ":" in text:
            text = _AROUND.sub("", text)
        yield Field(benchmark, name, ".".join(keys), encodable(text), not _CODE.isdisjoint(keys))


def _texts(record: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every string of a record, with the keys that lead to it; strings of one list are one text."""
    left: list[tuple[tuple[str, ...], Any]] = [((), record)]
    while left:
        keys, value = left.pop()
        if isinstance(value, str):
            yield keys, value
        elif isinstance(value, dict):
            left += [((*keys, key), inner) for key, inner in reversed(value.items()) if key not in _DATA]
        elif isinstance(value, list) and all(isinstance(inner, str) for inner in value):
            yield keys, "\n".join(value)
        elif isinstance(value, list):
            left += [(keys, inner) for inner in reversed(value)]
