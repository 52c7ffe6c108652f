"""The web page at `/`: what it shows of the model, and holes filled with everything that can be told of it."""

import math
import time
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.assist.chat import require_chat
from codegem.assist.completion import Plan, Settings, plan
from codegem.errors import UserError
from codegem.generate import Chunk, Infill, Token
from codegem.server import bodies
from codegem.server.live import texts
from codegem.server.ollama import greeting
from codegem.server.openapi import described
from codegem.server.pages import Page
from codegem.server.schema import flag, items, number, record, text, whole
from codegem.server.state import ServerState, TextService
from codegem.server.streams import Stream, dumps
from codegem.server.tabby import one_line
from codegem.server.tracing import TRACE, Tracing
from codegem.text import fim
from codegem.text.tokenizer import NAMES, Tokenizer

_HOLE = {
    "prefix": text("what stands before the cursor", default=""),
    "suffix": text("what stands after it", default=""),
    "path": text("of the file, relative to its repository", most=4096),
    "context": items(
        record({"path": text(most=4096), "text": text()}, required=("path", "text")),
        "other files, the nearest to the cursor last",
        most=256,
    ),
    "max_tokens": whole(1, 8192, default=64),
    "temperature": number(0, 100, default=0),
    "top_p": number(0, 1, default=1),
    "top_k": whole(0, 1 << 20, default=0),
    "seed": whole(0, (1 << 32) - 1, default=0),
    "lines": text("how many may come", default="auto", one_of=("auto", "one", "many")),
    "rules": flag("whether the text is stopped and trimmed where a person would", default=True),
    "probabilities": whole(0, 20, "how many other tokens are named for each; absent: no tokens come"),
    "trace": TRACE,
    "prompt": flag("whether the prompt comes as the model read it", default=False),
}
_FILL = record(_HOLE)
_ABOUT = record({
    "name": text(),
    "parameters": whole(0),
    "context_length": whole(1),
    "can_chat": flag(),
    "chat_advice": text("what to load instead"),
})  # fmt: skip


def routes(state: ServerState) -> list[BaseRoute]:
    """The page, its files, and what only it asks for."""
    page = Page("web")

    @described("The playground", "playground", answer="text/html, text/plain")
    async def index(request: Request) -> Response:
        return page.index() if "text/html" in request.headers.get("accept", "") else greeting()

    @described("The model, in a few words for the playground", "playground", answer=_ABOUT)
    async def about(request: Request) -> Response:
        return Response(dumps(_about(state)), media_type="application/json", headers={"Cache-Control": "no-store"})

    @described("Fill a hole, token by token with probabilities", "playground", body=_FILL, streams="ndjson")
    async def fill(request: Request) -> Stream:
        body = await bodies.read(request, _FILL)
        return Stream(_filled(state, request, body), "ndjson")

    return [
        Route("/", index),
        page.route(),
        Route("/codegem/about", about),
        Route("/codegem/fill", fill, methods=["POST"]),
    ]


def _about(state: ServerState) -> dict[str, Any]:
    advice = None
    try:
        require_chat(state.can_chat, state.name)
    except UserError as error:
        advice = str(error)
    model = getattr(getattr(state.service, "engine", None), "model", None)
    return {
        "name": state.name,
        "parameters": model.config.parameters if model else None,
        "context_length": state.service.context_length,
        "can_chat": state.can_chat,
        "chat_advice": advice,
    }


async def _filled(state: ServerState, request: Request, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
    """Lines of an answer, each with its `type`.

    "begin"; "prompt" with `pieces` and how many `tokens` they are; "tokens" as the model makes them, with
    probabilities; "text", more of what is to be shown; and "end" with the whole `text`, why it ended, and how long it
    took.
    """
    started = time.perf_counter()
    context = tuple((one_line(file["path"]) or "", file["text"]) for file in body.get("context", ()))
    infill = Infill(body["prefix"], body["suffix"], one_line(body.get("path")), context)
    chosen = ("max_tokens", "temperature", "top_p", "top_k", "seed", "lines", "rules")
    settings = Settings(**{name: body[name] for name in chosen}, probabilities=body.get("probabilities"))
    planned = plan(infill, state.window, settings)
    traced = Tracing(state, body, [planned])
    shown, tokens, first = "", 0, None
    async for chunk in texts(state, request, planned):
        if first is None:
            yield {"type": "begin"}
            if body["prompt"]:
                yield _prompt(state.service, planned)
        if first is None and chunk.tokens:
            first = time.perf_counter() - started
        tokens, shown = tokens + chunk.tokens, shown + chunk.text
        if chunk.probabilities:
            yield {"type": "tokens", "tokens": [_token(token) for token in chunk.probabilities]}
        if chunk.text:
            yield {"type": "text", "text": chunk.text}
        found = await traced.fields(chunk)
        if chunk.stop_reason:
            yield _end(chunk, shown, tokens, first, time.perf_counter() - started) | found


def _prompt(service: TextService, planned: Plan) -> dict[str, Any]:
    """What the model reads: runs of text, and special tokens by name."""
    asked = planned.request.prompt
    assert isinstance(asked, Infill)
    order = getattr(getattr(service, "engine", None), "order", fim.Order.PSM)
    parts = {"path": asked.path, "context": asked.context, "order": order}
    ids = fim.prompt(asked.prefix, asked.suffix, service.tokenizer, **parts)
    return {"type": "prompt", "tokens": len(ids), "pieces": pieces(ids, service.tokenizer)}


def pieces(ids: list[int], tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """Token ids as runs of text and names of special tokens.

    >>> from codegem.text.tokenizer import ByteTokenizer
    >>> pieces([2, 107, 108, 5], ByteTokenizer())[:2]
    [{'text': '<bos>', 'special': True}, {'text': 'ab', 'special': False}]
    """
    names = {getattr(tokenizer.special, field): aliases[0] for field, aliases in NAMES.items()}
    found, run = [], []
    for token in [*ids, None]:
        if token is not None and token not in names:
            run.append(token)
            continue
        if run:
            found.append({"text": tokenizer.decode(run), "special": False})
            run = []
        if token is not None:
            found.append({"text": names[token], "special": True})
    return found


def _token(token: Token) -> dict[str, Any]:
    likeliest = [[other, math.exp(logprob)] for other, logprob in token.likeliest]
    return {"text": token.text, "probability": math.exp(token.logprob), "likeliest": likeliest}


def _end(chunk: Chunk, shown: str, tokens: int, first: float | None, total: float) -> dict[str, Any]:
    usage = chunk.usage
    return {
        "type": "end",
        "stop_reason": chunk.stop_reason,
        "text": shown,
        "tokens": tokens,
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "timings": {
            "first_token": first,
            "total": total,
            "waiting": usage.waiting if usage else None,
            "reading": usage.reading if usage else None,
            "writing": usage.writing if usage else None,
        },
    }
