"""Work that may take only so long: past its time the caller goes on without it."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Bounded(Generic[Question, Answer]):
    """A function with a thread of its own, so that nobody waits for it longer than he wants.

    It works on one question at a time. Questions that come meanwhile get no answer: work that hangs costs its own
    answers and nobody's time. What it raises is no answer either.

    Args:
        work: the function; it must keep to nobody's thread but its own.
    """

    def __init__(self, name: str, work: Callable[[Question], Answer]):
        self._name, self._work = name, work
        self._wake = threading.Condition()
        self._job: _Job[Question, Answer] | None = None
        self._thread: threading.Thread | None = None
        self._ended = False
        self.failures = 0

    def start(self, question: Question) -> "_Job[Question, Answer] | None":
        """Begin; None while it works on another question, and when it has been ended."""
        with self._wake:
            if self._job is not None or self._ended:
                return None
            self._job = job = _Job(question)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
                self._thread.start()
            self._wake.notify()
        return job

    def end(self) -> None:
        """Ask no more; the thread ends with the question that it has."""
        with self._wake:
            self._ended = True
            self._wake.notify()

    def _serve(self) -> None:
        while True:
            with self._wake:
                while self._job is None and not self._ended:
                    self._wake.wait()
                job = self._job
                if job is None:
                    return
            try:
                job.answer = self._work(job.question)
            except Exception:
                self.failures += 1
            with self._wake:
                self._job = None
            job.done.set()


class _Job(Generic[Question, Answer]):
    """A question under way."""

    def __init__(self, question: Question):
        self.question = question
        self.answer: Answer | None = None
        self.done = threading.Event()

    def wait(self, seconds: float) -> Answer | None:
        """The answer, or None where there is none in time."""
        return self.answer if self.done.wait(max(0.0, seconds)) else None
