"""Brackets on lines of their own, put where the indentation says that a block begins or ends."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from codegem.assist.fix_brackets import OPENERS
from codegem.assist.fix_code import Code, Patch

_FAR = 60  # lines above one that are looked at for an indentation


def closing_lines(code: Code, uneven: dict[str, int]) -> Iterator[Patch]:
    """Closers on a line of their own where the indentation stays or falls, wherever in the file."""
    wanted = [OPENERS[opener] for opener, count in uneven.items() if count > 0]
    if not wanted:
        return
    texts = [*wanted, *(["})", "});"] if {"}", ")"} <= set(wanted) else [])]
    for above, below in pairwise([*_filled(code), len(code.starts) - 1]):
        over, under = code.indentation(above) or 0, code.indentation(below) or 0
        if over >= under:
            end = len(code.data[: code.span(above)[1]].rstrip())
            for indent in _indents(code, above, below):
                for text in texts:
                    yield Patch(end, end, b"\n" + indent + text.encode(), "bracket")


def opening_lines(code: Code, uneven: dict[str, int]) -> Iterator[Patch]:
    """Openers behind lines after which the indentation rises, wherever in the file; in the file's own style."""
    style = Counter(code.text(line).strip() == b"{" for line in _filled(code) if code.text(line).rstrip()[-1:] == b"{")
    for opener, count in uneven.items():
        if count < 0:
            for above, below in pairwise(_filled(code)):
                if (code.indentation(below) or 0) > (code.indentation(above) or 0):
                    end = len(code.data[: code.span(above)[1]].rstrip())
                    own_line = b"\n" + _indent(code, above) + opener.encode()
                    inline = b" " + opener.encode()
                    both = (own_line, inline) if style[True] > style[False] else (inline, own_line)
                    for text in both[: 2 if opener == "{" else 1]:
                        yield Patch(end, end, text, "bracket")


def stray_lines(code: Code) -> Iterator[Patch]:
    """Lines of nothing but closers, taken out."""
    for line in _filled(code):
        if not code.text(line).strip(b" \t\r)]};,"):
            start, end = code.span(line)
            yield Patch(start, min(end + 1, len(code.data)), b"", "stray")


def unclosed(text: bytes) -> bytes:
    """What closes the brackets that a text leaves open.

    >>> unclosed(b"def get(self, a=[1"), unclosed(b"f(x)")
    (b'])', b'')
    """
    waiting: list[str] = []
    for character in text.decode(errors="replace"):
        if character in OPENERS:
            waiting.append(OPENERS[character])
        elif waiting and character == waiting[-1]:
            waiting.pop()
    return "".join(reversed(waiting)).encode()


def _filled(code: Code) -> list[int]:
    return [line for line in range(len(code.starts)) if code.text(line).strip()]


def _indents(code: Code, above: int, below: int) -> list[bytes]:
    """How a closer between two lines may be indented: as the one below, or as lines above that stand further out."""
    found = {_indent(code, below)}
    level, least = code.indentation(above) or 0, code.indentation(below) or 0
    for line in range(above, max(-1, above - _FAR), -1):
        indentation = code.indentation(line)
        if indentation is not None and indentation < level:
            level = indentation
            if level < least:
                break
            found.add(_indent(code, line))
    return sorted(found, key=len, reverse=True)


def _indent(code: Code, line: int) -> bytes:
    text = code.text(line)
    return text[: len(text) - len(text.lstrip())]
