"""What a place in a line of code looks to be, by that line alone."""

import re

COMMENT = re.compile(r"^\s*(?:#|//|/\*|\*|;|--|<!--|%|\.\. |:|@|\\)")


def in_text(line: str, position: int) -> bool:
    """Whether a place in a line of code looks to be in a string or a comment, by what stands before it in the line.

    >>> in_text("call(x)  # +1", 12), in_text("x = '+1'", 5), in_text("x = a +1", 6)
    (True, True, False)
    """
    before = line[:position]
    if COMMENT.match(before) or "#" in before or "//" in before or "/*" in before:
        return True
    return any(before.count(quote) % 2 for quote in "\"'`")
