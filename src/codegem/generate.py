"""The protocol that every source of text fulfils: the engine here, a remote server, a test double.

A request says what is wanted in words that each of them understands, so it holds text and no token ids.
Chunks come back as they are made; the last one of a request says why it ended.

Example, with a source that knows one sentence:
    >>> class Parrot:
    ...     name = "parrot"
    ...     def generate(self, requests):
    ...         for index, _ in enumerate(requests):
    ...             yield Chunk(index, "hello ", 1)
    ...             yield Chunk(index, "again", 1, StopReason.STOP)
    >>> [output.text for output in outputs(Parrot(), [Request("Say it:")])]
    ['hello again']
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class StopReason(StrEnum):
    """Why a text ended: by itself or at a stop string, at `max_tokens`, or because nobody wants the rest."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Infill:
    """A hole to be filled: what stands before and after it, and what else may be looked at.

    Attributes:
        path: of the file with the hole, one line, relative to its repository.
        context: other files as (path, text), the nearest to the hole last.
    """

    prefix: str
    suffix: str = ""
    path: str | None = None
    context: tuple[tuple[str, str], ...] = ()


def never() -> bool:
    """The default of `Request.cancelled`."""
    return False


@dataclass(frozen=True)
class Request:
    """One text that is wanted.

    Attributes:
        prompt: a text to be continued, or a hole to be filled.
        max_tokens: at least 1.
        stop: the text ends before the first of these strings.
        temperature: 0 takes the likeliest token each time.
        top_p: sample from the likeliest tokens that together have this probability.
        seed: equal requests with equal seeds give equal texts from the engine.
        cancelled: asked while the work goes on. Once it is True, as another thread may make it, the text ends with
            `StopReason.CANCELLED`, within about the time of a token.
    """

    prompt: str | Infill
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    cancelled: Callable[[], bool] = field(default=never, compare=False)


@dataclass(frozen=True)
class Chunk:
    """The next part of the text of request `index`.

    Attributes:
        text: may be empty while it is open whether a stop string has begun.
        tokens: how many tokens were made for this chunk; the one that ends a text is not counted.
        stop_reason: only on the last chunk of a request.
    """

    index: int
    text: str
    tokens: int = 0
    stop_reason: StopReason | None = None


@dataclass(frozen=True)
class Output:
    """A whole text."""

    text: str
    tokens: int
    stop_reason: StopReason


class TextSource(Protocol):
    """Whatever turns requests into text."""

    @property
    def name(self) -> str:
        """What to call the model in a report."""
        ...

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        """Chunks of all requests, those of one request in their order; closing the iterator cancels.

        Raises:
            UserError: a request can't be met: a prompt that is too long, a temperature below 0.
        """
        ...


def finished(source: TextSource, requests: Sequence[Request]) -> Iterator[tuple[int, Output]]:
    """(index, whole text) of each request as soon as it is done, in any order: a source may work on several at once."""
    chunks: list[list[Chunk]] = [[] for _ in requests]
    for chunk in source.generate(requests):
        parts = chunks[chunk.index]
        parts.append(chunk)
        if chunk.stop_reason is not None:
            text = "".join(part.text for part in parts)
            yield chunk.index, Output(text, sum(part.tokens for part in parts), chunk.stop_reason)
            parts.clear()


def outputs(source: TextSource, requests: Sequence[Request]) -> Iterator[Output]:
    """Whole texts in the order of the requests, each as soon as it and those before it are done."""
    done: dict[int, Output] = {}
    following = 0
    for index, output in finished(source, requests):
        done[index] = output
        while following in done:
            yield done.pop(following)
            following += 1
