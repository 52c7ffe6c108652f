"""What a client wants written, from the words of its protocol: a hole filled by the rules, or a text continued."""

from dataclasses import asdict, replace
from typing import Any

from codegem.assist.completion import Plan, Settings
from codegem.generate import Infill, Request
from codegem.server import live
from codegem.server.state import ServerState
from codegem.text.fim_text import parse_prompt

_SHARE = 4
_REQUEST = ("max_tokens", "temperature", "top_p", "top_k", "seed", "stop", "probabilities")


def hole_of(prompt: str, suffix: str | None = None, **rest: Any) -> str | Infill:
    """A hole, where there is one: before a suffix, or as a prompt lays it out (`text.fim_text`).

    Args:
        rest: `path` and `context` of a hole before a suffix.

    >>> hole_of("x = ", "\\n"), hole_of("x = ")
    (Infill(prefix='x = ', suffix='\\n', path=None, context=()), 'x = ')
    """
    if suffix is not None:
        return Infill(prompt, suffix, **rest)
    found = parse_prompt(prompt)
    return Infill(**asdict(found)) if found else prompt


async def job(state: ServerState, prompt: str | Infill, settings: Settings) -> Request | Plan:
    """What to ask for: a hole is cut to what the model reads, a text must fit as it is.

    What fills a hole gets a quarter of what the model holds at most: clients ask for hundreds of tokens without knowing
    the model, and with a small one nothing of the code would be left.

    Raises:
        UserError: a setting is out of range.
    """
    hole = hole_of(prompt) if isinstance(prompt, str) else prompt
    if not isinstance(hole, Infill):
        return plain(hole, settings)
    longest = min(settings.max_tokens, max(1, state.window.length // _SHARE))
    return await live.planned(state, hole, replace(settings, max_tokens=longest))


def plain(prompt: str | Infill, settings: Settings) -> Request:
    """A request as it stands, without any rules."""
    return Request(prompt, **{name: getattr(settings, name) for name in _REQUEST})
