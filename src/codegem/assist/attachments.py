"""Files that are brought along to a conversation, in fenced blocks under their paths."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codegem.text.languages import language_of
from codegem.text.tokenizer import Tokenizer

_AROUND = 16  # tokens of a title and two fences, about
_CHARACTERS_A_TOKEN = 32  # no token of real code is longer on average


@dataclass(frozen=True)
class Attachment:
    """A file, or some lines of it.

    Attributes:
        first: the number of the first line, counted from 1.
    """

    path: str
    text: str
    first: int = 1

    @property
    def title(self) -> str:
        """What stands above the block.

        >>> Attachment("a.py", "x = 1\\ny = 2\\n", first=3).title, Attachment("a.py", "").title
        ('`a.py`, lines 3 to 4', '`a.py`')
        """
        name = self.path.replace("`", "'").replace("\n", " ")
        last = self.first + len(self.text.rstrip("\n").split("\n")) - 1
        lines = f"line {last}" if self.first == last else f"lines {self.first} to {last}"
        return f"`{name}`" if self.first == 1 else f"`{name}`, {lines}"


def attach(files: Sequence[Attachment], tokenizer: Tokenizer, room: int) -> tuple[str, tuple[str, ...]]:
    """The files as one text of at most about `room` tokens, and a sentence for each that is cut or left out.

    The files share the room; what short ones leave is for the long ones.
    """
    parts: list[str] = []
    notes: list[str] = []
    sizes = [_count(file.text, tokenizer, room) + _AROUND for file in files]
    for file, size, share in zip(files, sizes, _shares(sizes, room), strict=True):
        lines = file.text.rstrip("\n").split("\n")
        kept = len(lines) if size <= share else _lines_within(lines, tokenizer, share - _AROUND)
        if kept < len(lines):
            said = f"cut after {kept} of its {len(lines)} lines" if kept else "left out"
            notes.append(f"{file.path} is {said}: it is longer than what the model can read beside the rest.")
        if kept:
            parts.append(fenced(Attachment(file.path, "\n".join(lines[:kept]), file.first)))
    return "\n\n".join(parts), tuple(notes)


def fenced(file: Attachment) -> str:
    """A file in a block that nothing in it can end.

    >>> print(fenced(Attachment("a.py", "x = 1\\n")))
    `a.py`
    ```python
    x = 1
    ```
    """
    longest = max((len(run) for run in re.findall("`{3,}", file.text)), default=2)
    fence = "`" * (longest + 1)
    return f"{file.title}\n{fence}{language_of(file.path) or ''}\n{file.text.rstrip()}\n{fence}"


def _shares(sizes: Sequence[int], room: int) -> list[int]:
    """Room for each of some texts: what it wants, or an even share of what the shorter ones leave."""
    shares = [0] * len(sizes)
    order = sorted(range(len(sizes)), key=lambda index: sizes[index])
    for place, index in enumerate(order):
        shares[index] = min(sizes[index], room // (len(order) - place))
        room -= shares[index]
    return shares


def _lines_within(lines: Sequence[str], tokenizer: Tokenizer, room: int) -> int:
    """How many of the lines have together at most about `room` tokens."""
    for number, line in enumerate(lines):
        room -= _count(line + "\n", tokenizer, room)
        if room < 0:
            return number
    return len(lines)


def _count(text: str, tokenizer: Tokenizer, room: int) -> int:
    """Tokens of `text`; some number above `room` if it is far longer than that."""
    if len(text) > _CHARACTERS_A_TOKEN * (max(room, 0) + 1):
        return max(room, 0) + 1
    return len(tokenizer.encode(text))
