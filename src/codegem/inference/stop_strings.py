"""Noticing where a stop string begins, in text that comes in parts."""

from collections.abc import Sequence

from codegem.errors import UserError


class StopStrings:
    """Cuts a stream of text before the first stop string, also where it spans several tokens.

    Text that may be the beginning of a stop string is held back until that is decided.

    >>> stream = StopStrings(["\\n\\n"])
    >>> [stream.push(text) for text in ("a = 1", "\\n", "b\\n", "\\nc")], stream.found
    (['a = 1', '', '\\nb', ''], True)
    """

    def __init__(self, strings: Sequence[str]):
        if "" in strings:
            raise UserError("A stop string is empty; leave it out to stop nowhere.")
        self._strings = tuple(strings)
        self._held = ""
        self.found = False

    def push(self, text: str) -> str:
        """The text that is now sure to stand before any stop string."""
        text, self._held = self._held + text, ""
        starts = [at for at in map(text.find, self._strings) if at >= 0]
        if starts:
            self.found = True
            return text[: min(starts)]
        sure = len(text) - max((_overlap(text, string) for string in self._strings), default=0)
        self._held = text[sure:]
        return text[:sure]

    def flush(self) -> str:
        """What was held back, once it is known that no more text comes."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, string: str) -> int:
    """How long an end of `text` is the beginning, but not the whole, of `string`."""
    longest = min(len(text), len(string) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(string[:size])), 0)
