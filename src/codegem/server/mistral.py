"""Mistral's fill-in-the-middle: `POST /v1/fim/completions`. The answer has the shape of a chat's."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.assist.completion import Plan, Settings
from codegem.generate import Request
from codegem.server import bodies, filling, live, openai_answers, schema
from codegem.server.openapi import described
from codegem.server.sampling import SEED, STOP, TEMPERATURE, TOP_P, sampling, stops
from codegem.server.state import ServerState
from codegem.server.streams import Json, Stream
from codegem.server.tracing import TRACE, Tracing

_DEFAULT_TOKENS = 128
BODY = schema.record(
    {
        "model": schema.text("Any name: the model that is served answers."),
        "prompt": schema.text("What stands before the cursor."),
        "suffix": schema.text("What stands behind it; without it the prompt is continued."),
        "max_tokens": schema.whole(-1, None, "-1 is as many as there is room for.", default=_DEFAULT_TOKENS),
        "min_tokens": schema.whole(0, None, "Read, and without effect: a suggestion ends where it is whole."),
        "temperature": TEMPERATURE, "top_p": TOP_P, "random_seed": SEED, "stop": STOP,
        "trace": TRACE,
        "stream": schema.flag("Send parts as they are made.", default=False),
    },
    required=("prompt",),
)  # fmt: skip


def routes(state: ServerState) -> list[BaseRoute]:
    """`/v1/fim/completions`."""

    @described("Fill a hole", "mistral", body=BODY, answer=openai_answers.CHAT, streams="sse")
    async def fill(http_request: HttpRequest) -> Response | Stream:
        body = await bodies.read(http_request, BODY)
        prompt, suffix = body["prompt"], body.get("suffix")
        length = await filling.room_for(state.window, body["max_tokens"], prompt + (suffix or ""))
        settings = Settings(length, stop=stops(body.get("stop")), **sampling(body, seed="random_seed"))
        job = await filling.job(state, prompt, suffix, settings)
        traced = Tracing(state, body, [job])
        if body["stream"]:
            return Stream(_parts(state, http_request, job, traced))
        [chunk] = await live.whole(state, http_request, job)
        message = {"role": "assistant", "content": chunk.text, "tool_calls": None}
        choice = {"index": 0, "message": message, "finish_reason": openai_answers.reason(chunk)}
        head = openai_answers.head(state, "chat.completion")
        choice |= await traced.fields(chunk)
        return Json({**head, "choices": [choice], **openai_answers.usage([chunk])})

    return [Route("/v1/fim/completions", fill, methods=["POST"])]


async def _parts(
    state: ServerState, http_request: HttpRequest, job: Request | Plan, traced: Tracing
) -> AsyncGenerator[Any]:
    """The events of a stream: the last part says why it ended and what it took."""
    head, tally = openai_answers.head(state, "chat.completion.chunk"), openai_answers.Tally()
    said: dict[str, Any] = {"role": "assistant"}  # with the first part only
    async with aclosing(live.texts(state, http_request, job)) as chunks:
        async for chunk in chunks:
            tally.add(chunk)
            if chunk.text or chunk.stop_reason:
                delta = {**said, "content": chunk.text}
                choice = {"index": 0, "delta": delta, "finish_reason": openai_answers.reason(chunk)}
                choice |= await traced.fields(chunk)
                yield {**head, "choices": [choice], **(tally.usage() if chunk.stop_reason else {})}
                said = {}
    yield "[DONE]"
