"""A service that says what a test wants, when it wants it."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from codegem.errors import Busy
from codegem.generate import Chunk, Request, StopReason, Token, Usage
from codegem.inference.copies import CopyLimit
from codegem.text.tokenizer import ByteTokenizer, Tokenizer


@dataclass(eq=False)
class FakeTicket:
    """A text of the fake."""

    request: Request
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    made: int = 0
    usage: Usage = field(default_factory=lambda: Usage(7, 3, 0.0, 0.1, 0.2))

    def cancel(self) -> None:
        self.cancelled.set()


class FakeService:
    """Fulfils `server.state.TextService`.

    Args:
        answer: the words of an answer, one token each; a word may be an exception, which is what ends the text.
        endless: whether it begins again after the last word, until `max_tokens`.
        most: how many texts it takes at once.
        copies: what its texts may repeat of a corpus, as an engine holds them to it.

    Attributes:
        gate: closed, a text waits before each of its words.
        tickets: of all requests, in their order.
    """

    name = "fake"
    context_length = 4096

    def __init__(
        self,
        answer: Iterable[str | Exception] = ("hello ", "again"),
        *,
        endless: bool = False,
        most: int = 64,
        copies: CopyLimit | None = None,
    ):
        self.answer, self.endless, self.most, self.copies = list(answer), endless, most, copies
        self.tokenizer: Tokenizer = ByteTokenizer()
        self.gate = threading.Event()
        self.gate.set()
        self.tickets: list[FakeTicket] = []
        self.is_warm = False

    def submit(self, request: Request, listener: Callable[[Chunk | Exception], object]) -> FakeTicket:
        if sum(not ticket.ended.is_set() for ticket in self.tickets) >= self.most:
            raise Busy("Too many requests wait already; ask again in a moment.")
        ticket = FakeTicket(request)
        self.tickets.append(ticket)
        threading.Thread(target=self._write, args=(ticket, listener), daemon=True).start()
        return ticket

    def warm(self) -> None:
        """Remember that it was asked to."""
        self.is_warm = True

    def stats(self) -> object:
        return {}

    def close(self) -> None:
        """Nothing to be ended."""

    def _write(self, ticket: FakeTicket, listener: Callable[[Chunk | Exception], object]) -> None:
        try:
            listener(self._last(ticket, listener))
        except Exception as error:
            listener(error)
        finally:
            ticket.ended.set()

    def _last(self, ticket: FakeTicket, listener: Callable[[Chunk | Exception], object]) -> Chunk:
        words, request = list(self.answer), ticket.request
        guard = self.copies.guard() if self.copies else None
        while True:
            if not words and self.endless:
                words = list(self.answer)
            if not words or ticket.made == request.max_tokens:
                reason = StopReason.LENGTH if words else StopReason.STOP
                return Chunk(0, "", 0, reason, usage=ticket.usage)
            self.gate.wait(10)
            if ticket.cancelled.is_set():
                return Chunk(0, "", 0, StopReason.CANCELLED, usage=ticket.usage)
            word = words.pop(0)
            if isinstance(word, Exception):
                raise word
            ticket.made += 1
            likely = () if request.probabilities is None else (Token(word, -0.5, (("other", -1.0),)),)
            shown = guard.push(word) if guard else word
            if guard and guard.found:
                return Chunk(0, shown, 1, StopReason.COPIED, usage=ticket.usage)
            listener(Chunk(0, shown, 1, None, likely))
