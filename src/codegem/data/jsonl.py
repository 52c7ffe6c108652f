"""Files of JSON lines as a source of documents: natural language, mathematics, or any other text.

One object a line: `text`, and where they are known `path`, `language` (a name of `text.languages`), `licence` (an
SPDX expression) and `repository`; other fields are not read. Lines that name one repository belong together, a line
that names none is a repository of its own. Files end in `.jsonl` or `.jsonl.gz`. They are read a line at a time;
a line that cannot be used is handed on with a `problem` and never stops the rest.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import Any, BinaryIO

from codegem.data.archives.raw_files import DAMAGE, LimitExceeded, Limits, allowance, printable, rest, safe_path
from codegem.text.languages import LANGUAGES, language_of

ENDINGS = (".jsonl", ".jsonl.gz")
_PIECE = 1 << 16
_ESCAPED = 6  # bytes of JSON for one byte of text, at most: a letter as \u0061
_BESIDE = 1 << 16  # bytes of a line for everything beside its text
_MAX_LICENCE = 500  # characters
_MARK = b"\xef\xbb\xbf"  # a byte order mark
# The ending of a path that shows no language or another one; all stages know a language by the ending.
_EXTENSIONS = {language.name: language.extensions[0] for language in LANGUAGES} | {"text": ".txt"}
_STRINGS = ("path", "language", "licence", "repository")


@dataclass(frozen=True, slots=True)
class Line:
    """A document, or why a line holds none.

    Attributes:
        number: from 1; 0 stands for all lines that were not read.
        path: below its repository, with an ending of its language.
        size: bytes of the text; of the line where there is a problem.
        repository: None where the line names none.
        data: the text in UTF-8; None where there is a problem.
        problem: a short fixed phrase; `detail` has the values.
    """

    number: int
    path: str
    size: int
    repository: str | None = None
    licence: str | None = None
    data: bytes | None = None
    problem: str | None = None
    detail: str = ""


def read_lines(location: Path, limits: Limits, largest: int) -> Iterator[Line]:
    """The lines of a file that are not blank, in their order; of one that is damaged or too long, those before.

    Args:
        largest: bytes of the largest text that is of use. A line that is too long for such a text is not looked
            into: a parsed line may take thirty times its size in memory.
    """
    try:
        with location.open("rb") as file:
            longest = min(limits.file_bytes, _ESCAPED * largest + _BESIDE)
            for number, size, line in _lines(_opened(location, file), location, limits, longest):
                if line is None:
                    yield _problem(number, size, "over the limits", f"a line of {size} bytes, at most {longest}")
                elif line.strip():
                    yield _read(number, line)
    except LimitExceeded as error:
        yield _left(location, "over the limits", error)
    except DAMAGE as error:
        yield _left(location, "damaged archive", error)


def _opened(location: Path, file: BinaryIO) -> BinaryIO:
    return GzipFile(fileobj=file) if location.name.lower().endswith(".gz") else file  # type: ignore[return-value]


def _lines(stream: BinaryIO, location: Path, limits: Limits, longest: int) -> Iterator[tuple[int, int, bytes | None]]:
    """(number, bytes, the line or None where it is longer than `longest`)."""
    allowed, number, total = allowance(location, limits), 0, 0
    while line := stream.readline(longest + 1):
        number += 1
        if number > limits.files:
            raise LimitExceeded(f"more than {limits.files} lines")
        size, ended = len(line), line.endswith(b"\n")
        is_long = size > longest and not ended
        while not ended and total + size <= allowed and (more := stream.readline(_PIECE)):
            size, ended = size + len(more), more.endswith(b"\n")
        total += size
        if total > allowed:
            raise LimitExceeded(f"more than {allowed} bytes")
        yield number, size, None if is_long else line.removeprefix(_MARK) if number == 1 else line


def _read(number: int, line: bytes) -> Line:
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return _problem(number, len(line), "not text", f"not UTF-8: {error.reason} at byte {error.start}")
    except json.JSONDecodeError as error:
        return _problem(number, len(line), "not JSON", f"{error.msg} at character {error.pos}")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; lists in lists without end
        return _problem(number, len(line), "not JSON", type(error).__name__)
    return _document(number, len(line), record)


def _document(number: int, size: int, record: Any) -> Line:
    if not isinstance(record, dict):
        return _problem(number, size, "no object", f"a {type(record).__name__}, and not an object with a text")
    if not isinstance(record.get("text"), str):
        return _problem(number, size, "no text", "there is no string `text`")
    for name in _STRINGS:
        if not isinstance(record.get(name), str | None):
            return _problem(number, size, "wrong field", f"`{name}` is a {type(record[name]).__name__}, and no string")
    try:
        data = record["text"].encode()
    except UnicodeEncodeError as error:
        return _problem(number, size, "not text", f"half a surrogate pair at character {error.start}")
    return _named(number, size, record, data)


def _named(number: int, size: int, record: dict[str, Any], data: bytes) -> Line:
    """The document, if what the record says of it can be used."""
    language, licence = record.get("language"), record.get("licence") or None
    if language is not None and language not in _EXTENSIONS:
        return _problem(number, size, "unknown language", f"{printable(language[:100])!r} is not in the table")
    if licence and (len(licence) > _MAX_LICENCE or not licence.isprintable()):
        return _problem(number, size, "wrong field", "`licence` is no SPDX expression")
    repository, problem = safe_path(record["repository"]) if record.get("repository") else (None, None)
    if problem:
        return _problem(number, size, "unsafe path", "the repository climbs out, or its name is too long")
    path, problem = safe_path(record["path"]) if record.get("path") else (str(number), None)
    if problem:
        return _problem(number, size, problem, f"{path[:100]} climbs out, or is too long")
    language = language or language_of(path) or "text"
    if language_of(path) != language:
        path += _EXTENSIONS[language]
    return Line(number, path, len(data), repository, licence, data)


def _problem(number: int, size: int, problem: str, detail: str) -> Line:
    return Line(number, f"{number}.txt", size, problem=problem, detail=detail)


def _left(location: Path, problem: str, error: Exception) -> Line:
    file = rest(location, problem, error)
    return Line(0, file.path, 0, problem=problem, detail=file.detail)
