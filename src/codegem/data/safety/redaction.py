"""Placeholders in the place of what was found, so that the code around them still parses.

They are those of StarCoder (arXiv 2305.06161, section 4): `<KEY>`, `<PASSWORD>`, `<EMAIL>` and `<NAME>`, and
`<PHONE>` in the same manner; IP addresses become private ones. A string stays a string and a comment a comment.
Where angle brackets would be markup, in text between JSX tags, the word stands alone.
"""

from collections.abc import Sequence

from codegem.data.safety.lines import in_text
from codegem.data.safety.rules import PLACEHOLDERS, Span
from codegem.text.languages import extension_of

PRIVATE_KEY = f"<{PLACEHOLDERS['private key']}>"
_MARKUP = frozenset((".js", ".jsx", ".mjs", ".cjs", ".tsx"))


class Redactor:
    """Replaces spans in the lines of one file; the same address becomes the same address throughout."""

    def __init__(self, path: str) -> None:
        self._may_be_markup = extension_of(path) in _MARKUP
        self._addresses: dict[str, str] = {}

    def line(self, line: str, spans: Sequence[Span]) -> str:
        """A line with its spans, sorted and apart from each other, replaced."""
        parts, position = [], 0
        for span in spans:
            parts += [line[position : span.start], self._placeholder(line, span)]
            position = span.end
        return "".join([*parts, line[position:]])

    def _placeholder(self, line: str, span: Span) -> str:
        if span.kind == "ip address":
            return self._address(line[span.start : span.end])
        word = PLACEHOLDERS[span.kind]
        in_brackets = line[: span.start].endswith("<") and line[span.end :].startswith(">")
        if in_brackets or (self._may_be_markup and not in_text(line, span.start)):
            return word
        return f"<{word}>"

    def _address(self, address: str) -> str:
        number = len(self._addresses) + 1
        private = f"fd00::{number:x}" if ":" in address else f"10.0.{number // 256 % 256}.{number % 256}"
        return self._addresses.setdefault(address.lower(), private)


def merge(spans: Sequence[Span]) -> list[Span]:
    """Spans in order and apart from each other; of those that overlap the first, or else the longer, gives the kind.

    >>> merge([Span(4, 9, "secret", "entropy"), Span(0, 6, "password", "url"), Span(12, 13, "name", "todo")])
    [Span(start=0, end=9, kind='password', rule='url'), Span(start=12, end=13, kind='name', rule='todo')]
    """
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.kind, span.rule)):
        if merged and span.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(span.end, merged[-1].end))
        else:
            merged.append(span)
    return merged
