"""Brackets of a broken text: which kinds don't balance, and how well a repaired text's brackets fit its indentation."""

from collections import Counter

from codegem.assist.fix_code import Code

OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}


def imbalance(code: Code) -> dict[str, int]:
    """For each opener, how many more of it there are than of its closer: below 0 there are too few.

    >>> imbalance(Code(b"f(g(x)\\ny = [1, 2]]\\n", "a.py"))
    {'(': 1, '[': -1, '{': 0}
    """
    counts = Counter(_bracket(leaf.type) for leaf in code.leaves)
    return {opener: counts[opener] - counts[closer] for opener, closer in OPENERS.items()}


def misfits(code: Code) -> int:
    """How many brackets stand where people, who indent what is in them, would not put them.

    Closers at the beginning of a line that is indented otherwise than the line of their opener; braces that close an
    earlier line's and stand elsewhere; braces with nothing in them before lines that are indented. Of several places
    for a bracket the right one leaves the fewest.

    >>> texts = b"if (a) {\\n  b();\\n}\\n", b"if (a) {\\n  b();}\\n", b"if (a) {}\\n  b();\\n"
    >>> [misfits(Code(text, "a.js")) for text in texts]
    [0, 1, 1]
    """
    found, opened = 0, []
    for leaf in code.leaves:
        kind = _bracket(leaf.type)
        if kind in OPENERS:
            opened.append(leaf)
        elif kind and opened:
            opener = opened.pop()
            first, last = code.line_at(opener.start), code.line_at(leaf.start)
            if first != last:
                begins = code.text(last).lstrip().startswith(kind.encode())
                found += code.indentation(first) != code.indentation(last) if begins else kind == "}"
            elif kind == "}" and opener.end == leaf.start:
                found += _is_followed_by_a_block(code, last)
    return found


def _is_followed_by_a_block(code: Code, line: int) -> bool:
    below = range(line + 1, len(code.starts))
    following = next((found for each in below if (found := code.indentation(each)) is not None), 0)
    return following > (code.indentation(line) or 0)


def _bracket(kind: str) -> str:
    """The bracket in a token's type: `${` and `#[` open as well."""
    last = kind[-1:]
    return last if last in OPENERS or last in CLOSERS else ""
