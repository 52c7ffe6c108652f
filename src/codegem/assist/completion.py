"""One suggestion at the cursor."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from codegem.assist.context import Window
from codegem.assist.postprocess import polish, single_line
from codegem.generate import Chunk, Infill, Request, StopReason, TextSource, never


@dataclass(frozen=True)
class Timings:
    """Seconds since the request: until the model's first token (None: there was none), and in all."""

    first_token: float | None
    total: float


@dataclass(frozen=True)
class Completion:
    """A suggestion.

    Attributes:
        text: to be put in at the cursor; empty when the model has nothing to add.
        tokens: how many the model made.
    """

    text: str
    stop_reason: StopReason
    tokens: int
    timings: Timings


@dataclass(frozen=True)
class Settings:
    """How to answer; `codegem.generate.Request` says what each means."""

    max_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


def complete(
    source: TextSource,
    window: Window,
    infill: Infill,
    settings: Settings = Settings(),
    on_text: Callable[[str], object] | None = None,
    cancelled: Callable[[], bool] = never,
) -> Completion:
    """Fill the hole and make the answer presentable.

    Args:
        on_text: gets each part of the model's text as it comes, before postprocessing; when it returns
            False the work ends and what came so far is the suggestion, with `stop_reason` cancelled.
        cancelled: as `codegem.generate.Request` has it: asked while the prompt is read as well.

    Raises:
        UserError: a setting is out of range, or leaves no room for the code.
    """
    started = time.perf_counter()
    request = Request(
        window.fit(infill, settings.max_tokens),
        max_tokens=settings.max_tokens,
        stop=("\n",) if single_line(infill.suffix) else (),
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
        cancelled=cancelled,
    )
    made: list[Chunk] = []
    first, reason = None, StopReason.CANCELLED
    with closing(source.generate([request])) as chunks:
        for chunk in chunks:
            made.append(chunk)
            if first is None and chunk.tokens:
                first = time.perf_counter() - started
            reason = chunk.stop_reason or reason
            if chunk.text and on_text and on_text(chunk.text) is False:
                break
    text = polish("".join(chunk.text for chunk in made), infill.suffix)
    tokens = sum(chunk.tokens for chunk in made)
    return Completion(text, reason, tokens, Timings(first, time.perf_counter() - started))
