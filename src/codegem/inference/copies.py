"""Ending a text before it repeats more of one source than is allowed.

An index of a corpus (`data.tracing`) finds what of a text stands in a file of it. Here such runs are held to a limit
while a text is written, so that nobody is ever shown more, in a stream or whole: what was shown is never taken back.

Only what the model wrote counts. Somebody who has a file of the corpus open and types on continues a copy that is
theirs already, and what the model adds to it is counted from zero. (Telling of copies is another matter: there a run
that begins before the cursor is a copy too, `assist.attribution`.)

Tokens are the index's (`data.tracing.tokens`), whatever the model's own are. A text ends before the first of them that
is one too many. Looking costs little: no run can be longer than what was written since it was last known how long one
may be, so a text of 64 tokens is looked up once or twice under a limit of 50.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from codegem.data.tracing.tokens import spans
from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.data.tracing.index import Copy, TraceIndex


_PARTS = re.compile(r"[a-z]{1,6}|[A-Z]{1,6}|[0-9]|[!-/:-@[-`{-\x7f]{1,3}")


@dataclass(frozen=True)
class CopyLimit:
    """How much of one source a text may repeat.

    Args:
        index: of the corpus.
        most: tokens of the index. It can't be lower than those that the index calls a copy.

    Raises:
        UserError: it is lower.
    """

    index: "TraceIndex"
    most: int

    def __post_init__(self) -> None:
        if self.most < self.index.least:
            raise UserError(
                f"The longest copy may have {self.most} tokens; it must be at least {self.index.least}, as this index "
                "finds no shorter ones."
            )

    def guard(self) -> "Guard":
        """For one text."""
        return Guard(self)


class Guard:
    """One text under a limit: its parts in, a token or a few each, and out what of them is allowed.

    Attributes:
        found: the copy that ended the text; None as long as there is none.
    """

    def __init__(self, limit: CopyLimit):
        self.found: Copy | None = None
        self._index, self._most = limit.index, limit.most
        self._text = ""  # what a copy that is too long may reach into
        self._run, self._counted = 0, 0  # how long a run that ends with the `_counted`-th token of it may be
        self._room = limit.most  # tokens that may come before it has to be looked at

    def push(self, text: str) -> str:
        """Take the next part of the text; gives what may be shown of it."""
        if self.found:
            return ""
        before = len(self._text)
        self._text += text
        self._room -= at_most(text)
        if self._room >= 0 or (cut := self._look()) is None:
            return text
        return text[: max(0, cut - before)]

    def _look(self) -> int | None:
        """Before which character of `_text` the text has to end; None where it may go on."""
        tokens = spans(self._text)
        longest = self._run + len(tokens) - self._counted
        if longest > self._most:
            copies = self._index.find(self._text, self._index.least)
            if (cut := self._cut(copies, tokens[:, 0])) is not None:
                return cut
            longest = self._longest(copies, tokens)
        self._room = max(0, self._most - longest)
        self._run, self._counted = longest, min(len(tokens), self._most)
        self._text = self._text[int(tokens[-self._counted, 0]) :] if self._counted else ""
        return None

    def _cut(self, copies: "list[Copy]", starts: Int[np.ndarray, "T"]) -> int | None:
        """Before which character the first copy that is too long has to end."""
        cuts = []
        for copy in copies:
            own = starts[(copy.start <= starts) & (starts < copy.end)]
            if len(own) > self._most:
                cuts.append((int(own[self._most]), copy))
        if not cuts:
            return None
        cut, self.found = min(cuts, key=lambda found: found[0])
        return cut

    def _longest(self, copies: "list[Copy]", tokens: Int[np.ndarray, "T 2"]) -> int:
        """How long a run may be that ends with the text.

        As a copy there, or beside a longer one that the index tells of instead; or too short for it to tell.
        """
        letters = np.cumsum((tokens[:, 1] - tokens[:, 0])[::-1])
        short = max(self._index.least - 1, int(np.searchsorted(letters, self._index.certain)))
        near = int(tokens[-min(len(tokens), self._index.least), 0])
        return max([short, *(copy.tokens for copy in copies if copy.end > near)])


def at_most(text: str) -> int:
    """How many tokens of the index a part of a text makes at most; `spans` takes its time.

    >>> len(spans("readLines(fd, 42)")), at_most("readLines(fd, 42)")
    (8, 9)
    """
    return len(_PARTS.findall(text)) if text.isascii() else len(text.encode("utf-8", "replace"))
