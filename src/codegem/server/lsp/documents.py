"""Open documents as the editor has them: incremental changes and positions in the units that were agreed on.

Lines end at "\\n", "\\r\\n" or "\\r" and nowhere else, as the protocol says; a form feed, which Python's own
`splitlines` takes for an end, stands inside a line. A position behind a line's end means its end, one behind the last
line the end of the text, and one inside a character the place before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol.types import Position, PositionEncodingKind, Range
from pygls.uris import to_fs_path

Encoding = PositionEncodingKind

_ENDED = re.compile(r"[^\r\n]*(?:\r\n?|\n)")
_SURROGATE = re.compile("[\ud800-\udfff]")
# The units of a character are counted as the first of these that lies above its code.
_WIDTHS = {
    Encoding.Utf8: ((0x80, 1), (0x800, 2), (0x10000, 3), (0x110000, 4)),
    Encoding.Utf16: ((0x10000, 1), (0x110000, 2)),
    Encoding.Utf32: ((0x110000, 1),),
}


def choose_encoding(offered: Sequence[Encoding | str] | None) -> Encoding:
    """Code points where the client knows them, since no counting is needed then; UTF-16 where it offers nothing.

    >>> choose_encoding(["utf-16", "utf-32"]), choose_encoding(None)
    (<PositionEncodingKind.Utf32: 'utf-32'>, <PositionEncodingKind.Utf16: 'utf-16'>)
    """
    return next((kind for kind in (Encoding.Utf32, Encoding.Utf8) if kind in (offered or ())), Encoding.Utf16)


def split_lines(text: str) -> list[str]:
    """Lines with their ends; the last one has none and may be empty.

    >>> split_lines("a\\r\\nb\\x0cc\\n")
    ['a\\r\\n', 'b\\x0cc\\n', '']
    """
    lines = _ENDED.findall(text)
    return [*lines, text[sum(map(len, lines)) :]]


def plain(text: str) -> str:
    """A text with "\\n" at the ends of its lines and without halves of characters, which no tokenizer takes.

    An editor that counts in UTF-16 may send the two halves of a character in two changes; they become one again.
    """
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class Hole:
    """A place that something may be put in.

    Attributes:
        file: None for a text that is no file, such as a new one.
        prefix: what stands before it, with "\\n" as line ends.
        suffix: what stands behind it.
    """

    file: Path | None
    prefix: str
    suffix: str


@dataclass
class Document:
    """One text in the editor.

    Attributes:
        language: LSP's identifier, such as "python".
        lines: with their ends, as `split_lines` gives them.
        inserted: how many characters the changes since `begin_changes` put in.
        removed: how many they took out.
    """

    uri: str
    language: str
    version: int | None
    lines: list[str]
    encoding: Encoding = Encoding.Utf16
    inserted: int = 0
    removed: int = 0

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.lines)

    @property
    def file(self) -> Path | None:
        """Where it is on the disk, or will be."""
        return file_of(self.uri)

    @property
    def line_end(self) -> str:
        """What the first line ends with; "\\n" where there is one line only."""
        first = self.lines[0]
        return first[len(first.rstrip("\r\n")) :] or "\n"

    def begin_changes(self) -> None:
        """Count what is put in and taken out from here."""
        self.inserted = self.removed = 0

    def change(self, text: str, place: Range | None = None) -> None:
        """Put `text` in the place of a range, or of everything.

        >>> document = Document("file:///a.py", "python", 1, split_lines("one\\ntwo\\n"))
        >>> document.change("1", Range(Position(0, 3), Position(1, 3)))
        >>> document.text
        'one1\\n'
        """
        if place is None:
            more = len(text) - sum(map(len, self.lines))
            self.inserted += max(1, more) if more >= 0 else 0
            self.removed += max(0, -more)
            self.lines = split_lines(text)
            return
        first, start = self._locate(place.start)
        last, end = max((first, start), self._locate(place.end))
        self.inserted += len(text)
        self.removed += sum(map(len, self.lines[first:last])) + end - start
        merged = self.lines[first][:start] + text + self.lines[last][end:]
        if merged.startswith("\n") and first and self.lines[first - 1].endswith("\r"):
            first -= 1
            merged = self.lines[first] + merged
        lines = split_lines(merged)
        if last + 1 < len(self.lines) and not lines[-1]:
            lines.pop()
        self.lines[first : last + 1] = lines

    def around(self, position: Position) -> tuple[str, str]:
        """What stands before a position, and what behind it, both `plain`."""
        line, index = self._locate(position)
        before = "".join(self.lines[:line]) + self.lines[line][:index]
        return plain(before), plain(self.lines[line][index:] + "".join(self.lines[line + 1 :]))

    def hole(self, position: Position) -> Hole:
        """A position as a place for a suggestion."""
        return Hole(self.file, *self.around(position))

    def line_before(self, position: Position) -> str:
        """What stands before a position in its line."""
        line, index = self._locate(position)
        return self.lines[line][:index]

    def before(self, position: Position, characters: int) -> Position:
        """The position so many characters earlier in the same line."""
        line, index = self._locate(position)
        return Position(line, self._units(self.lines[line][: max(0, index - characters)]))

    def _locate(self, position: Position) -> tuple[int, int]:
        """Line and character in it."""
        if position.line >= len(self.lines):
            return len(self.lines) - 1, len(self.lines[-1])
        line = self.lines[position.line].rstrip("\r\n")
        if self.encoding == Encoding.Utf32 or line.isascii():
            return position.line, min(position.character, len(line))
        left = position.character
        for index, character in enumerate(line):
            left -= self._width(character)
            if left < 0:
                return position.line, index
        return position.line, len(line)

    def _units(self, text: str) -> int:
        return len(text) if text.isascii() else sum(map(self._width, text))

    def _width(self, character: str) -> int:
        return next(width for limit, width in _WIDTHS[self.encoding] if ord(character) < limit)


def file_of(uri: str) -> Path | None:
    """The file that a URI names, or None where it names something else.

    >>> file_of("file:///home/me/a%20b.py"), file_of("untitled:Untitled-1")
    (PosixPath('/home/me/a b.py'), None)
    """
    if not uri.startswith("file:"):
        return None
    path = to_fs_path(uri)
    return Path(path) if path and "\0" not in path else None
