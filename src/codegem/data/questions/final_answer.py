"""The result that an answer to a mathematical question ends with, and whether two results are the same.

A result is read where the data line writes it ("The answer is 12.", `questions.algebra`), where MATH boxes it
(`\\boxed{12}`), behind GSM8K's `####`, or, failing these, it is the last number of the text. Two results are the same
by simple rules, in exact fractions and without evaluating anything.
"""

import re
from fractions import Fraction

_SAID = re.compile(r"(?:\banswer is|####)[ \t]*:?", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?")
_FRACTION = re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}")
_DRESS = re.compile(r"\\(?:left|right|text|mathrm|,|;|!| )|[\s{}$]|\\?%")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PARTS = re.compile(r"\s+(?:or|and)\s+|,\s+|;\s*")
_NAMED = re.compile(r"([A-Za-z](?:_?\w)?)=(.+)")
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+|/0*[1-9]\d*)?")  # no exponents: 1e999999999 would fill the memory
_TERMS = re.compile(r"[+-]?[^+-]+")
_BOX = re.compile(r"\\(?:boxed|fbox)(?:\s*(\{)|\s+([^\s{$]+))")
_LONGEST = 200  # characters of a result; digits beyond that are no number that anybody asked for

Value = Fraction | tuple[str, ...]


def final_answer(text: str) -> str | None:
    """The result at the end of an answer; None where there is none.

    >>> final_answer("Divide by 2.\\nThe answer is x = 3/4."), final_answer("it is \\\\boxed{\\\\frac{1}{2}}, as said")
    ('x = 3/4', '\\\\frac{1}{2}')
    >>> final_answer("23 and 45 make 68"), final_answer("I don't know.")
    ('68', None)
    """
    found = boxed(text)
    if found is None:
        said = [match.end() for match in _SAID.finditer(text)]
        numbers = [] if said else _NUMBER.findall(text)
        found = text[said[-1] :].strip(" \t").partition("\n")[0] if said else numbers[-1] if numbers else ""
    found = found.strip().rstrip(".").strip()
    return found if 0 < len(found) <= _LONGEST else None


def boxed(text: str) -> str | None:
    r"""What stands in the last box of a text; None where there is none.

    >>> boxed(r"$\boxed{\frac{1}{2}}$"), boxed(r"$\boxed 5$, so"), boxed("5")
    ('\\frac{1}{2}', '5', None)
    """
    boxes = list(_BOX.finditer(text))
    if not boxes or not boxes[-1][1]:
        return boxes[-1][2] if boxes else None
    depth, begin = 1, boxes[-1].end()
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[begin:place]
    return None


def same_answer(given: str, expected: str) -> bool:
    """Whether two results say the same: numbers by their values, solutions and the terms of a sum in any order.

    >>> same_answer("1,200", "1200.0"), same_answer("x = 0.75", "3/4"), same_answer("75%", "75")
    (True, True, True)
    >>> same_answer("x = 2 or x = -3", "x = -3 or x = 2"), same_answer("-x + 2x^2", "2x^2 - x")
    (True, True)
    >>> same_answer("x = 2", "y = 2"), same_answer("x = 2", "x = 2 or x = -3"), same_answer("x < 2", "x > 2")
    (False, False, False)
    """
    left, right = _solutions(given), _solutions(expected)
    if len(left) != len(right):
        return False
    names = {name for name, _ in left | right}
    if "" in names and len(left) == 1:  # one of them doesn't name what it found
        left, right = {("", value) for _, value in left}, {("", value) for _, value in right}
    return left == right


def _solutions(text: str) -> set[tuple[str, Value]]:
    """(name, value) of each part; the name is "" where there is none."""
    text = _THOUSANDS.sub("", _FRACTION.sub(r"\1/\2", text[:_LONGEST]))
    found: set[tuple[str, Value]] = set()
    for part in _PARTS.split(text.strip().rstrip(".")):
        bare = _DRESS.sub("", part)
        named = _NAMED.fullmatch(bare)
        found.add((named[1], _value(named[2])) if named else ("", _value(bare)))
    return found


def _value(text: str) -> Value:
    """A number, or what is no number as its signed terms in an order of their own."""
    if _PLAIN.fullmatch(text):
        return Fraction(text)
    if any(mark in text for mark in "()<>="):
        return (text,)
    return tuple(sorted(term if term[0] in "+-" else f"+{term}" for term in _TERMS.findall(text)))
