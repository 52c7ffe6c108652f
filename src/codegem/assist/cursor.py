"""A place in a file: where the person is typing."""

import re
from dataclasses import dataclass
from pathlib import Path

from codegem.errors import UsageError, UserError

MAX_BYTES = 4 * 2**20
_LOCATION = re.compile(r"(?P<file>.+?):(?P<line>\d+)(:(?P<column>\d+))?", re.DOTALL)
_ROOT_MARKS = (".git", "pyproject.toml", "package.json", "Cargo.toml", "go.mod")


@dataclass(frozen=True)
class Location:
    """FILE:LINE[:COLUMN] as a person gives it: counted from 1, in characters; no column is the line's end."""

    file: Path
    line: int
    column: int | None = None


@dataclass(frozen=True)
class Document:
    """A text file with the cursor in it; line ends are "\\n" whatever the file has.

    Attributes:
        path: relative to the file's repository, as the model saw paths in training.
        column: counted from 1 and always known.
    """

    file: Path
    path: str
    prefix: str
    suffix: str
    line: int
    column: int


def parse_location(text: str) -> Location:
    """Read FILE:LINE[:COLUMN].

    >>> parse_location("src/app.py:12:5")
    Location(file=PosixPath('src/app.py'), line=12, column=5)

    Raises:
        UsageError: it has no line, or counts from 0.
    """
    found = _LOCATION.fullmatch(text)
    if not found:
        raise UsageError(f"{text!r} names no place in a file; write FILE:LINE or FILE:LINE:COLUMN, as in app.py:12.")
    line, column = int(found["line"]), int(found["column"]) if found["column"] else None
    if line == 0 or column == 0:
        raise UsageError(f"{text!r} counts from 0; the first line and the first column are 1.")
    return Location(Path(found["file"]), line, column)


def open_at(location: Location) -> Document:
    """Read the file and split it at the cursor.

    Raises:
        UserError: the file can't be read or is not text, or the place is behind its end.
    """
    text = read_text(location.file)
    line, column, at = _offset(text, location)
    return Document(location.file, path_in_repository(location.file), text[:at], text[at:], line, column)


def find_root(file: Path) -> Path | None:
    """The nearest folder above a file that looks like a project's root."""
    return next((up for up in file.absolute().parents if any((up / mark).exists() for mark in _ROOT_MARKS)), None)


def read_text(file: Path) -> str:
    """A file's text; line ends become "\\n".

    Raises:
        UserError: it can't be read, is too large, or is not text.
    """
    try:
        size = file.stat().st_size
        if file.is_dir():
            raise UserError(f"{file} is a folder; give a file and a line in it.")
        if size > MAX_BYTES:
            raise UserError(f"{file} has {size} bytes; codegem completes files of at most {MAX_BYTES} bytes.")
        content = file.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{file} does not exist; give the path of a file and a line in it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UserError(f"{file} can't be read ({error}).") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 text (byte {error.start}); convert it to UTF-8 first.") from None
    if "\0" in text:
        raise UserError(f"{file} is not text: it holds a NUL byte (character {text.index(chr(0)) + 1}).")
    return text.replace("\r\n", "\n")


def _offset(text: str, location: Location) -> tuple[int, int, int]:
    """Line, column and the number of characters before the cursor."""
    lines = text.split("\n")
    if location.line > len(lines):
        raise UserError(f"{location.file} ends at line {len(lines)}; there is no line {location.line}.")
    width = len(lines[location.line - 1])
    column = width + 1 if location.column is None else location.column
    if column > width + 1:
        raise UserError(f"{location.file}:{location.line} ends at column {width + 1}; there is no column {column}.")
    before = sum(len(line) + 1 for line in lines[: location.line - 1])
    return location.line, column, before + column - 1


def path_in_repository(file: Path) -> str:
    """The path below the nearest folder that looks like a project's root; else the name alone."""
    root = find_root(file) or file.absolute().parent
    return file.absolute().relative_to(root).as_posix().replace("\n", " ")
