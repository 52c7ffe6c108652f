"""Where a block ends, told by its indentation."""

import re

from codegem.assist.lexer import indentation
from codegem.assist.place import Place
from codegem.assist.rules.rule import Cut, end, whole

# What goes on with a statement whose first block is over, and the parts of a `switch`.
_GOES_ON = re.compile(r"[)\]}]|(else|elif|except|finally|catch|case|default|and|or)\b|[.?|+]|&&")
_DEFINES = re.compile(
    r"@|#\[|///|/\*\*|(async\s+)?(def|class|func|fun|fn|function|impl|trait|struct|enum|interface|type|mod|namespace|"
    r"pub|public|private|protected|internal|static|export|abstract|override|final|template)\b"
)


def block_end(text: str, place: Place) -> Cut:
    """The text ends before a line that stands further left than the block that the cursor is in.

    A closing bracket and what goes on with the statement (`else`, `except`, …) may stand there. Where the cursor's
    line opened the block, a line as far left as that one is outside as well; and so is, behind a whole block and a
    blank line, a further definition, or anything at the left margin.

    >>> block_end("return a\\n\\ndef g():\\n", Place("def f(a):\\n    ", "", "a.py")).keep
    10
    """
    if place.is_prose or place.in_comment or "\n" not in text:
        return whole(text)
    block = _Block(place, text)
    at = 0
    lines = text.split("\n")
    for number, (line, depth) in enumerate(zip(lines, place.lexer.depths(text, place.inside), strict=True)):
        if number and depth > 0:
            block.goes_on_within_brackets()
        elif number and block.ends_before(line, -depth):
            return end(at) if number < len(lines) - 1 else Cut(at, at)
        at += len(line) + 1
    return whole(text)


class _Block:
    """What is known of the cursor's block while lines go by.

    Attributes:
        level: how far its lines stand to the right.
        deeper: whether a block within it, or the one that the cursor's line opened, has had a line.
        closed: whether a brace has closed it.
    """

    def __init__(self, place: Place, text: str):
        self._opened_here = bool(place.before.strip())
        self._offside = place.language == "python"
        self._levels = place.levels
        self._blank = self.deeper = self.closed = False
        self.level = _level(place, text)

    def goes_on_within_brackets(self) -> None:
        """A line that may stand where it likes, or in braces that are a block."""
        self.deeper = self.deeper or not self._offside

    def ends_before(self, line: str, closed: int) -> bool:
        """Whether a line, outside all brackets of the text, is outside the block; else it is taken in.

        Args:
            closed: how many brackets of the prefix the text has closed before.
        """
        for bracket, width in self._levels[:closed]:
            self.level = min(self.level, width) if bracket != "{" or self._offside else self.level
        code = line.strip()
        if not code:
            self._blank = True
            return False
        width = indentation(line)
        if _GOES_ON.match(code):
            self.closed = code[0] == "}" and width < self.level and not self._offside and not code.endswith("{")
            self.level = min(self.level, width) if code[0] in ")]}" else self.level
        elif self._is_outside(code, width):
            return True
        self.deeper = self.deeper or width > self.level
        self._blank = False
        return False

    def _is_outside(self, code: str, width: int) -> bool:
        if width < self.level or self.closed:
            return True
        if width > self.level or not self.deeper:
            return False
        return self._opened_here or (self._blank and (self.level == 0 or bool(_DEFINES.match(code))))


def _level(place: Place, text: str) -> int:
    if place.before.strip():
        return indentation(place.before)
    first = text.partition("\n")[0]
    if first.strip():
        return indentation(place.before + first)
    code = next(line for line in [*text.split("\n"), place.before + "."] if line.strip())
    return indentation(place.before + ".") if place.before else indentation(code)
