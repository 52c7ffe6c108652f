"""The text of one answer while its tokens come."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from codegem.generate import Chunk, Request, StopReason, Token, Usage
from codegem.inference.stop_strings import StopStrings
from codegem.text.tokenizer import Detokenizer, Tokenizer

if TYPE_CHECKING:
    from codegem.inference.copies import Guard


class Answer:
    """Tokens of one request in, its chunks out.

    Args:
        prompt_tokens: for the `usage`.
        guard: against copies that are longer than allowed; None lets all text through.

    Attributes:
        made: how many tokens came.
        began: when its prompt began to be read, and 0 before.
        cached: tokens of the prompt that were at hand then.
    """

    def __init__(
        self, index: int, request: Request, tokenizer: Tokenizer, prompt_tokens: int = 0, guard: "Guard | None" = None
    ):
        self.made = 0
        self.began = 0.0
        self.cached = 0
        self._prompt_tokens = prompt_tokens
        self._asked, self._first, self._last = time.perf_counter(), 0.0, 0.0
        self._index, self._max_tokens = index, request.max_tokens
        self._hidden = len(request.begin)  # characters that are asked for and no part of the answer
        self._text, self._stops, self._guard = Detokenizer(tokenizer), StopStrings(request.stop), guard

    @property
    def usage(self) -> Usage:
        """What it took so far."""
        now = time.perf_counter()
        began = self.began or now
        first = max(began, self._first or now)
        return Usage(self._prompt_tokens, self.cached, began - self._asked, first - began, max(0.0, self._last - first))

    def push(self, token: int, judged: Token | None = None) -> Chunk:
        """The chunk of one token; it is the last one if a stop string was found, or a copy that is too long.

        Args:
            judged: how likely it was, if that was asked for.
        """
        self.made += 1
        self._last = time.perf_counter()
        self._first = self._first or self._last
        text = self._text.push(token)
        if self._hidden:
            text, judged = self._uncover(text, judged)
        text = self._stops.push(text)
        if self._guard:
            text = self._guard.push(text)
            if self._guard.found:
                return Chunk(self._index, text, 1, StopReason.COPIED, usage=self.usage)
        if not judged:
            if not self._stops.found:
                return Chunk(self._index, text, 1)
            return Chunk(self._index, text, 1, StopReason.STOP, usage=self.usage)
        reason, usage = (StopReason.STOP, self.usage) if self._stops.found else (None, None)
        return Chunk(self._index, text, 1, reason, (judged,), usage)

    def end(self, reason: StopReason | None = None) -> Chunk:
        """The last chunk, where no stop string was found; by default it says whether `max_tokens` came.

        Bytes of an unfinished character are left out: half a character is of no use to anybody.
        """
        if reason is None:
            reason = StopReason.LENGTH if self.made == self._max_tokens else StopReason.STOP
        text = self._stops.flush()
        if self._guard:
            text = self._guard.push(text)
            reason = StopReason.COPIED if self._guard.found else reason
        return Chunk(self._index, text, 0, reason, usage=self.usage)

    def nothing(self) -> Chunk:
        """What comes of a pass that made no token: whoever reads can end the work there."""
        return Chunk(self._index, "")

    def _uncover(self, text: str, judged: Token | None) -> tuple[str, Token | None]:
        """What of a token lies behind the beginning that was asked for."""
        shown = text[self._hidden :]
        self._hidden = max(0, self._hidden - len(text))
        if self._hidden or not shown:
            judged = None
        return shown, judged and Token(shown, judged.logprob, judged.likeliest)


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of one request that follow each other, as one."""
    if len(chunks) == 1:
        return chunks[0]
    last = chunks[-1]
    judged = tuple(token for chunk in chunks for token in chunk.probabilities)
    text, tokens = "".join(chunk.text for chunk in chunks), sum(chunk.tokens for chunk in chunks)
    return Chunk(last.index, text, tokens, last.stop_reason, judged, last.usage)
