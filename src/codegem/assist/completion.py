"""One suggestion at the cursor."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codegem.assist.attribution import copies_in
from codegem.assist.context import Window
from codegem.assist.draft import Draft
from codegem.assist.place import Lines, Place
from codegem.generate import Chunk, Infill, Request, StopReason, TextSource, Usage, never

if TYPE_CHECKING:
    from codegem.data.tracing.index import Copy, TraceIndex


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
        usage: from a source that knows.
        copies: what of the text stands in a corpus, where there was an index of one.
    """

    text: str
    stop_reason: StopReason
    tokens: int
    timings: Timings
    usage: Usage | None = None
    copies: "tuple[Copy, ...]" = ()


@dataclass(frozen=True)
class Settings:
    """How to answer; `codegem.generate.Request` says what each means that stands there too.

    Attributes:
        lines: how many may be shown: "one", "many", or as the place says ("auto").
        rules: whether the rules hold (docs/ASSIST.md); without them the model's text is shown as it is.
        heal: whether the word that the cursor stands in is written anew from its beginning, which is forced: its parts
            may be other tokens than the whole. By default where the rules hold.
        seconds: once there is a whole line, the text ends so long after its beginning; None never.
    """

    max_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    top_k: int = 0
    stop: tuple[str, ...] = ()
    lines: Lines = "auto"
    rules: bool = True
    heal: bool | None = None
    seconds: float | None = None
    probabilities: int | None = None


@dataclass(frozen=True)
class Plan:
    """What to ask a source for, and what becomes of its answer.

    A driver hands the text of each chunk to `draft.push` and shows what that gives; it cancels the request when
    `draft.wants_more` is False, and shows what `draft.finish` gives at last.
    """

    request: Request
    draft: Draft


def plan(
    infill: Infill, window: Window, settings: Settings = Settings(), cancelled: Callable[[], bool] = never
) -> Plan:
    """How to fill a hole.

    Args:
        cancelled: as `codegem.generate.Request` has it: asked while the prompt is read as well.

    Raises:
        UserError: a setting is out of range, or leaves no room for the code.
    """
    infill = _with_one_line_paths(infill)
    draft = draft_for(infill, settings)
    ends = ("\n",) if settings.rules and draft.place.one_line else ()
    begin = draft.place.word if (settings.rules if settings.heal is None else settings.heal) else ""
    if settings.rules:
        infill = replace(infill, prefix=draft.place.prefix, suffix=draft.place.suffix)
    request = Request(
        window.fit(replace(infill, prefix=infill.prefix.removesuffix(begin)), settings.max_tokens),
        max_tokens=settings.max_tokens,
        stop=(*settings.stop, *ends),
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
        cancelled=cancelled,
        top_k=settings.top_k,
        begin=begin,
        probabilities=settings.probabilities,
    )
    return Plan(request, draft)


def draft_for(infill: Infill, settings: Settings = Settings()) -> Draft:
    """An empty draft for a hole; it writes the line ends that the file has."""
    line_end = "\r\n" if settings.rules and "\r\n" in infill.prefix + infill.suffix else "\n"
    place = Place.of(infill, settings.lines)
    return Draft(place, rules=settings.rules, line_end=line_end, seconds=settings.seconds)


def _with_one_line_paths(infill: Infill) -> Infill:
    """A path takes one line of a prompt, whatever the system allows in a file's name."""
    path = infill.path and " ".join(infill.path.splitlines())
    return replace(
        infill, path=path, context=tuple((" ".join(name.splitlines()), text) for name, text in infill.context)
    )


def complete(
    source: TextSource,
    window: Window,
    infill: Infill,
    settings: Settings = Settings(),
    on_text: Callable[[str], object] | None = None,
    cancelled: Callable[[], bool] = never,
    index: "TraceIndex | None" = None,
) -> Completion:
    """Fill the hole and make the answer presentable.

    Args:
        on_text: gets each part of the suggestion as soon as it is sure to be shown, all of them together are its
            text; when it returns False the work ends and what came so far is the suggestion, with `stop_reason`
            cancelled.
        cancelled: as `codegem.generate.Request` has it: asked while the prompt is read as well.
        index: of a corpus that copies are looked for in.

    Raises:
        UserError: a setting is out of range, or leaves no room for the code.
    """
    started = time.perf_counter()
    planned = plan(infill, window, settings, cancelled)
    made: list[Chunk] = []
    first, reason = None, None
    draft = planned.draft
    with closing(source.generate([planned.request])) as chunks:
        for chunk in chunks:
            made.append(chunk)
            if first is None and chunk.tokens:
                first = time.perf_counter() - started
            reason = chunk.stop_reason
            part = draft.push(chunk.text)
            if part and on_text and on_text(part) is False:
                reason = StopReason.CANCELLED
                break
            if not draft.wants_more:
                reason = reason or StopReason.STOP
                break
    heard = on_text if reason is not StopReason.CANCELLED else None
    reason = reason or StopReason.CANCELLED
    rest = draft.finish(reason)
    if rest and heard:
        heard(rest)
    tokens, usage = sum(chunk.tokens for chunk in made), made[-1].usage if made else None
    copies = copies_in(draft.text, index, infill) if index else ()
    return Completion(draft.text, reason, tokens, Timings(first, time.perf_counter() - started), usage, copies)
