"""From what a model wrote to what a person wants to see: one function for each rule.

A rule takes the suggestion and the text right of the cursor, and gives the suggestion to be shown.
"""

_OPENERS, _CLOSERS = "([{", ")]}"


def single_line(suffix: str) -> bool:
    """Whether one line is wanted: the cursor stands in the middle of a line.

    >>> single_line(")\\nnext"), single_line("  \\nnext")
    (True, False)
    """
    return bool(suffix.partition("\n")[0].strip())


def polish(text: str, suffix: str) -> str:
    """All rules, in their order."""
    for rule in (first_line_only, without_suffix_overlap, without_trailing_space, nothing_for_blank):
        text = rule(text, suffix)
    return text


def first_line_only(text: str, suffix: str) -> str:
    """In the middle of a line, the suggestion ends with that line."""
    return text.partition("\n")[0] if single_line(suffix) else text


def without_suffix_overlap(text: str, suffix: str) -> str:
    """Drop the longest end of the suggestion that repeats the beginning of what follows.

    White space around the overlap does not hide it. What only looks like a repetition stays: a part of a
    name, or a bracket that closes what the suggestion itself opened.

    >>> without_suffix_overlap("a, b)", ")\\n"), without_suffix_overlap("f(a)", ")\\n")
    ('a, b', 'f(a)')
    """
    body, following = text.rstrip(), suffix.strip()
    for size in range(min(len(body), len(following)), 0, -1):
        kept = body[: len(body) - size]
        if body.endswith(following[:size]) and _is_repetition(kept, following, size):
            # The line break before the overlap is in the suffix already, if the suffix begins with one.
            return kept.rstrip() if suffix[:1].isspace() else kept
    return text


def without_trailing_space(text: str, suffix: str) -> str:
    """At the end of a line, drop white space at the end of the suggestion; elsewhere it separates words."""
    at_end = not suffix or suffix[0] == "\n"
    return text.rstrip() if at_end else text


def nothing_for_blank(text: str, suffix: str) -> str:
    """White space alone is no suggestion."""
    return text if text.strip() else ""


def _is_repetition(kept: str, following: str, size: int) -> bool:
    inside_a_name = _joined(kept[-1:], following[:1]) or _joined(following[size - 1], following[size : size + 1])
    return not inside_a_name and _unclosed(kept) <= _unclosed(kept + following[:size])


def _joined(left: str, right: str) -> bool:
    return (left.isalnum() or left == "_") and (right.isalnum() or right == "_")


def _unclosed(text: str) -> int:
    """How many brackets are open at the end of `text`."""
    depth = 0
    for character in text:
        if character in _OPENERS:
            depth += 1
        elif character in _CLOSERS:
            depth = max(0, depth - 1)
    return depth
