r"""Units behind an answer: "5 \text{ cm}" is 5, and is not 5 m."""

import re

# What they are written as, and each spelling; units that differ make answers differ, where both have one.
_SPELLINGS = {
    "mm": "mm millimeter millimeters millimetre millimetres",
    "cm": "cm centimeter centimeters centimetre centimetres",
    "m": "m meter meters metre metres",
    "km": "km kilometer kilometers kilometre kilometres",
    "in": "in inch inches",
    "ft": "ft foot feet",
    "yd": "yd yard yards",
    "mi": "mi mile miles",
    "g": "g gram grams gm",
    "kg": "kg kilogram kilograms",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "s": "s sec second seconds",
    "min": "min minute minutes",
    "h": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "year years yr",
    "mph": "mph",
    "am": "am",
    "pm": "pm",
    "dollar": "dollar dollars",
    "cent": "cent cents",
    "degree": r"degree degrees deg ^\circ",
    "radian": "radian radians rad",
}
UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings.split()}
# Words that may stand behind a number without \text; single letters may not, which are symbols there.
_PLAIN = sorted((word for word in UNITS if len(word) > 1 and word.isalpha() and word not in ("in", "min")), key=len)
_SQUARE = r"(?:sq(?:uare|\.)?|cu(?:bic|\.)?)"
_POWER = r"(?:\s*\^\s*\{?[23]\}?)?"
_COUNTED = r"units?|ways?|points?|people|students?|integers?|digits?|edges?|multiples|meals?"
_BEHIND = re.compile(rf"(?<=[\d)}}\s])\s*(?:per\s+)?(?:{_SQUARE}\s+)?({'|'.join(_PLAIN[::-1])}|{_COUNTED}){_POWER}$")
_MARKED = re.compile(rf"\s*\\text\{{([^{{}}]*)\}}{_POWER}$")
_DEGREES = re.compile(r"\s*\^\\circ\s*(?:\\text\{\s*[CF]\s*\}|[CF])?$")
_ANGLE = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![a-zA-Z])")
_NUMBER = re.compile(r"\d|\\frac|\\sqrt|\\pi|[a-z]\s*$")


def without_unit(latex: str) -> tuple[str, str]:
    r"""A cleaned answer without its unit, and the unit as a key of `UNITS` has it; "" where it is none of them.

    >>> without_unit(r"5 \text{ inches}"), without_unit("90^\\circ "), without_unit(r"12\pi \text{ square feet}")
    (('5', 'in'), ('90', 'degree'), ('12\\pi', 'ft'))
    >>> without_unit("5 apples"), without_unit("3m")
    (('5 apples', ''), ('3m', ''))
    """
    latex = latex.strip()
    if (found := _DEGREES.search(latex)) and not _ANGLE.search(latex):
        return latex[: found.start()].strip(), "degree"
    found = _MARKED.search(latex) or _BEHIND.search(latex)
    if found is None or not _NUMBER.search(latex[: found.start()]) or "%" in found[0] or "percent" in found[0]:
        return latex, ""
    return latex[: found.start()].strip(), _unit(found[1])


def _unit(words: str) -> str:
    """The unit that words begin or end with, "square" and "per" aside."""
    plain = [word for word in re.findall(r"[A-Za-z]+", words.replace(".", "")) if not re.fullmatch(_SQUARE, word)]
    return UNITS.get(plain[0].casefold(), "") if plain else ""
