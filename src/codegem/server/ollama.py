"""Ollama's API: `/api/generate` fills holes and continues text, `/api/chat` answers; the rest is in `ollama_models`.

Streams are lines of JSON, and a stream is what comes unless a client says otherwise. A hole is what has a `suffix`,
even an empty one, or what a prompt lays out with fill-in-the-middle tokens, as clients do that send `raw`.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from codegem.assist.chat import ChatSettings, plan_chat, require_chat, turns_of
from codegem.assist.completion import Plan
from codegem.assist.context import Window
from codegem.generate import Infill, Request
from codegem.server import bodies, filling, live, ollama_answers, ollama_models
from codegem.server.holes import hole_of
from codegem.server.ollama_bodies import (
    CHAT,
    GENERATE,
    asked_tokens,
    laid_out,
    refuse_what_is_not_there,
    settings_of,
)
from codegem.server.openapi import described
from codegem.server.state import ServerState
from codegem.server.streams import Json, Stream
from codegem.server.tracing import Tracing

Said = Callable[[str], dict[str, Any]]
"""A text as the field that holds it."""


def greeting() -> Response:
    """What Ollama's clients look for at `/`."""
    return PlainTextResponse("Ollama is running")


def routes(state: ServerState) -> list[BaseRoute]:
    """All of Ollama's paths that a model that is served needs."""

    @described(
        "Fill a hole, or continue a text", "ollama", body=GENERATE, answer=ollama_answers.GENERATED, streams="ndjson"
    )
    async def generate(http_request: HttpRequest) -> Response | Stream:
        body = await bodies.read(http_request, GENERATE)
        refuse_what_is_not_there(body)
        if not (body["prompt"] or body.get("suffix")):
            return Json(ollama_answers.loaded(state.name, _response(""), body.get("keep_alive")))
        return await _answer(state, http_request, body, await _generate_job(state, body), _response)

    @described("Answer in a conversation", "ollama", body=CHAT, answer=ollama_answers.ANSWERED, streams="ndjson")
    async def chat(http_request: HttpRequest) -> Response | Stream:
        body = await bodies.read(http_request, CHAT)
        refuse_what_is_not_there(body, body.get("messages", ()))
        if not body.get("messages"):
            return Json(ollama_answers.loaded(state.name, _message(""), body.get("keep_alive")))
        require_chat(state.can_chat, state.name)
        return await _answer(state, http_request, body, await _chat_job(state, body, body["messages"]), _message)

    return [
        Route("/api/generate", generate, methods=["POST"]),
        Route("/api/chat", chat, methods=["POST"]),
        *ollama_models.routes(state),
    ]


def _response(text: str) -> dict[str, Any]:
    return {"response": text}


def _message(text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}}


def _window(state: ServerState, body: dict[str, Any]) -> Window:
    """How much the model may read, by `num_ctx`."""
    asked = body.get("options", {}).get("num_ctx", 0)
    return replace(state.window, length=min(asked, state.window.length)) if asked > 0 else state.window


async def _generate_job(state: ServerState, body: dict[str, Any]) -> Request | Plan:
    window, (prompt, suffix) = _window(state, body), laid_out(body)
    is_plain = body["raw"] or body["template"] or isinstance(hole_of(prompt, suffix), Infill)
    if state.can_chat and not is_plain:
        system = [{"role": "system", "content": body["system"]}] if body["system"] else []
        return await _chat_job(state, body, [*system, {"role": "user", "content": prompt}])
    length = await filling.room_for(window, asked_tokens(body), prompt + (suffix or ""))
    return await filling.job(state, prompt, suffix, settings_of(body, length), window)


async def _chat_job(state: ServerState, body: dict[str, Any], messages: list[dict[str, Any]]) -> Request:
    window, asked = _window(state, body), asked_tokens(body, default=-1)
    wanted = settings_of(body, 0)
    settings = ChatSettings(
        max_tokens=min(asked, window.length // 2) if asked >= 0 else None,
        temperature=wanted.temperature,
        top_p=wanted.top_p,
        top_k=wanted.top_k,
        seed=wanted.seed,
        stop=wanted.stop,
    )
    turns = turns_of(messages)
    size = sum(len(turn.text) for turn in turns)
    plan = await filling.in_thread(size, plan_chat, turns, window, settings)
    return replace(plan.request, probabilities=wanted.probabilities)


async def _answer(
    state: ServerState, http_request: HttpRequest, body: dict[str, Any], job: Request | Plan, said: Said
) -> Response | Stream:
    """One line for each part, or one object."""
    traced = Tracing(state, body, [job])
    if body["stream"]:
        return Stream(_lines(state, http_request, job, said, traced), "ndjson")
    started = time.perf_counter()
    [chunk] = await live.whole(state, http_request, job)
    seconds = time.perf_counter() - started
    answer = ollama_answers.last(state.name, said(chunk.text), chunk, chunk.tokens, seconds, chunk.probabilities)
    return Json(answer | await traced.fields(chunk))


async def _lines(
    state: ServerState, http_request: HttpRequest, job: Request | Plan, said: Said, traced: Tracing
) -> AsyncGenerator[dict[str, Any]]:
    started, made = time.perf_counter(), 0
    async with aclosing(live.texts(state, http_request, job)) as chunks:
        async for chunk in chunks:
            made += chunk.tokens
            if chunk.text or chunk.probabilities:
                yield ollama_answers.part(state.name, said(chunk.text), chunk.probabilities)
            found = await traced.fields(chunk)
            if chunk.stop_reason:
                yield ollama_answers.last(state.name, said(""), chunk, made, time.perf_counter() - started) | found
