"""Brackets outside strings and comments, by one regular expression for each family of languages.

It knows no grammar: a text may begin and end anywhere, and a file of 2,000 lines takes about a millisecond.
"""

import re
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

CLOSES = {")": "(", "]": "[", "}": "{"}
WITHIN = 1 << 20
OPENS = {opener: closer for closer, opener in CLOSES.items()}

# In each piece, the one group matches what ends it: a piece without its end goes on behind the text.
_HASH, _SLASHES, _BLOCK = r"#[^\n]*", r"//[^\n]*", r"/\*[^*]*(?:\*(?!/)[^*]*)*(\*/)?"
_DOUBLE = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*(")?'
_SINGLE = r"'[^'\\\n]*(?:\\.[^'\\\n]*)*(')?"
_DOUBLES = r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(""")?'
_SINGLES = r"'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(''')?"
_RAW_DOUBLES = r'"""[^"]*(?:"(?!"")[^"]*)*(""")?'
_BACKTICKS, _RAW_BACKTICKS = r"`[^`\\]*(?:\\.[^`\\]*)*(`)?", r"`[^`]*(`)?"
_CHARACTER = r"'(?:[^'\\\n]|\\[^\n][^'\n]{0,8})(')"
_LINES_DOUBLE = r'"[^"\\]*(?:\\.[^"\\]*)*(")?'
_RUST_RAW = r'r"[^"]*(")?|r#"[^"]*(?:"(?!#)[^"]*)*("#)?|r##"[^"]*(?:"(?!##)[^"]*)*("##)?'
_CPP_RAW = r'R"\([^)]*(?:\)(?!")[^)]*)*(\)")?'
_VERBATIM = r'@\$?"[^"]*(?:""[^"]*)*(")?'
_BEFORE_PATTERN = r"(?:(?<![\s\S]/)|(?<=[(=,:!&|?;\[{}]/)|(?<=[(=,:!&|?;\[{}>] /)|(?<=return /))"
_PATTERN = r"/(?![*/ ])" + _BEFORE_PATTERN + r"(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+(/)"

_JS = (_SLASHES, _BLOCK, _PATTERN, _DOUBLE, _SINGLE, _BACKTICKS)
_C = (_SLASHES, _BLOCK, _DOUBLE, _CHARACTER)
_FAMILIES: dict[str, tuple[str, ...]] = {
    "python": (_HASH, _DOUBLES, _SINGLES, _DOUBLE, _SINGLE),
    "javascript": _JS,
    "typescript": _JS,
    "java": (_SLASHES, _BLOCK, _DOUBLES, _DOUBLE, _CHARACTER),
    "kotlin": (_SLASHES, _BLOCK, _RAW_DOUBLES, _DOUBLE, _CHARACTER),
    "go": (_SLASHES, _BLOCK, _DOUBLE, _RAW_BACKTICKS, _CHARACTER),
    "rust": (_SLASHES, _BLOCK, _RUST_RAW, _LINES_DOUBLE, _CHARACTER),
    "c": _C,
    "cpp": (_SLASHES, _BLOCK, _CPP_RAW, _DOUBLE, _CHARACTER),
    "csharp": (_SLASHES, _BLOCK, _VERBATIM, _RAW_DOUBLES, _DOUBLE, _CHARACTER),
}
_OTHER = (_DOUBLE,)
_OPENER = re.compile(r"""r?#*(?:\"""|'''|["'`]|//|/\*|/)|[@$R]+"\(?""")
_REST = re.compile(r"[^()\[\]{}]+")


class Bracket(NamedTuple):
    """One bracket of code."""

    at: int
    kind: str


@dataclass(frozen=True)
class Lexer:
    """Of one language.

    Attributes:
        pieces: matches strings, comments and brackets.
    """

    pieces: re.Pattern[str]
    hidden: re.Pattern[str]

    def brackets(self, text: str, inside: str = "") -> list[Bracket]:
        """The brackets of code in `text`, which goes on `inside` a string or a comment.

        >>> lexer("python").brackets('f("(", [1])  # )')
        [Bracket(at=1, kind='('), Bracket(at=7, kind='['), Bracket(at=9, kind=']'), Bracket(at=10, kind=')')]
        """
        skip = len(inside)
        found = self.pieces.finditer(inside + text)
        return [Bracket(at.start() - skip, at[0]) for at in found if at[0] in "()[]{}"]

    def depths(self, text: str, inside: str = "") -> list[int]:
        """At the beginning of each line, how many brackets the lines before it left open; many within a string.

        >>> lexer("python").depths("f(\\n  a)\\n")
        [0, 1, 0]
        """
        skip, depth, at = len(inside), 0, 0
        depths = [0 if not inside else WITHIN]
        for piece in self.pieces.finditer(inside + text):
            start, end = max(0, piece.start() - skip), piece.end() - skip
            depths += [depth] * text.count("\n", at, start)
            if piece[0] in OPENS:
                depth += 1
            elif piece[0] in CLOSES:
                depth -= 1
            else:
                depths += [WITHIN] * text.count("\n", start, end)
            at = end
        return depths + [depth] * text.count("\n", at)

    def inside(self, text: str, inside: str = "") -> str:
        """What has begun and not ended at the end of `text`: a quote, or what begins a comment; "" in code.

        >>> lexer("python").inside("f('a, "), lexer("python").inside("f('a')  # it"), lexer("python").inside("f(a)")
        ("'", '#', '')
        """
        text = inside + text
        last = deque(self.pieces.finditer(text), maxlen=1)
        if not last or last[0].end() < len(text) or last[0].lastindex or last[0][0] in "()[]{}":
            return ""
        opener = _OPENER.match(last[0][0])
        return opener[0] if opener else last[0][0][:1]

    def open(self, text: str, inside: str = "") -> tuple[str, str]:
        """Closing brackets that close nothing in `text`, and opening ones that nothing closes; in their order.

        >>> lexer("go").open("a) } else { f(")
        (')}', '{(')
        """
        code = _REST.sub("", self.hidden.sub("", inside + text))
        size = -1
        while size != len(code):
            size = len(code)
            code = code.replace("()", "").replace("[]", "").replace("{}", "")
        opening = next((at for at, bracket in enumerate(code) if bracket in OPENS), len(code))
        closing = next((at for at in range(len(code), 0, -1) if code[at - 1] in CLOSES), 0)
        return code[:opening], code[closing:]  # those of the wrong kind between are nobody's


@cache
def lexer(language: str | None) -> Lexer:
    """The lexer of a language by its name; of an unknown one, that knows strings alone."""
    pieces = "|".join(_FAMILIES.get(language or "", _OTHER))
    # A branch that begins with no plain character would make the search try all of them everywhere.
    return Lexer(re.compile(rf"{pieces}|\(|\)|\[|\]|\{{|\}}", re.DOTALL), re.compile(pieces, re.DOTALL))


def indentation(line: str, tab: int = 4) -> int:
    """The width of the white space that a line begins with.

    >>> indentation("\\t  x")
    6
    """
    return len(line.expandtabs(tab)) - len(line.expandtabs(tab).lstrip())
