"""llama.cpp's `n_indent`: a text ends before the first of its further lines that is indented by less."""

from codegem.generate import StopReason
from codegem.server.live import Draft

_TAB = 8  # columns; llama.vim counts a tab as wide as the editor shows it, and no editor shows it wider


class Indented:
    """A draft that is shown lines of some indentation only; empty lines pass.

    Args:
        draft: what becomes of the text otherwise.
        columns: that each line after the first must be indented by.

    Example:
        >>> from codegem.assist.draft import Draft
        >>> from codegem.assist.place import Place
        >>> draft = Indented(Draft(Place("    "), rules=False), 4)
        >>> [draft.push(part) for part in ("a\\n", "\\n    b", "\\n  c")], draft.wants_more
        (['a', '\\n\\n    b', ''], False)
    """

    def __init__(self, draft: Draft, columns: int):
        self._draft, self._columns = draft, columns
        self._held, self._is_done = "", False

    @property
    def wants_more(self) -> bool:
        """False once a line came that is indented by less, or the draft itself has enough."""
        return not self._is_done and self._draft.wants_more

    def push(self, text: str) -> str:
        """Take the next part; gives what is sure to be shown."""
        if self._is_done:
            return ""
        text, self._held = self._held + text, ""
        at = text.find("\n")
        while at >= 0:
            line = text[at:].lstrip("\n \t")
            begin = text.rfind("\n", at, len(text) - len(line)) + 1
            if not line:
                self._held = text[at:]
                return self._draft.push(text[:at])
            if _columns(text[begin : len(text) - len(line)]) < self._columns:
                self._is_done = True
                return self._draft.push(text[:at])
            at = text.find("\n", len(text) - len(line))
        return self._draft.push(text)

    def finish(self, reason: StopReason) -> str:
        """The rest."""
        held = "" if self._is_done else self._held
        return (self._draft.push(held) if held else "") + self._draft.finish(reason)


def _columns(space: str) -> int:
    """How wide white space at the beginning of a line is at most.

    >>> _columns("  "), _columns("\\t ")
    (2, 9)
    """
    return sum(_TAB if character == "\t" else 1 for character in space)
