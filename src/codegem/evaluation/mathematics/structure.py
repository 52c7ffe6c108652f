r"""What a final answer is made of: lists, tuples and intervals, sets, matrices, equations, words, and single terms.

Only terms are left to algebra (`comparing`); whether order, brackets, names and units count is seen here.
"""

import re

from codegem.evaluation.mathematics.cleaning import ROW
from codegem.evaluation.mathematics.shapes import (
    Answer,
    Digits,
    Matrix,
    Named,
    Relation,
    Several,
    Term,
    Union,
    Words,
)
from codegem.evaluation.mathematics.units import without_unit

_OPEN, _CLOSE = "([{", ")]}"
_AND = re.compile(r",?\s*\\text\{\s*,?(?:and|or)\s*\}|,?\s+(?:and|or)\s+|(?<=[\d)}])(?:and|or)(?=[\dA-Za-z(\\-])")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?")
_SIGN = re.compile(r"\\le(?![a-zA-Z])|\\ge(?![a-zA-Z])|\\ne(?![a-zA-Z])|<|>|(?<![<>!])=")
_WRITTEN = {r"\le": "<=", r"\ge": ">=", r"\ne": "!=", "<": "<", ">": ">", "=": "="}
_TURNED = {">=": "<=", ">": "<"}
_MATRIX = re.compile(r"[\[(]?\s*\\begin\{(?:[pbB]?(?:small)?matrix|array)\}(?:\{[lcr|]*\})?(.*)\\end\{\w+\}\s*[\])]?")
_BASE = re.compile(r"(\d[0-9A-Fa-f]*)_\{?(\d{1,2})\}?")
_SYMBOL = re.compile(r"[A-Za-z]|\\(?:alpha|beta|gamma|delta|theta|lambda|mu|omega|phi|rho|sigma|tau)")
_NAME = re.compile(
    r"""(?:[A-Za-z]|\\[a-z]+)(?:_\{?\w+\}?)?'*(?:\(\s*(?:[A-Za-z0-9]+|[a-z],[a-z,]*)\s*\))?  # x, x_1, f(x), \theta
    |(?:m\s*)?\\angle\s*[A-Z]{1,3} | [A-Z]{2,4} | \[[A-Z]{3,6}\] | \|[A-Za-z]+\|           # angles, lengths, areas
    |\\text\{[^{}]*\} | \(\s*[a-z](?:\s*,\s*[a-z])+\s*\)                                   # words, (x, y)""",
    re.VERBOSE,
)
_COMMANDS = re.compile(r"\\text\{[^{}]*\}|\\[a-zA-Z]+")
_IN = re.compile(r"[A-Za-z]\s*\\in(?![a-zA-Z])\s*")


def structure(answer: str) -> Answer:
    r"""The structure of a cleaned answer.

    >>> structure(r"x = 5 \text{ cm}")
    Named(name='x', value=Term(latex='5', unit='cm', percent=False))
    >>> structure("[2, 5)").brackets, structure("3, 4").brackets, structure("12,345")
    ('[)', '', Term(latex='12345', unit='', percent=False))
    """
    answer = answer.strip()
    answer = answer[found.end() :] if (found := _IN.match(answer)) else answer
    if _THOUSANDS.fullmatch(without_unit(answer)[0]):
        return _term(answer.replace(",", "").replace(" ", "", _spaces(answer)))
    parts = _split(_AND.sub(",", answer))
    if len(parts) > 1:
        return Several("", tuple(map(structure, parts)))
    return _matrix(answer) or _related(answer) or _united(answer) or _bracketed(answer) or _single(answer)


def _spaces(answer: str) -> int:
    """How many spaces of a number stand between its digits."""
    return len(re.findall(r"(?<=\d) (?=\d{3})", answer))


def _split(text: str, marks: str = ",;") -> list[str]:
    """Parts between marks that no bracket holds together."""
    parts, level, start = [], 0, 0
    for place, letter in enumerate(text):
        level += (letter in _OPEN) - (letter in _CLOSE)
        if letter in marks and level <= 0:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def _matrix(text: str) -> Matrix | None:
    found = _MATRIX.fullmatch(text)
    if found is None:
        return None
    rows = [row for row in found[1].split(ROW) if row.strip()]
    return Matrix(tuple(tuple(structure(cell) for cell in _split(row, "&")) for row in rows))


def _related(text: str) -> Answer | None:
    """Equations, chains of them, and inequalities; None where there is no sign."""
    signs = [found for found in _SIGN.finditer(text) if _level(text, found.start()) == 0]
    if not signs:
        return None
    ends = [0, *(found.end() for found in signs), len(text)]
    starts = [*(found.start() for found in signs), len(text)]
    sides = [text[begin:end].strip() for begin, end in zip(ends, starts, strict=False)]
    kinds = [_WRITTEN[found[0]] for found in signs]
    if not all(sides):
        return _related(sides[-1]) or structure(sides[-1]) if sides[-1] and not any(sides[:-1]) else None
    if set(kinds) == {"="}:
        return _equation(sides)
    return _interval(kinds, sides) or (_relation(kinds[0], *sides) if len(sides) == 2 else None)


def _equation(sides: list[str]) -> Answer:
    if _NAME.fullmatch(sides[0]):
        return Named(re.sub(r"\s", "", sides[0]), structure(sides[-1]))
    if len(sides) == 2 and _NAME.fullmatch(sides[1]):
        return Named(re.sub(r"\s", "", sides[1]), structure(sides[0]))
    if len(sides) == 2 and re.search(r"[A-Za-z]", _COMMANDS.sub("", " ".join(sides))):
        return _relation("=", *sides)
    return structure(sides[-1])  # a computation, and what it comes to


def _relation(sign: str, left: str, right: str) -> Relation:
    if sign in _TURNED:
        sign, left, right = _TURNED[sign], right, left
    return Relation(sign, _term(left), _term(right))


def _interval(kinds: list[str], sides: list[str]) -> Answer | None:
    """Bounds of a single symbol as an interval: x > 2, 1 <= x < 3, x != 4."""
    kinds, sides = _upwards(kinds, sides)
    low, high = r"-\infty", r"\infty"
    if len(sides) == 2 and _SYMBOL.fullmatch(sides[0]) and not _SYMBOL.fullmatch(sides[1]):
        if kinds == ["!="]:
            return Union((_between("()", low, sides[1]), _between("()", sides[1], high)))
        return _between("(" + ("]" if kinds == ["<="] else ")"), low, sides[1])
    if len(sides) == 2 and _SYMBOL.fullmatch(sides[1]):
        return _between(("[" if kinds == ["<="] else "(") + ")", sides[0], high)
    if len(sides) == 3 and _SYMBOL.fullmatch(sides[1]) and set(kinds) <= {"<", "<="}:
        return _between(("[" if kinds[0] == "<=" else "(") + ("]" if kinds[1] == "<=" else ")"), sides[0], sides[2])
    return None


def _upwards(kinds: list[str], sides: list[str]) -> tuple[list[str], list[str]]:
    if all(kind in _TURNED for kind in kinds):
        return [_TURNED[kind] for kind in reversed(kinds)], sides[::-1]
    return kinds, sides


def _between(brackets: str, low: str, high: str) -> Several:
    return Several(brackets, (_term(low), _term(high)))


def _united(text: str) -> Union | None:
    parts = _split(re.sub(r"\\cup(?![a-zA-Z])", ROW, text), ROW)
    return Union(tuple(map(structure, parts))) if len(parts) > 1 else None


def _bracketed(text: str) -> Several | None:
    """Parts between one pair of brackets that is around all of it."""
    inner = text.replace(r"\{", "{").replace(r"\}", "}").strip()
    if len(inner) < 2 or inner[0] not in _OPEN or inner[-1] not in _CLOSE or _level(inner, len(inner) - 1) != 1:
        return None
    if any(_level(inner, place) == 0 for place in range(1, len(inner) - 1)):
        return None
    parts = _split(inner[1:-1])
    if len(parts) < 2 and inner[0] != "{":
        return None
    return Several(inner[0] + inner[-1], tuple(map(structure, parts)))


def _level(text: str, place: int) -> int:
    """How many brackets are open before a place."""
    before = text[:place]
    return sum(before.count(letter) for letter in _OPEN) - sum(before.count(letter) for letter in _CLOSE)


def _single(text: str) -> Answer:
    if r"\pm" in text or r"\mp" in text:
        upper = text.replace(r"\pm", "+").replace(r"\mp", "-")
        lower = text.replace(r"\pm", "-").replace(r"\mp", "+")
        return Several("", (_term(upper), _term(lower)))
    if found := _BASE.fullmatch(re.sub(r"\s|\\text\{([^{}]*)\}", r"\1", text)):
        return Digits(found[1].upper(), found[2])
    if words := _words(text):
        return Words(words)
    return _term(text)


def _words(text: str) -> str:
    r"""The letters of an answer that is all words: in \text{…}, or of several plain words."""
    marked = re.fullmatch(r"(?:\s*\\text\{([^{}]*)\}\s*)+", text)
    plain = re.fullmatch(r"\(?[A-Za-z][A-Za-z'’-]+(?:[\s,.'-]+[A-Za-z0-9]+)*\)?", text) and " " in text
    if not marked and not plain:
        return ""
    return letters(re.sub(r"\\text\{([^{}]*)\}", r"\1", text))


def letters(text: str) -> str:
    """Letters and digits in small letters; a single one as it is.

    >>> letters("(C)"), letters("Monday.")
    ('C', 'monday')
    """
    kept = re.sub(r"[^\w]", "", text)
    return kept if len(kept) < 2 else kept.casefold()


def _term(text: str) -> Term:
    latex, unit = without_unit(text)
    shorter = re.sub(r"\s*(?:\\?%|\\text\{\s*(?:percent(?:age)?|pct|%|\\%)\s*\}|percent(?:age)?|pct)$", "", latex)
    return Term(shorter.strip(), unit, shorter != latex)
