"""Where a text is to be put in, as the rules see it."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from codegem.assist.lexer import CLOSES, OPENS, Lexer, indentation, lexer
from codegem.generate import Infill
from codegem.text.languages import find_language

Lines = Literal["auto", "one", "many"]
_CLOSERS = re.compile(r"\s*[)\]}>\"'`]+[;,:]?\s*")
_COMMENTS = ("#", "//", "/*")
_INDENTS = re.compile(r"(?<=\n)(?:\t+| {2,})(?=\S)")
_STEPS = (2, 3, 4, 8)
_WORD = re.compile(r"\w{1,64}\Z")
_NEAR = 1 << 16  # characters on each side that brackets are looked for in


@dataclass(frozen=True)
class Place:
    """A cursor between a prefix and a suffix whose line ends are "\\n"; what is worked out of them is kept.

    Attributes:
        path: of the file; its ending names the language.
        lines: how many lines may come: one, several, or as the place says.
    """

    prefix: str
    suffix: str
    path: str | None = None
    lines: Lines = "auto"

    @staticmethod
    def of(infill: Infill, lines: Lines = "auto") -> "Place":
        """The place of a hole, in a file with either line end."""
        return Place(infill.prefix.replace("\r\n", "\n"), infill.suffix.replace("\r\n", "\n"), infill.path, lines)

    @cached_property
    def before(self) -> str:
        """The cursor's line left of it."""
        return self.prefix.rpartition("\n")[2]

    @cached_property
    def after(self) -> str:
        """The cursor's line right of it."""
        return self.suffix.partition("\n")[0]

    @cached_property
    def above(self) -> list[str]:
        """The lines above the cursor's that are not blank, the nearest first; some."""
        lines = self.prefix[-_NEAR:].split("\n")[-2::-1]
        return [line for line in lines[:40] if line.strip()]

    @cached_property
    def below(self) -> list[str]:
        """The lines below the cursor's that are not blank, the nearest first; some."""
        lines = self.suffix[:_NEAR].split("\n")[1:]
        return [line for line in lines[:40] if line.strip()]

    @cached_property
    def word(self) -> str:
        """The part of a word that stands left of the cursor."""
        found = _WORD.search(self.before)
        return found[0] if found else ""

    @cached_property
    def language(self) -> str | None:
        """The file's language, by its name."""
        found = find_language(self.path) if self.path else None
        return found.name if found else None

    @cached_property
    def is_prose(self) -> bool:
        """Whether brackets and indentation mean little."""
        found = find_language(self.path) if self.path else None
        return bool(found) and found.group != "code"

    @cached_property
    def lexer(self) -> Lexer:
        """Of the file's language."""
        return lexer(self.language)

    @cached_property
    def inside(self) -> str:
        """What the cursor stands in: a quote, what begins a comment, or "" for code."""
        return self.lexer.inside(self._near_prefix)

    @cached_property
    def in_the_middle(self) -> bool:
        """Whether code follows on the cursor's line."""
        return bool(self.after.strip())

    @cached_property
    def one_line(self) -> bool:
        """Whether the text surely ends with the cursor's line."""
        if self.lines == "auto":
            return self.in_the_middle and bool(self.before.strip()) and not self.before_closers
        return self.lines == "one"

    @cached_property
    def before_closers(self) -> bool:
        """Whether all that follows on the cursor's line are closing brackets and the like, as an editor puts them."""
        return bool(_CLOSERS.fullmatch(self.after)) and not self.inside

    @cached_property
    def levels(self) -> list[tuple[str, int]]:
        """The brackets that are open at the cursor, the innermost first, and how far right their lines begin; some."""
        near = self._near_prefix[-_NEAR // 8 :]
        opened: list[int] = []
        for at, kind in self.lexer.brackets(near):
            if kind in OPENS:
                opened.append(at)
            elif opened and near[opened[-1]] == CLOSES[kind]:
                opened.pop()
        lines = [near[near.rfind("\n", 0, at) + 1 : at + 1] for at in opened]
        return [(line[-1], indentation(line)) for line in reversed(lines)]

    @cached_property
    def in_comment(self) -> bool:
        """Whether the cursor stands in a comment."""
        return self.inside in _COMMENTS

    @cached_property
    def indented_with(self) -> str:
        """What the lines around are indented with, a tab or a space; "" where it is both or neither."""
        tabs = sum(indent[0] == "\t" for indent in self._indents)
        if not self._indents or min(tabs, len(self._indents) - tabs) * 10 > len(self._indents):
            return ""
        return "\t" if tabs * 2 > len(self._indents) else " "

    @cached_property
    def step(self) -> int:
        """How many columns one step of indentation takes in this file: nearly all widths are multiples of it."""
        widths = [len(indent) for indent in self._indents if indent[0] == " "]
        fitting = [step for step in _STEPS if sum(width % step == 0 for width in widths) * 10 >= len(widths) * 9]
        return min(max(fitting), min(widths)) if widths and fitting else _STEPS[-2]

    @cached_property
    def missing(self) -> str:
        """The closing brackets that neither side of the cursor has, the innermost first.

        >>> Place("if (a) { f(b, ", "\\n}\\n", "a.js").missing
        ')'
        """
        opened = self.lexer.open(self._near_prefix)[1][::-1]
        closed = self.lexer.open(self.suffix[:_NEAR], self.inside)[0]
        is_whole = max(len(self.prefix), len(self.suffix)) <= _NEAR
        most = len(opened) - len(closed) if is_whole or not closed else self._closed_within()
        sizes = [most] * (most > 0) + list(range(len(opened) + 1))
        for size in sizes:
            if all(OPENS[left] == right for left, right in zip(opened[size:], closed, strict=False)):
                return "".join(OPENS[bracket] for bracket in opened[:size])
        return ""

    def _closed_within(self) -> int:
        """How many brackets are inside of the one that the next line of closing ones closes, by its indentation."""
        for number, line in enumerate(self.below):
            if line.lstrip()[0] in CLOSES:
                opener = CLOSES[line.lstrip()[0]], indentation(line)
                is_outside = any(indentation(each) < opener[1] for each in self.below[:number])
                return self.levels.index(opener) if opener in self.levels and not is_outside else 0
        return 0

    @cached_property
    def _indents(self) -> list[str]:
        return _INDENTS.findall(self.prefix[-_NEAR // 4 :] + "\n" + self.suffix[: _NEAR // 4])

    @cached_property
    def _near_prefix(self) -> str:
        if len(self.prefix) <= _NEAR:
            return self.prefix
        return self.prefix[self.prefix.find("\n", len(self.prefix) - _NEAR) + 1 :]
