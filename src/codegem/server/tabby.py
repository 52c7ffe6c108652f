"""Tabby's API: completions of segments, its health and its settings; what becomes of suggestions is in `events`.

Tabby's completions share their path with OpenAI's, so `server.openai` hands over what has `segments`.
"""

import os
import platform
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

import codegem
from codegem.assist.completion import Settings
from codegem.assist.snippets import Kind, Snippet, arrange
from codegem.errors import UserError
from codegem.generate import Infill
from codegem.server import bodies, filling, live, schema
from codegem.server.openapi import described
from codegem.server.sampling import SEED, TEMPERATURE, sampling
from codegem.server.state import ServerState
from codegem.server.streams import Json
from codegem.server.tracing import COPIES, TRACE, Tracing

_MOST_SNIPPETS = 256
_MOST_TOKENS = 64
_SNIPPETS = schema.items(
    schema.record(
        {"filepath": schema.text(), "body": schema.text(), "score": schema.number()}, required=("filepath", "body")
    ),
    most=_MOST_SNIPPETS,
)
BODY = schema.record(
    {
        "language": schema.text("As VS Code names it."),
        "segments": schema.record(
            {
                "prefix": schema.text(),
                "suffix": schema.text(default=""),
                "filepath": schema.text("Relative to the repository."),
                "git_url": schema.text("Read, and without effect."),
                "declarations": _SNIPPETS,
                "relevant_snippets_from_changed_files": _SNIPPETS,
                "relevant_snippets_from_recently_opened_files": _SNIPPETS,
                "clipboard": schema.text("Read, and without effect."),
            },
            required=("prefix",),
        ),
        "temperature": TEMPERATURE,
        "seed": SEED,
        "trace": TRACE,
        "mode": schema.text("Only standard.", default="standard"),
        "user": schema.text("Read, and without effect."),
        "debug_options": schema.record({"return_prompt": schema.flag(), "return_snippets": schema.flag()}),
    },
    required=("segments",),
)
ANSWER = schema.record(
    {
        "id": schema.text("By which events tell what became of it."),
        "choices": schema.items(schema.record({"index": schema.whole(0), "text": schema.text(), **COPIES})),
        "debug_data": schema.anything(),
    },
    required=("id", "choices"),
)
_HEALTH = schema.record(
    {
        **{name: schema.text() for name in ("model", "chat_model", "device", "arch", "cpu_info")},
        "cpu_count": schema.whole(1), "cuda_devices": schema.items(schema.text()), "version": schema.record({}),
    },
    required=("device", "arch", "cpu_info", "cpu_count", "cuda_devices", "version"),
)  # fmt: skip
_NAMES = schema.items(schema.text())


def routes(state: ServerState) -> list[BaseRoute]:
    """`/v1/health`, `/v1beta/server_setting` and `/v1beta/models`."""

    @described("The model and the machine", "tabby", answer=_HEALTH)
    async def health(http_request: HttpRequest) -> Response:
        if http_request.method == "POST":  # as clients of 0.2 ask
            await bodies.read_bytes(http_request)
        return Json(_health(state))

    @described(
        "What clients should do", "tabby", answer=schema.record({"disable_client_side_telemetry": schema.flag()})
    )
    async def setting(http_request: HttpRequest) -> Response:
        return Json({"disable_client_side_telemetry": True})

    @described("The models by what they do", "tabby", answer=schema.record({"completion": _NAMES, "chat": _NAMES}))
    async def models(http_request: HttpRequest) -> Response:
        return Json({"completion": [state.name], "chat": [state.name] if state.can_chat else []})

    return [
        Route("/v1/health", health, methods=["GET", "POST"]),
        Route("/v1beta/server_setting", setting),
        Route("/v1beta/models", models),
    ]


async def complete(state: ServerState, http_request: HttpRequest, sent: Mapping[str, Any]) -> Response:
    """Fill the hole between two segments.

    Args:
        sent: the body of the request.

    Raises:
        UserError: it does not fit, or asks for another mode than the standard one.
    """
    http_request.scope["codegem.surface"] = "tabby"
    body = schema.check(sent, BODY)
    if body["mode"] != "standard":
        raise UserError(f"mode is {body['mode'][:40]!r}; the model fills holes, which is mode standard.")
    segments = body["segments"]
    others = snippets(segments)
    size = sum(len(other.text) for other in others)
    context = await filling.in_thread(size, arrange, others, state.window)
    infill = Infill(segments["prefix"], segments["suffix"], one_line(segments.get("filepath")), context)
    plan = await live.planned(state, infill, Settings(max_tokens=_MOST_TOKENS, **sampling(body)))
    traced = Tracing(state, body, [plan])
    [chunk] = await live.whole(state, http_request, plan)
    choice = {"index": 0, "text": chunk.text, **await traced.fields(chunk)}
    answer: dict[str, Any] = {"id": f"cmpl-{secrets.token_hex(12)}", "choices": [choice]}
    if state.acceptance and chunk.text:
        state.acceptance.offered(answer["id"], chunk.text, client="tabby", language=body.get("language", ""))
    return Json(answer | _debug(body.get("debug_options", {}), context))


def snippets(segments: Mapping[str, Any]) -> list[Snippet]:
    """What a client sends of other files, each from the kind of place that it has in a prompt.

    Declarations are signatures of what is used; the best of recently opened files stand before the best of changed
    ones, which are nearer to what is typed.

    >>> snippets({"declarations": [{"filepath": "b.py", "body": "def f(): ..."}]})
    [Snippet(path='b.py', text='def f(): ...', kind='signatures', score=0.0)]
    """
    kinds: tuple[tuple[str, Kind], ...] = (
        ("declarations", "signatures"),
        ("relevant_snippets_from_recently_opened_files", "similar"),
        ("relevant_snippets_from_changed_files", "edits"),
    )
    return [
        Snippet(one_line(each["filepath"]) or "", each["body"], kind, each.get("score", 0.0))
        for name, kind in kinds
        for each in segments.get(name, ())
    ]


def one_line(path: str | None) -> str | None:
    """A path as a prompt may have it; of a file outside the repository, which has a URI, its name alone.

    >>> one_line("src/a.py"), one_line("file:///usr/lib/python3/typing.py"), one_line("")
    ('src/a.py', 'typing.py', None)
    """
    if path and "://" in path:
        path = path.rpartition("/")[2]
    return " ".join((path or "").splitlines()) or None


def _debug(options: Mapping[str, Any], context: Sequence[tuple[str, str]]) -> dict[str, Any]:
    if not options.get("return_snippets"):
        return {}
    return {"debug_data": {"snippets": [{"filepath": path, "body": text, "score": 0.0} for path, text in context]}}


def _health(state: ServerState) -> dict[str, Any]:
    return {
        "model": state.name,
        **({"chat_model": state.name} if state.can_chat else {}),
        "device": "cpu",
        "arch": platform.machine() or "unknown",
        "cpu_info": platform.processor() or platform.machine() or "unknown",
        "cpu_count": os.cpu_count() or 1,
        "cuda_devices": [],
        "version": {
            "build_date": "",
            "build_timestamp": "",
            "git_sha": "",
            "git_describe": f"codegem-{codegem.__version__}",
        },
    }
