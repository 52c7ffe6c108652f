"""How many lines there are, and white space at the end of them."""

from codegem.assist.place import Place
from codegem.assist.rules.rule import Cut, end, whole


def one_line(text: str, place: Place) -> Cut:
    """In the middle of a line or in a comment, the text ends with that line.

    At the end of a comment code may follow, which then begins a line of its own. Before code that begins a line,
    a line of its own may come. Before nothing but closing brackets, the text ends with the line that closes what
    it has opened.
    """
    first = text.find("\n")
    if first < 0:
        return whole(text)
    if place.one_line:
        return end(first)
    if place.lines == "auto" and place.in_the_middle and place.before.strip():
        return _until_closed(text, place)
    if place.lines == "auto" and place.in_the_middle:
        return _line_above_code(text, first, place)
    if place.lines == "auto" and place.in_comment and text[:first].strip():
        return end(first)
    return whole(text)


def whole_lines(text: str, place: Place) -> Cut:
    """A line after the first is shown when all of it is there: it may yet have to go."""
    last = text.rfind("\n") + 1
    return Cut(len(text), last or len(text))


def trailing_space(text: str, place: Place) -> Cut:
    """No white space ends the text at the end of a line, or before other white space; else it separates words."""
    body = len(text.rstrip())
    return Cut(len(text) if place.after.strip() and not place.after[0].isspace() else body, body)


def not_blank(text: str, place: Place) -> Cut:
    """White space alone is no suggestion."""
    return whole(text) if text.strip() else Cut(0, 0)


def _until_closed(text: str, place: Place) -> Cut:
    depths = place.lexer.depths(text, place.inside)
    at = -1
    for depth in depths[1:]:
        at = text.index("\n", at + 1)
        if depth <= 0:
            return end(at)
    return whole(text)


def _line_above_code(text: str, first: int, place: Place) -> Cut:
    """One line, its end, and the indentation of the code that now stands on the next."""
    last = first + 1
    if not text[:first].strip() or not (text[last:].startswith(place.before) or place.before.startswith(text[last:])):
        return end(first)
    at = min(last + len(place.before), len(text))
    return Cut(at, first, at == last + len(place.before))
