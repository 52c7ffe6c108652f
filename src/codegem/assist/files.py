"""Files that a person names: whole, or some lines of them, and their text put back."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from codegem.assist.attachments import Attachment
from codegem.assist.cursor import path_in_repository, read_text
from codegem.errors import UsageError, UserError

_PLACE = re.compile(r"(?P<file>.+?)(:(?P<first>\d+)(-(?P<last>\d+))?)?", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """FILE[:LINE[-LINE]] as a person gives it, counted from 1, both lines included."""

    file: Path
    first: int | None = None
    last: int | None = None


def parse_place(text: str) -> Place:
    """Read FILE, FILE:LINE or FILE:FIRST-LAST; a file whose name looks so is that file.

    >>> parse_place("src/app.py:12-20")
    Place(file=PosixPath('src/app.py'), first=12, last=20)

    Raises:
        UsageError: it names no file, counts from 0, or backwards.
    """
    found = _PLACE.fullmatch(text.strip())
    if not found:
        raise UsageError("No file is named; write FILE, FILE:LINE or FILE:FIRST-LAST, as in app.py:12-20.")
    if not found["first"] or Path(text.strip()).exists():
        return Place(Path(text.strip()))
    first = int(found["first"])
    last = int(found["last"] or first)
    if not 1 <= first <= last:
        raise UsageError(f"{text.strip()!r} names no lines; they count from 1, the first before the last.")
    return Place(Path(found["file"]), first, last)


def read_place(place: Place) -> Attachment:
    """The file, or its lines, to be attached to a question.

    Raises:
        UserError: it can't be read, is not text, or ends before the first line.
    """
    text = read_text(place.file)
    path = path_in_repository(place.file)
    if place.first is None or place.last is None:
        return Attachment(path, text)
    lines = text.split("\n")
    if place.first > len(lines):
        raise UserError(f"{place.file} ends at line {len(lines)}; there is no line {place.first}.")
    return Attachment(path, "\n".join(lines[place.first - 1 : place.last]), place.first)


def read_whole(file: Path) -> str:
    """A file's text as it is, line ends and all, to be edited.

    Raises:
        UserError: it can't be read or is not text.
    """
    read_text(file)  # says in a sentence what is wrong
    return file.read_bytes().decode()


def replace_text(file: Path, before: str, after: str) -> None:
    """Put an edited text in a file's place, whole or not at all, if the file is still as it was.

    Raises:
        UserError: it has changed since, or can't be written; it is then as it was.
    """
    try:
        target = file.resolve(strict=True)
        if target.read_bytes() != before.encode():
            raise UserError(f"{file} has changed since the edit was proposed; ask again.")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with open(handle, "wb") as opened:
                opened.write(after.encode())
                opened.flush()
                os.fsync(opened.fileno())
            os.chmod(name, target.stat().st_mode & 0o7777)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(f"{file} can't be written ({error.strerror}); it is as it was.") from None
