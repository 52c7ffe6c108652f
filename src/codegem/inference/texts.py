"""One text from its request to its last chunk, wherever it is worked on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from codegem.generate import Chunk, StopReason, Token, never
from codegem.inference.answer import Answer, joined
from codegem.inference.sampling import Sampler


@dataclass(eq=False)
class Text:
    """A prompt and its answer. It may be given up at any token and gone on with elsewhere: `read` is all that counts.

    Attributes:
        answer: gets the tokens as they are known; None once its last chunk was made.
        tell: gets the chunks, and last an exception if that ended the text.
        begin: what is left of the string that the answer must begin with.
        likeliest: how many tokens are named beside each one; None asks for no probabilities.
        made: tokens of the answer.
        stopped_by: the stop id that ended it, which is none of `made`.
        judged: of the tokens that come next, if they are looked at.
        unread: about how many tokens of the prompt have to be computed.
        filled: positions of its row that hold keys and values, or will once all that was asked for is done.
        asked: how many tokens of the answer were asked for.
        row: which it has, from when its prompt begins to be read until its last token was asked for.
    """

    prompt: list[int]
    max_tokens: int
    sampler: Sampler
    answer: Answer | None
    tell: Callable[[Chunk | Exception], object]
    cancelled: Callable[[], bool] = never
    stop_ids: frozenset[int] = frozenset()
    begin: bytes = b""
    likeliest: int | None = None
    made: list[int] = field(default_factory=list)
    stopped_by: int | None = None
    judged: Token | None = None
    unread: int = 0
    filled: int = 0
    asked: int = 0
    row: int | None = None

    @property
    def positions(self) -> int:
        """How many there are at most."""
        return len(self.prompt) + self.max_tokens

    @property
    def read(self) -> list[int]:
        """What the model has read when it makes the next token."""
        return self.prompt + self.made

    @property
    def left(self) -> int:
        """Tokens that may still come."""
        return self.max_tokens - len(self.made)

    @property
    def is_looked_at(self) -> bool:
        """Whether the host has to see the logits of the next token."""
        return self.likeliest is not None or bool(self.begin)

    def begins(self, cached: int) -> None:
        """Its prompt begins to be read, of which so many tokens are at hand."""
        if self.answer and not self.answer.began:
            self.answer.began, self.answer.cached = time.perf_counter(), cached

    def push(self, tokens: Sequence[int]) -> None:
        """Tokens that follow, told of in one chunk; what comes after the end is left out."""
        chunks: list[Chunk] = []
        for token in tokens:
            if not self.answer:
                break
            if token in self.stop_ids:
                self.stopped_by = token
                break
            self.made.append(token)
            chunks.append(self.answer.push(token, self.judged))
            if chunks[-1].stop_reason or not self.left:
                break
        answer, is_whole = self.answer, len(chunks) < len(tokens) or not self.left
        if chunks and chunks[-1].stop_reason:
            self.answer = None
        if answer and chunks:
            self.tell(joined(chunks))
        if is_whole:
            self.end()

    def nothing(self) -> None:
        """Tell of a pass that made no token: whoever reads can end the work there."""
        if self.answer:
            self.tell(self.answer.nothing())

    def end(self, reason: StopReason | None = None) -> None:
        """Tell of the last chunk; by default it says whether `max_tokens` came."""
        answer, self.answer = self.answer, None
        if answer:
            self.tell(answer.end(reason))

    def fail(self, error: Exception) -> None:
        """Tell of what ended it."""
        answer, self.answer = self.answer, None
        if answer:
            self.tell(error)
