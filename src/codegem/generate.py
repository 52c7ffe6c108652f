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

from codegem.text.chat import Turn


class StopReason(StrEnum):
    """Why a text ended.

    By itself or at a stop string; at `max_tokens`; because nobody wants the rest; or because more of it would repeat
    more of one source than is allowed (`inference.copies`).
    """

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    COPIED = "copied"


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


@dataclass(frozen=True)
class Conversation:
    """Turns that end with a question, to be answered; `text.chat` says what a system message becomes."""

    turns: tuple[Turn, ...]


def never() -> bool:
    """The default of `Request.cancelled`."""
    return False


@dataclass(frozen=True)
class Request:
    """One text that is wanted.

    Attributes:
        prompt: a text to be continued, a hole to be filled, or a conversation to go on with.
        max_tokens: 0 only reads the prompt, so that the next request which begins alike need not: when nothing else is
            to be done, and given up as soon as there is.
        stop: the text ends before the first of these strings.
        temperature: 0 takes the likeliest token each time.
        top_p: sample from the likeliest tokens that together have this probability.
        top_k: sample from so many of the likeliest tokens; 0 from all.
        seed: equal requests with equal seeds give equal texts from the engine.
        cancelled: asked while the work goes on. Once it is True, as another thread may make it, the text ends with
            `StopReason.CANCELLED`, within about the time of a token.
        begin: what the text must begin with, such as the rest of a word; it is no part of the text that comes back.
        probabilities: how many of the likeliest tokens are named for each token, besides the one that was taken; None
            asks for no probabilities.
    """

    prompt: str | Infill | Conversation
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    cancelled: Callable[[], bool] = field(default=never, compare=False)
    top_k: int = 0
    begin: str = ""
    probabilities: int | None = None


@dataclass(frozen=True)
class Token:
    """How likely a token of an answer was.

    Attributes:
        logprob: natural logarithm of its probability at temperature 1.
        likeliest: other tokens at its place and their logarithms, the likeliest first.
    """

    text: str
    logprob: float
    likeliest: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Usage:
    """What a text took.

    Attributes:
        prompt_tokens: in all, and `cached_tokens` those of them that were at hand from an earlier request.
        waiting: seconds until its prompt began to be read.
        reading: seconds from then to the first token.
        writing: seconds from then to the last.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    waiting: float = 0.0
    reading: float = 0.0
    writing: float = 0.0


@dataclass(frozen=True)
class Chunk:
    """The next part of the text of request `index`.

    Attributes:
        text: may be empty while it is open whether a stop string has begun.
        tokens: how many tokens were made for this chunk; the one that ends a text is not counted.
        stop_reason: only on the last chunk of a request.
        probabilities: of the tokens of this chunk, if they were asked for.
        usage: on the last chunk, from a source that knows.
    """

    index: int
    text: str
    tokens: int = 0
    stop_reason: StopReason | None = None
    probabilities: tuple[Token, ...] = ()
    usage: Usage | None = None


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
