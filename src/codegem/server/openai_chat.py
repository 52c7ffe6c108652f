"""OpenAI's chat: `POST /v1/chat/completions`."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.assist.chat import ChatSettings, plan_chat, require_chat, turns_of
from codegem.generate import Chunk, Request
from codegem.server import bodies, live, openai_answers, schema
from codegem.server.openapi import described
from codegem.server.sampling import SEED, STOP, TEMPERATURE, TOP_K, TOP_P, sampling, stops
from codegem.server.state import ServerState
from codegem.server.streams import Json, Stream
from codegem.server.tracing import TRACE, Tracing

_PART = schema.record({"type": schema.text(), "text": schema.text()}, required=("type",))
_MESSAGE = schema.record(
    {"role": schema.text(), "content": schema.either(schema.text(), schema.items(_PART))}, required=("role",)
)
_LENGTH = schema.whole(-1, None, "Of the answer in tokens; by default all that is left. 0 only reads the conversation.")
BODY = schema.record(
    {
        "model": schema.text("Any name: the model that is served answers."),
        "messages": schema.items(
            _MESSAGE,
            "A system message may come first; the last is the user's.",
        ),
        "max_tokens": _LENGTH, "max_completion_tokens": _LENGTH, "n_predict": _LENGTH,
        "temperature": TEMPERATURE, "top_p": TOP_P, "top_k": TOP_K, "seed": SEED, "stop": STOP,
        "n": schema.whole(1, 16, "How many answers.", default=1),
        "logprobs": schema.flag("Name the probability of each token.", default=False),
        "top_logprobs": schema.whole(0, 20, "How many of the likeliest tokens are named beside each.", default=0),
        "trace": TRACE,
        "stream": schema.flag("Send parts as they are made.", default=False),
        "stream_options": schema.record({"include_usage": schema.flag(default=False)}),
    },
    required=("messages",),
)  # fmt: skip


def routes(state: ServerState) -> list[BaseRoute]:
    """`/v1/chat/completions`."""

    @described("Answer in a conversation", "openai", body=BODY, answer=openai_answers.CHAT, streams="sse")
    async def chat(http_request: HttpRequest) -> Response | Stream:
        require_chat(state.can_chat, state.name)
        body = await bodies.read(http_request, BODY)
        jobs = [_job(state, body, number) for number in range(body["n"])]
        traced = Tracing(state, body, jobs)
        if body["stream"]:
            return Stream(_parts(state, http_request, body, jobs, traced))
        chunks = await live.whole(state, http_request, *jobs)
        head = openai_answers.head(state, "chat.completion")
        choices = [
            _choice(chunk, body, message={"role": "assistant", "content": chunk.text}) | await traced.fields(chunk)
            for chunk in chunks
        ]
        return Json({**head, "choices": choices, **openai_answers.usage(chunks)})

    return [Route("/v1/chat/completions", chat, methods=["POST"])]


def _job(state: ServerState, body: dict[str, Any], number: int) -> Request:
    given = [body[name] for name in ("max_completion_tokens", "max_tokens", "n_predict") if body.get(name, -1) >= 0]
    settings = ChatSettings(given[0] if given else None, stop=stops(body.get("stop")), **sampling(body, number))
    request = plan_chat(turns_of(body["messages"]), state.window, settings).request
    return replace(request, probabilities=body["top_logprobs"] if body["logprobs"] else None)


def _choice(chunk: Chunk, body: dict[str, Any], **said: dict[str, Any]) -> dict[str, Any]:
    return {
        "index": chunk.index,
        **said,
        "logprobs": openai_answers.chat_logprobs(chunk.probabilities) if body["logprobs"] else None,
        "finish_reason": openai_answers.reason(chunk),
    }


async def _parts(
    state: ServerState, http_request: HttpRequest, body: dict[str, Any], jobs: list[Request], traced: Tracing
) -> AsyncGenerator[Any]:
    """The events of a stream: the first of each answer says whose it is, the last why it ended."""
    head = openai_answers.head(state, "chat.completion.chunk")
    tally, begun = openai_answers.Tally(), set[int]()
    async with aclosing(live.texts(state, http_request, *jobs)) as chunks:
        async for chunk in chunks:
            tally.add(chunk)
            delta: dict[str, Any] = {} if chunk.index in begun else {"role": "assistant"}
            begun.add(chunk.index)
            if chunk.text or delta:
                delta["content"] = chunk.text
            if delta or chunk.stop_reason or chunk.probabilities:
                yield {**head, "choices": [_choice(chunk, body, delta=delta) | await traced.fields(chunk)]}
    if body.get("stream_options", {}).get("include_usage"):
        yield {**head, "choices": [], **tally.usage()}
    yield "[DONE]"
