"""One engine for everybody who asks: requests from any thread, worked on by a thread of their own.

A server has many connections, a language server many cancelled requests, and an engine is one. So a single thread
owns it, and everybody else submits requests and is told of chunks.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from queue import SimpleQueue

from codegem.errors import Busy, UserError
from codegem.generate import Chunk, Request, Usage
from codegem.inference.answer import Answer
from codegem.inference.engine import Engine
from codegem.inference.stats import Stats, Tally
from codegem.text.tokenizer import Tokenizer

Listener = Callable[[Chunk | Exception], object]
_GIVING_WAY = 0.02  # seconds between two looks whether there is time for a preparation


class Ticket:
    """A text that was asked for."""

    def __init__(self, asked: Callable[[], bool]):
        self._asked, self._is_cancelled = asked, False
        self._answer: Answer | None = None

    def cancel(self) -> None:
        """End the text within a token; its listener still gets a last chunk. From any thread, however often."""
        self._is_cancelled = True

    @property
    def usage(self) -> Usage:
        """What the text took so far."""
        return self._answer.usage if self._answer else Usage()

    def _cancelled(self) -> bool:
        try:
            self._is_cancelled = self._is_cancelled or self._asked()
        except Exception:  # whoever asks like this gets no text
            self._is_cancelled = True
        return self._is_cancelled


class Service:
    """Fulfils `codegem.generate.TextSource`, from any thread, at any time.

    Args:
        waiting: how many texts may wait for their turn.

    Example:
        >>> service = Service(codegem.load("nano").engine)                          # doctest: +SKIP
        >>> ticket = service.submit(Request("def add(a, b):"), print)               # doctest: +SKIP
        >>> ticket.cancel()                                                         # doctest: +SKIP
    """

    def __init__(self, engine: Engine, *, waiting: int = 64):
        self.engine = engine
        self._limit = waiting
        self._scheduler = engine.scheduler(interactive=True)
        self._changed = threading.Condition()
        self._is_closed = False
        self._tally = Tally()
        self._warming: threading.Thread | None = None
        self._thread = threading.Thread(target=self._work, name="codegem-engine", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """What to call the model in a report."""
        return self.engine.name

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's vocabulary."""
        return self.engine.tokenizer

    @property
    def context_length(self) -> int:
        """How many tokens a prompt and its answer may have together."""
        return self.engine.context_length

    def submit(self, request: Request, listener: Listener) -> Ticket:
        """Ask for a text.

        Args:
            listener: called with each chunk by the thread that makes them, so it must be quick; last with one that
                has a `stop_reason`, or with the exception that ended the text.

        Raises:
            UserError: the request can't be met.
            Busy: too many wait already.
        """
        return self._submit(0, request, listener)

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        """Chunks of each request; `TextSource` says the rest.

        Of more requests than may wait some are asked for when others are done.
        """
        chunks: SimpleQueue[Chunk | Exception] = SimpleQueue()
        coming, tickets = deque(enumerate(requests)), dict[int, Ticket]()
        try:
            while coming or tickets:
                while coming and (len(tickets) < self._limit or not tickets):
                    index, request = coming[0]
                    try:
                        tickets[index] = self._submit(index, request, chunks.put)
                    except Busy:
                        if not tickets:
                            raise
                        break
                    coming.popleft()
                chunk = chunks.get()
                if isinstance(chunk, Exception):
                    raise chunk
                if chunk.stop_reason:
                    del tickets[chunk.index]
                yield chunk
        finally:
            for ticket in tickets.values():
                ticket.cancel()

    def stats(self) -> Stats:
        """How it stands now."""
        waiting, kept = self._scheduler.waiting, self.engine.shared.kept
        return self._tally.stats(waiting, rows=self._scheduler.rows, slots=len(kept.slots), slot_bytes=kept.size)

    def warm(self) -> threading.Thread:
        """Begin to compile what requests will need, in a thread of its own that gives way to them; returns at once.

        Returns:
            The thread, for those who want to wait for it.
        """
        if not self._warming:
            self._warming = threading.Thread(target=self._prepare, name="codegem-warming", daemon=True)
            self._warming.start()
        return self._warming

    def close(self) -> None:
        """Cancel what is left, and end the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        if self._warming:
            self._warming.join()

    def _submit(self, index: int, request: Request, listener: Listener) -> Ticket:
        ticket = Ticket(request.cancelled)
        tell = partial(self._tell, ticket, listener)
        text = self.engine.text(index, replace(request, cancelled=ticket._cancelled), tell)
        with self._changed:
            if self._is_closed:
                raise UserError("The service is closed; it takes no more requests.")
            if self._scheduler.waiting >= self._limit:
                self._tally.refused += 1
                raise Busy(f"{self._limit} requests are waiting already, which is the limit; ask again in a moment.")
            ticket._answer = text.answer
            self._tally.begun += 1
            self._scheduler.submit(text)
            self._changed.notify()
        return ticket

    def _tell(self, ticket: Ticket, listener: Listener, told: Chunk | Exception) -> None:
        """Pass on what became of a text. A listener that fails wants no more, and nobody else is to suffer."""
        self._tally.count(told)
        if isinstance(told, Chunk) and not (told.tokens or told.text or told.stop_reason):
            return
        try:
            listener(told)
        except Exception:
            ticket.cancel()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or not self._scheduler.is_idle)
                if self._is_closed:
                    break
            try:
                self._scheduler.round()
            except Exception as error:
                self._scheduler.end_all(error)
        self._scheduler.end_all()

    def _prepare(self) -> None:
        for job in self._scheduler.preparations(self.context_length):
            while not self._is_closed and not self._scheduler.is_idle:
                time.sleep(_GIVING_WAY)
            if self._is_closed:
                return
            with suppress(Exception):  # whoever needs the program will be told
                job()
