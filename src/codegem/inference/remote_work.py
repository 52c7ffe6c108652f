"""Several requests with a server at once: threads that ask, one consumer that watches over them.

Whoever reads the chunks looks after the exchanges as well: it cuts those that stand still and those whose request is
cancelled, so that a thread which waits for a server is never waited for.
"""

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress

from codegem.errors import SourceError, UserError
from codegem.generate import Chunk, Request, StopReason
from codegem.inference.remote_http import Exchange, Lost

_LOOK = 0.05  # seconds between two looks at the exchanges, while nothing comes
_AHEAD = 256  # chunks that wait to be read
_LOST_IN_A_ROW = 8  # then the server is taken to be gone
_REFUSED_IN_A_ROW = 100  # then it is taken to refuse whatever is asked, if it answered nothing before
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_WRONG_FOR_ALL = (401, 403, 404)

Answer = Callable[[int, Request, Exchange], Iterator[Chunk]]


def back_off(attempt: int, lost: Lost) -> float:
    """Seconds to wait before attempt number `attempt` + 1: what the server asks for, or twice as long each time."""
    return max(lost.wait, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt) * random.uniform(0.8, 1.2))


class Work:
    """The requests of one call of `generate`.

    Args:
        answer: the chunks of one request over one exchange; raises `Lost`.
        connect: makes an exchange.
        told: a reason for people.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        answer: Answer,
        connect: Callable[[], Exchange],
        told: Callable[[Lost], str],
        parallel: int,
        retries: int,
    ):
        self._requests, self._answer, self._connect, self._told = requests, answer, connect, told
        self._retries = retries
        self._waiting = iter(range(len(requests)))
        self._chunks: queue.Queue[Chunk] = queue.Queue(_AHEAD)
        self._lock = threading.Lock()
        self._active: dict[int, Exchange] = {}
        self._stopped = threading.Event()
        self._failed: dict[int, str] = {}
        self._answered = self._lost_in_a_row = self._refused = 0
        self._fatal: Exception | None = None
        threads = min(parallel, len(requests))
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def chunks(self) -> Iterator[Chunk]:
        """Chunks of all requests as they come.

        Raises:
            UserError: the server refuses every request.
            SourceError: some requests were lost.
        """
        for thread in self._threads:
            thread.start()
        working = True
        while working or not self._chunks.empty():
            working = not self._stopped.is_set() and any(thread.is_alive() for thread in self._threads)
            self._look_after()
            with suppress(queue.Empty):
                yield self._chunks.get(timeout=_LOOK if working else 0)
        if self._fatal:
            raise self._fatal
        if self._failed:
            raise SourceError(self._sentence(), self._failed, self._gone)

    def stop(self) -> None:
        """End whatever is still under way; threads are not waited for."""
        self._stopped.set()
        with self._lock:
            for exchange in self._active.values():
                exchange.cut("nobody wants the answer any more")

    @property
    def _gone(self) -> bool:
        return self._lost_in_a_row >= _LOST_IN_A_ROW

    def _look_after(self) -> None:
        with self._lock:
            active = list(self._active.items())
        for index, exchange in active:
            if self._requests[index].cancelled():
                exchange.cut("it was cancelled")
            elif exchange.overdue:
                exchange.cut(f"nothing came for {exchange.silence:g} seconds")

    def _run(self) -> None:
        """What one thread does."""
        while not self._stopped.is_set():
            with self._lock:
                index = next(self._waiting, None)
            if index is None:
                break
            try:
                self._ask(index)
            except Lost as lost:
                self._lose(index, lost)
            except Exception as error:  # a mistake of ours, or of `cancelled`: told where the chunks are read
                self._fatal = error
                self.stop()

    def _ask(self, index: int) -> None:
        """One request, tried again while what hinders it may pass and nothing of its text was given away."""
        request = self._requests[index]
        for attempt in range(self._retries + 1):
            given = False
            try:
                for chunk in self._try(index, request):
                    given = given or bool(chunk.text or chunk.tokens)
                    self._put(chunk)
                with self._lock:
                    self._answered, self._lost_in_a_row = self._answered + 1, 0
                return
            except Lost as lost:
                if request.cancelled():
                    break
                if given or not lost.passing or attempt == self._retries:
                    raise
                if not self._wait(back_off(attempt, lost), request):
                    break
        if not self._stopped.is_set():
            self._put(Chunk(index, "", 0, StopReason.CANCELLED))

    def _try(self, index: int, request: Request) -> Iterator[Chunk]:
        if request.cancelled():
            raise Lost("it was cancelled")
        with closing(self._connect()) as exchange:
            with self._lock:
                if self._stopped.is_set():
                    raise Lost("nobody wants the answer any more")
                self._active[index] = exchange
            try:
                for chunk in self._answer(index, request, exchange):
                    if request.cancelled():
                        raise Lost("it was cancelled")
                    yield chunk
            finally:
                with self._lock:
                    del self._active[index]

    def _wait(self, seconds: float, request: Request) -> bool:
        """Whether the answer is still wanted after a while."""
        until = time.monotonic() + seconds
        while not request.cancelled() and not self._stopped.is_set():
            if (rest := until - time.monotonic()) <= 0:
                return True
            self._stopped.wait(min(rest, _LOOK))
        return False

    def _lose(self, index: int, lost: Lost) -> None:
        if self._stopped.is_set():
            return
        with self._lock:
            self._failed[index] = self._told(lost)
            # That one prompt is refused, as one that is too long, says nothing of the server.
            self._refused += lost.status == 400
            self._lost_in_a_row += lost.status != 400
            gone = self._gone or (not self._answered and self._refused >= _REFUSED_IN_A_ROW)
        if lost.status in _WRONG_FOR_ALL:
            self._fatal = UserError(self._told(lost))
        if gone or self._fatal:
            self.stop()

    def _put(self, chunk: Chunk) -> None:
        """Hand a chunk over, while somebody reads."""
        while not self._stopped.is_set():
            with suppress(queue.Full):
                return self._chunks.put(chunk, timeout=_LOOK)

    def _sentence(self) -> str:
        first = next(iter(self._failed.values()))
        total = len(self._requests)
        left = f"{total - self._answered} of {total} answers did not come"
        return f"{first.rstrip('.')}; {left}. The same command again goes on with them."
