"""White space put right, from the beginning of the text on.

These rules change the text, the others only shorten it. What they make of a text begins what they make of every text
that goes on from it, if it does not end with spaces or tabs.
"""

import re
from collections.abc import Callable

from codegem.assist.lexer import indentation
from codegem.assist.place import Place

Respelling = Callable[[str, Place], str]

_INDENTED = re.compile(r"(?<=\n)[ \t]+(?=\S)")
_OPENS_BLOCK = re.compile(r".*[:{(\[]\s*")


def line_ends(text: str, place: Place) -> str:
    """Every line ends with "\\n" here; the file's own line ends come at last."""
    return text.replace("\r\n", "\n").replace("\r", "")


def leading_space(text: str, place: Place) -> str:
    """Behind a space the text does not begin with another one.

    >>> leading_space(" 1", Place("x = ", ""))
    '1'
    """
    doubled = place.before[-1:].isspace() and place.before.strip() and not place.inside
    return text.lstrip(" \t") if doubled else text


def first_indentation(text: str, place: Place) -> str:
    """The first line is not indented once more than it is by the white space left of the cursor.

    In Python the first line of a block is indented if the cursor stands too far left.

    >>> first_indentation("    return a", Place("def f(a):\\n    ", "", "a.py"))
    'return a'
    >>> first_indentation("return a", Place("def f(a):\\n", "", "a.py"))
    '    return a'
    """
    code = text.lstrip(" \t")
    if place.before.strip() or not place.above or not code or code[0] == "\n" or place.inside:
        return text
    above = place.above[0]
    opens = bool(_OPENS_BLOCK.fullmatch(above))
    expected = indentation(above) + (place.step if opens else 0)
    had, has = indentation(place.before + "."), indentation(place.before + text)
    if place.before and has > had and has > expected:
        return code
    missing = place.language == "python" and above.rstrip().endswith(":") and has <= indentation(above)
    if missing and not place.missing and code[0] != "#":
        return _spaces(expected - had, place) + code
    return text


def tabs_or_spaces(text: str, place: Place) -> str:
    """Lines are indented as the file's are: with tabs alone, or with spaces alone.

    >>> tabs_or_spaces("if a:\\n    b", Place("def f(a):\\n\\tc(a)\\n\\t", "\\n"))
    'if a:\\n\\tb'
    """
    if place.indented_with == "\t" and (first := re.search(r"(?<=\n) +(?=\S)", text)):
        step = next((size for size in (4, 2) if len(first[0]) % size == 0), len(first[0]))
        return _INDENTED.sub(lambda found: _tabs(found[0], step), text)
    if place.indented_with == " " and "\n\t" in text and "\t" not in place.before:
        return _INDENTED.sub(lambda found: found[0].replace("\t", " " * place.step), text)
    return text


def blank_lines(text: str, place: Place) -> str:
    """No more blank lines in a row than two; none before the text where the cursor's line and the one above are blank.

    >>> blank_lines("\\n\\n\\n\\nx = 1", Place("a = 1", "\\n"))
    '\\n\\n\\nx = 1'
    """
    if place.inside and not place.in_comment:
        return text
    body = text.lstrip("\n \t")
    if not body:
        return ""
    lead = text[: len(text) - len(body)]
    if "\n" in lead:
        indent = lead.rpartition("\n")[2]
        breaks = min(lead.count("\n"), _allowed(place, indent))
        lead = "\n" * breaks + indent if breaks or indent != place.before else ""
    return lead + re.sub(r"\n(?:[ \t]*\n){3,}", "\n\n\n", body)


def _allowed(place: Place, indent: str) -> int:
    """Line breaks that the text may begin with."""
    if place.before.strip():
        return 3
    if place.before:
        return 0 if place.before == indent else 1
    lines_above = place.prefix[-3:]
    return 2 - (len(lines_above) - len(lines_above.rstrip("\n")) - 1) if lines_above.strip("\n") else 0


def _tabs(indent: str, step: int) -> str:
    tabs, spaces = divmod(len(indent.expandtabs(step)), step)
    return "\t" * tabs + " " * spaces


def _spaces(columns: int, place: Place) -> str:
    return "\t" * (columns // 4 or 1) if place.indented_with == "\t" else " " * columns
