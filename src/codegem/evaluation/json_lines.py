"""Files of JSON lines: data of benchmarks, predictions, verdicts. One object a line, in UTF-8.

`.gz` and `.bz2` are unpacked. Whatever is wrong with a file is one sentence with its name and line.
"""

import bz2
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.task import DataFile

_MOST_BYTES = 1 << 30  # unpacked; the largest benchmark has a few million


class Row(dict[str, Any]):
    """A row of a data file.

    Attributes:
        line: of the file, from 1.
    """

    def __init__(self, content: Mapping[str, Any], line: int):
        super().__init__(content)
        self.line = line


def read_rows(
    file: Path, fields: Mapping[str, type | UnionType], unique: tuple[str, ...] = ()
) -> tuple[list[Row], DataFile]:
    """The rows of a benchmark's data file, checked, and what a report says of the file.

    Args:
        fields: names that each row must have, and the types of their values. Rows may hold more.
        unique: the fields that together name a row; no two rows may have the same.

    Raises:
        UserError: the file can't be read, is damaged or empty, or a row lacks something.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.jsonl").write_text('{"task_id": "A/0"}\\n')
        ...     rows, data = read_rows(Path(folder, "a.jsonl"), {"task_id": str}, ("task_id",))
        >>> rows, data.records
        ([{'task_id': 'A/0'}], 1)
    """
    packed = read_bytes(file)
    rows: list[Row] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, row in parse_rows(file, unpacked(file, packed)):
        check_fields(file, number, row, fields)
        if unique:
            name = tuple(str(row[field]) for field in unique)
            if name in seen:
                told = " ".join(" ".join(name).split())
                told = told if len(told) <= 80 else f"{told[:77]}..."
                raise UserError(f"{file}, line {number}: {told} is already in line {seen[name]}.")
            seen[name] = number
        rows.append(Row(row, number))
    if not rows:
        raise UserError(f"{file} is empty; get it again.")
    return rows, DataFile(file.name, hashlib.sha256(packed).hexdigest(), len(rows))


def wrong(file: Path, row: Mapping[str, Any], why: str) -> UserError:
    """The error of a row that has all its fields and can't be right all the same."""
    return UserError(f"{file}, line {row.line}: {why}." if isinstance(row, Row) else f"{file}: {why}.")


def read_bytes(file: Path) -> bytes:
    """A file as it lies there.

    Raises:
        UserError: it can't be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} can't be read ({error.strerror}).") from None


def unpacked(file: Path, data: bytes) -> bytes:
    """What a file holds, unpacked if its name ends in `.gz` or `.bz2`.

    Raises:
        UserError: it is cut short, damaged, or too large.
    """
    if file.suffix not in (".gz", ".bz2"):
        return data
    gzipped = file.suffix == ".gz"
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16) if gzipped else bz2.BZ2Decompressor()
    try:
        text = reader.decompress(data, _MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise UserError(f"{file} has more than {_MOST_BYTES} bytes unpacked: it is no data of a benchmark.")
        if not reader.eof:
            raise UserError(f"{file} is cut short; get it again.")
        rest = reader.unused_data
        return text + (gzip if gzipped else bz2).decompress(rest) if rest else text
    except (OSError, EOFError, ValueError, zlib.error):
        raise UserError(f"{file} is damaged: it is no whole {file.suffix} file; get it again.") from None


def parse_rows(file: Path, data: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number from 1, row) of each line that is not blank.

    Raises:
        UserError: a line is not UTF-8 or not an object of JSON.
    """
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            yield number, _parsed(file, number, line)


def check_fields(file: Path, number: int, row: Mapping[str, Any], fields: Mapping[str, type | UnionType]) -> None:
    """Raise a UserError where a row lacks a field, or has one of another type."""
    for name, kind in fields.items():
        if name not in row:
            raise UserError(f"{file}, line {number}: the field {name!r} is missing.")
        if not _is(row[name], kind):
            raise UserError(f"{file}, line {number}: the field {name!r} is {_shown(row[name])}, not {_name(kind)}.")


def write_line(row: Mapping[str, Any]) -> bytes:
    r"""A row as a line.

    >>> write_line({"task_id": "é"})
    b'{"task_id": "\xc3\xa9"}\n'
    """
    text = json.dumps(row, ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair is a text for JSON and none for UTF-8
        return json.dumps(row).encode() + b"\n"


def whole_lines(data: bytes) -> tuple[bytes, int]:
    r"""What was written whole before a kill, and the bytes of a torn last line behind it.

    >>> whole_lines(b'{"a": 1}\n{"a":')
    (b'{"a": 1}\n', 5)
    """
    end = data.rfind(b"\n") + 1
    return data[:end], len(data) - end


def _parsed(file: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError:
        raise UserError(f"{file}, line {number}: it is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise UserError(f"{file}, line {number}: it is not JSON; is the file cut short?") from None
    if not isinstance(row, dict):
        raise UserError(f"{file}, line {number}: it is {_shown(row)}, and each line must be an object.")
    return row


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _is(value: object, kind: type | UnionType) -> bool:
    """Whether a value of JSON is of a type; for Python, true is a whole number, and it is none here."""
    return bool in _kinds(kind) if isinstance(value, bool) else isinstance(value, kind)


def _kinds(kind: type | UnionType) -> tuple[type, ...]:
    return kind.__args__ if isinstance(kind, UnionType) else (kind,)


_NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def _name(kind: type | UnionType) -> str:
    return " or ".join(_NAMES.get(one, one.__name__) for one in _kinds(kind))
