"""Requests to stop: SIGINT and SIGTERM, noticed at once whatever the main thread is at."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one ends the process at once, with 128 + its number.

    Python calls a handler between two instructions of the main thread, and that thread may be inside a compilation
    or a write for minutes. The number of a signal therefore also goes through a socket (`signal.set_wakeup_fd`) to a
    thread that waits for nothing else. Outside the main thread no signals can be taken, and the event stays unset.

    >>> with stop_requests() as stop:
    ...     while not stop.is_set():
    ...         signal.raise_signal(signal.SIGTERM)  # somebody else, during a step
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    ours, pythons = socket.socketpair()
    pythons.setblocking(False)
    watcher = threading.Thread(target=_watch, args=(ours, stop), name="signals", daemon=True)
    watcher.start()
    descriptor = signal.set_wakeup_fd(pythons.fileno(), warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(descriptor)
        pythons.close()
        watcher.join()
        ours.close()


def _watch(numbers: socket.socket, stop: threading.Event) -> None:
    """Set the event at the first signal, end the process at the second. A checkpoint is whole or not there."""
    asked = False
    while received := numbers.recv(64):
        for number in received:
            if number not in _SIGNALS:
                continue
            if asked:
                os.write(2, b"codegem: stopped at once; the run goes on from its last checkpoint.\n")
                os._exit(128 + number)
            asked = True
            stop.set()
