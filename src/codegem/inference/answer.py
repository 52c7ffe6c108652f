"""The text of one answer while its tokens come."""

from codegem.generate import Chunk, Request, StopReason
from codegem.inference.stop_strings import StopStrings
from codegem.text.tokenizer import Detokenizer, Tokenizer


class Answer:
    """Tokens of one request in, its chunks out.

    Attributes:
        made: how many tokens came.
    """

    def __init__(self, index: int, request: Request, tokenizer: Tokenizer):
        self.made = 0
        self._index, self._max_tokens = index, request.max_tokens
        self._text, self._stops = Detokenizer(tokenizer), StopStrings(request.stop)

    def push(self, token: int) -> Chunk:
        """The chunk of one token; it is the last one if a stop string was found."""
        self.made += 1
        text = self._stops.push(self._text.push(token))
        return Chunk(self._index, text, 1, StopReason.STOP if self._stops.found else None)

    def end(self, reason: StopReason | None = None) -> Chunk:
        """The last chunk, where no stop string was found; by default it says whether `max_tokens` came.

        Bytes of an unfinished character are left out: half a character is of no use to anybody.
        """
        if reason is None:
            reason = StopReason.LENGTH if self.made == self._max_tokens else StopReason.STOP
        return Chunk(self._index, self._stops.flush(), 0, reason)

    def nothing(self) -> Chunk:
        """What comes of a pass that made no token: whoever reads can end the work there."""
        return Chunk(self._index, "")
