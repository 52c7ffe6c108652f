"""Batches that wait on the device before a step asks for them."""

import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from codegem.train.step import Batch


class BatchIterator(Protocol):
    """Batches without end, and the place in them as plain values; `batches.training_batches` makes one."""

    def __next__(self) -> Batch: ...

    def get_state(self) -> Any: ...

    def set_state(self, state: Any, /) -> None: ...


class _Fed(NamedTuple):
    batch: Batch | None
    state: Any
    error: BaseException | None


class Feed:
    """Takes batches from an iterator and places them on the device, in a thread, a few ahead.

    >>> feed = Feed(training_batches(source, 2, seed=0), jax.device_put)       # doctest: +SKIP
    >>> batch = next(feed)                                                     # doctest: +SKIP
    >>> feed.get_state(); feed.close()                                         # doctest: +SKIP
    """

    def __init__(self, batches: BatchIterator, place: Callable[[Batch], Batch], ahead: int = 2):
        self._batches, self._place = batches, place
        self._state = batches.get_state()
        self._ready: queue.SimpleQueue[_Fed] = queue.SimpleQueue()
        self._room = threading.Semaphore(ahead)
        self._closed = False
        self._thread = threading.Thread(target=self._fill, name="batches", daemon=True)
        self._thread.start()

    def __next__(self) -> Batch:
        """The next batch; an error of the thread is raised here."""
        fed = self._ready.get()
        if fed.error is not None:
            raise fed.error
        self._room.release()
        self._state = fed.state
        assert fed.batch is not None
        return fed.batch

    def get_state(self) -> Any:
        """The iterator's state after the batch that was taken last."""
        return self._state

    def close(self) -> None:
        """End the thread; batches that nobody took are dropped."""
        self._closed = True
        self._room.release()
        self._thread.join()

    def _fill(self) -> None:
        try:
            while self._room.acquire() and not self._closed:
                batch = self._place(next(self._batches))
                self._ready.put(_Fed(batch, self._batches.get_state(), None))
        except BaseException as error:
            self._ready.put(_Fed(None, None, error))
