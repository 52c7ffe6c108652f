"""From the thread that makes texts to the loop that serves many clients, and back when a client is gone.

Chunks that have piled up while a client was written to come as one. A text is cancelled within a token when its client
disconnects, when whoever reads it stops, and when a rule says that nobody needs more of it.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from codegem.assist.completion import Plan, Settings, plan
from codegem.assist.context import Window
from codegem.generate import Chunk, Conversation, Infill, Request, StopReason
from codegem.server.failures import Stopping
from codegem.server.openapi import surface_of
from codegem.server.state import ServerState, Ticket

# Of so many characters a prompt is cut and encoded in a thread, so that others are answered meanwhile.
_LONG = 1 << 15


class Draft(Protocol):
    """What becomes of a text on its way; `assist.draft.Draft` is one."""

    @property
    def wants_more(self) -> bool: ...
    def push(self, text: str) -> str: ...
    def finish(self, reason: StopReason) -> str: ...


@dataclass(frozen=True)
class Drafted:
    """A request and a draft of the caller's own; a `Plan` is the same with assist's."""

    request: Request
    draft: Draft


@dataclass
class _Text:
    """One text while it is made."""

    request: Request
    draft: Draft | None
    ticket: Ticket | None = None
    first: float | None = None
    tokens: int = 0
    is_done: bool = False
    arrived: list[Chunk] = field(default_factory=list)


async def texts(
    state: ServerState, http_request: HttpRequest, *jobs: Request | Plan | Drafted
) -> AsyncGenerator[Chunk]:
    """Chunks of several texts as they are made; `chunk.index` says of which job, and the last of each has a reason.

    Args:
        jobs: requests, whose texts come as they are made, or plans, whose texts come as their drafts show them.

    Raises:
        UserError: a request can't be met. Nothing has come then.
        Busy: too many wait already; nothing has come.
        Stopping: the server is being stopped.
        ClientDisconnect: nobody is there any more.
    """
    works = [_Text(job, None) if isinstance(job, Request) else _Text(job.request, job.draft) for job in jobs]
    mail, started = _Mail(), time.perf_counter()
    surface = surface_of(http_request.scope)
    watch = asyncio.ensure_future(_gone(http_request))
    watch.add_done_callback(lambda _: mail.wake())
    try:
        for index, work in enumerate(works):
            await _submit(state, work, mail.box(index))
        while not all(work.is_done for work in works):
            for index, arrived in await mail.take():
                if isinstance(arrived, Exception):
                    raise arrived
                if not works[index].is_done:
                    works[index].arrived.append(arrived)
            if watch.done():
                raise ClientDisconnect
            for index, work in enumerate(works):
                if work.arrived:
                    yield _shown(state, index, work, started, surface)
    finally:
        watch.cancel()
        for work in works:
            if work.ticket:
                work.ticket.cancel()
                state.tickets.discard(work.ticket)


async def _submit(state: ServerState, work: _Text, listener: Callable[[Chunk | Exception], None]) -> None:
    if state.stopping:
        raise Stopping
    if _length(work.request.prompt) < _LONG:
        work.ticket = state.service.submit(work.request, listener)
    else:
        work.ticket = await asyncio.to_thread(state.service.submit, work.request, listener)
    state.tickets.add(work.ticket)
    if state.stopping:
        work.ticket.cancel()


def _shown(state: ServerState, index: int, work: _Text, started: float, surface: str) -> Chunk:
    """What has arrived of a text as one chunk, once its draft has seen it."""
    chunk, work.arrived = merged(index, work.arrived), []
    if work.first is None and chunk.tokens:
        work.first = time.perf_counter() - started
    work.tokens += chunk.tokens
    if chunk.stop_reason is StopReason.CANCELLED and state.stopping:
        raise Stopping
    if draft := work.draft:
        chunk = replace(chunk, text=draft.push(chunk.text))
        if not draft.wants_more:
            assert work.ticket
            work.ticket.cancel()
            chunk = replace(chunk, stop_reason=StopReason.STOP, usage=chunk.usage or work.ticket.usage)
        if chunk.stop_reason:
            chunk = replace(chunk, text=chunk.text + draft.finish(chunk.stop_reason))
    if chunk.stop_reason:
        work.is_done = True
        if state.metrics:
            whole = time.perf_counter() - started
            reason = chunk.stop_reason.value
            state.metrics.answered(surface, reason=reason, tokens=work.tokens, whole=whole, first_token=work.first)
    return chunk


def merged(index: int, chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of one text as one.

    >>> merged(0, [Chunk(0, "a", 1), Chunk(0, "b", 1, StopReason.STOP)]).text
    'ab'
    """
    if len(chunks) == 1:
        return replace(chunks[0], index=index) if chunks[0].index != index else chunks[0]
    probabilities = tuple(token for chunk in chunks for token in chunk.probabilities)
    text, tokens = "".join(chunk.text for chunk in chunks), sum(chunk.tokens for chunk in chunks)
    return Chunk(index, text, tokens, chunks[-1].stop_reason, probabilities, chunks[-1].usage)


class _Mail:
    """What other threads put in, taken out all at once."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self._items: deque[tuple[int, Chunk | Exception]] = deque()
        self._arrived = asyncio.Event()
        self._is_told = False

    def box(self, index: int) -> Callable[[Chunk | Exception], None]:
        """Where to put what belongs to a text, from any thread."""

        def put(item: Chunk | Exception) -> None:
            self._items.append((index, item))
            if not self._is_told:
                self._is_told = True
                with suppress(RuntimeError):  # the loop is closed: nobody is told any more
                    self._loop.call_soon_threadsafe(self._arrived.set)

        return put

    def wake(self) -> None:
        """Let `take` return, from the loop's own thread."""
        self._arrived.set()

    async def take(self) -> list[tuple[int, Chunk | Exception]]:
        """Everything that has come, as soon as something has, or nothing after `wake`."""
        await self._arrived.wait()
        self._arrived.clear()
        self._is_told = False  # before the items are taken, so that none is put in unnoticed
        return [self._items.popleft() for _ in range(len(self._items))]


async def _gone(http_request: HttpRequest) -> None:
    """Wait until the client disconnects; its body has been read."""
    while (await http_request.receive())["type"] != "http.disconnect":
        pass


def _length(prompt: str | Infill | Conversation) -> int:
    """How many characters there are to read."""
    if isinstance(prompt, str):
        return len(prompt)
    if isinstance(prompt, Conversation):
        return sum(len(turn.text) for turn in prompt.turns)
    return len(prompt.prefix) + len(prompt.suffix) + sum(len(text) for _, text in prompt.context)


async def whole(state: ServerState, http_request: HttpRequest, *jobs: Request | Plan | Drafted) -> list[Chunk]:
    """Each text as one chunk, once all are done; raises as `texts` does."""
    parts: list[list[Chunk]] = [[] for _ in jobs]
    async with aclosing(texts(state, http_request, *jobs)) as chunks:
        async for chunk in chunks:
            parts[chunk.index].append(chunk)
    return [merged(index, own) for index, own in enumerate(parts)]


async def planned(state: ServerState, infill: Infill, settings: Settings, window: Window | None = None) -> Plan:
    """How to fill a hole with this server's model; in a thread where there is much to cut."""
    window = window or state.window
    if _length(infill) < _LONG:
        return plan(infill, window, settings)
    return await asyncio.to_thread(plan, infill, window, settings)
