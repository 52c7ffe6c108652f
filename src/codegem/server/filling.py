"""From a prompt in Ollama's or Mistral's words to what is asked of the model, within the window that a client wants."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from codegem.assist.completion import Plan, Settings
from codegem.assist.context import Window
from codegem.generate import Infill, Request
from codegem.server import live
from codegem.server.holes import hole_of, plain
from codegem.server.state import ServerState

T = TypeVar("T")

_LONG = 1 << 15  # characters
_SPARE = 64  # tokens of path, special tokens and a cut that makes more of a word
_CHARACTERS_A_TOKEN = 32  # and more, no real code has
_SHARE = 4


async def job(
    state: ServerState, prompt: str, suffix: str | None, settings: Settings, window: Window | None = None
) -> Request | Plan:
    """What to ask. Code and text are cut far from the cursor where the window does not hold them.

    Args:
        prompt: what stands before the hole, or a text; it may lay a hole out with fill-in-the-middle tokens.
        suffix: what stands behind the hole; None where there is none.
        window: how much of the model's own may be used; default all.

    Raises:
        UserError: no room is left for any code.
    """
    window, hole = window or state.window, hole_of(prompt, suffix)
    if isinstance(hole, Infill):
        return await live.planned(state, hole, settings, window)
    return plain(await in_thread(len(prompt), window.fit_text, prompt, settings.max_tokens), settings)


async def room_for(window: Window, asked: int, prompt: str) -> int:
    """How long an answer may become: as asked, but no longer than what the prompt leaves of the window.

    A quarter of the window it may always have, and the prompt is cut for that.

    Args:
        asked: tokens; below 0 as many as there is room for.
        prompt: all that stands before and behind the cursor.
    """
    least = window.length // _SHARE
    if 0 <= asked <= least:
        return asked
    left = 0
    if len(prompt) <= _CHARACTERS_A_TOKEN * window.length:
        left = window.length - _SPARE - await in_thread(len(prompt), window.count, "", prompt)
    return max(least, left) if asked < 0 else min(asked, max(least, left))


async def in_thread(size: int, work: Callable[..., T], *arguments: Any) -> T:
    """Do something here, or in a thread where there is much of it, so that others are answered meanwhile.

    Args:
        size: characters that are to be encoded.
    """
    return work(*arguments) if size < _LONG else await asyncio.to_thread(work, *arguments)
