"""OpenAI's completions: `POST /v1/completions`.

What a client wants filled it says with `suffix`, as OpenAI's API has it, or with the names of fill-in-the-middle tokens
in `prompt`. A hole is filled by the rules of `assist`; a prompt without one is continued as it stands. Beyond OpenAI's
fields there are `path` and `context` (other files) for a hole, and `raw`, which shows the model's text as it is.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.assist.completion import Plan, Settings
from codegem.errors import UserError
from codegem.generate import Chunk, Infill, Request
from codegem.server import bodies, live, openai_answers, schema, tabby
from codegem.server.holes import hole_of, job, plain
from codegem.server.openapi import described
from codegem.server.sampling import SEED, STOP, TEMPERATURE, TOP_K, TOP_P, sampling, stops
from codegem.server.state import ServerState
from codegem.server.streams import Json, Stream
from codegem.server.tracing import TRACE, Tracing
from codegem.text.fim_text import parse_ids

_MOST_TEXTS = 64
_IDS = schema.items(schema.whole(0))
CONTEXT_FILES = schema.items(
    schema.record({"path": schema.text(), "text": schema.text()}, required=("path", "text")),
    "Other files, the nearest to the hole last.",
    most=1024,
)
BODY = schema.record(
    {
        "model": schema.text("Any name: the model that is served answers."),
        "prompt": schema.either(
            schema.text(), schema.items(schema.text(), most=_MOST_TEXTS), _IDS, schema.items(_IDS, most=_MOST_TEXTS),
            about="A text, several, or their token ids; a hole may be laid out with fill-in-the-middle tokens.",
        ),
        "suffix": schema.text("What stands behind the hole; without it a prompt is continued."),
        "path": schema.text("Of the file with the hole, relative to its repository."),
        "context": CONTEXT_FILES,
        "begin": schema.text("With `raw`: what the text must begin with; it is no part of the answer.", default=""),
        "raw": schema.flag("Show what the model wrote, without the rules of what is worth showing.", default=False),
        "max_tokens": schema.whole(-1, None, "0 only reads the prompt.", default=64),
        "temperature": TEMPERATURE, "top_p": TOP_P, "top_k": TOP_K, "seed": SEED, "stop": STOP,
        "n": schema.whole(1, 16, "Texts for each prompt.", default=1),
        "echo": schema.flag("Begin each text with its prompt.", default=False),
        "logprobs": schema.whole(0, 20, "How many of the likeliest tokens are named beside each."),
        "trace": TRACE,
        "stream": schema.flag("Send parts as they are made.", default=False),
        "stream_options": schema.record({"include_usage": schema.flag(default=False)}),
    },
    required=("prompt",),
)  # fmt: skip


def routes(state: ServerState) -> list[BaseRoute]:
    """`/v1/completions`, which Tabby's clients ask as well, with `segments`."""

    answer, sent = schema.either(openai_answers.TEXTS, tabby.ANSWER), schema.either(BODY, tabby.BODY)

    @described("Complete text, or fill a hole in it", "openai", body=sent, answer=answer, streams="sse")
    async def completions(http_request: HttpRequest) -> Response | Stream:
        sent = await bodies.read_json(http_request)
        if "segments" in sent:
            return await tabby.complete(state, http_request, sent)
        body = schema.check(sent, BODY)
        prompts = _prompts(body, state)
        jobs = [await _job(state, body, prompt, number) for prompt in prompts for number in range(body["n"])]
        if len(jobs) > _MOST_TEXTS:
            raise UserError(f"{len(jobs)} texts are asked for at once; ask for at most {_MOST_TEXTS}.")
        before = [_text(prompt) if body["echo"] else "" for prompt in prompts for _ in range(body["n"])]
        traced = Tracing(state, body, jobs)
        if body["stream"]:
            return Stream(_parts(state, http_request, body, jobs, before, traced))
        chunks = await live.whole(state, http_request, *jobs)
        return Json(await _whole(state, body, chunks, before, traced))

    return [Route("/v1/completions", completions, methods=["POST"])]


def _prompts(body: dict[str, Any], state: ServerState) -> list[str | Infill]:
    """What is to be continued or filled, one or several."""
    given = body["prompt"]
    several = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    return [_prompt(one, body, state) for one in several]


def _prompt(given: str | list[int], body: dict[str, Any], state: ServerState) -> str | Infill:
    path, context = body.get("path"), tuple((file["path"], file["text"]) for file in body.get("context", ()))
    if isinstance(given, list):
        try:
            found = parse_ids(given, state.service.tokenizer)
        except ValueError as error:
            raise UserError(f"prompt can't be read: {error}.") from None
        if not isinstance(found, str):
            return Infill(**asdict(found))
        given = found
    return hole_of(given, body.get("suffix"), path=path, context=context)


async def _job(state: ServerState, body: dict[str, Any], prompt: str | Infill, number: int) -> Request | Plan:
    settings = Settings(
        body["max_tokens"] if body["max_tokens"] >= 0 else BODY["properties"]["max_tokens"]["default"],
        stop=stops(body.get("stop")),
        probabilities=body.get("logprobs"),
        **sampling(body, number),
    )
    return replace(plain(prompt, settings), begin=body["begin"]) if body["raw"] else await job(state, prompt, settings)


def _text(prompt: str | Infill) -> str:
    """What an echo repeats."""
    return prompt if isinstance(prompt, str) else prompt.prefix


async def _whole(
    state: ServerState, body: dict[str, Any], chunks: Sequence[Chunk], before: Sequence[str], traced: Tracing
) -> dict[str, Any]:
    wants_logprobs = body.get("logprobs") is not None
    choices = [
        openai_answers.text_choice(chunk, before[at], wants_logprobs) | await traced.fields(chunk)
        for at, chunk in enumerate(chunks)
    ]
    head = openai_answers.head(state, "text_completion")
    return {**head, "choices": choices, **openai_answers.usage(chunks)}


async def _parts(
    state: ServerState,
    http_request: HttpRequest,
    body: dict[str, Any],
    jobs: list[Request | Plan],
    before: list[str],
    traced: Tracing,
) -> AsyncGenerator[Any]:
    """The events of a stream."""
    head = openai_answers.head(state, "text_completion")
    wants_logprobs, offsets = body.get("logprobs") is not None, [len(text) for text in before]
    tally = openai_answers.Tally()
    for at, text in enumerate(before):
        if text:
            yield {**head, "choices": [openai_answers.text_choice(Chunk(at, text))]}
    async with aclosing(live.texts(state, http_request, *jobs)) as chunks:
        async for chunk in chunks:
            tally.add(chunk)
            if chunk.text or chunk.stop_reason or (wants_logprobs and chunk.probabilities):
                choice = openai_answers.text_choice(chunk, "", wants_logprobs, offsets[chunk.index])
                offsets[chunk.index] += len(chunk.text)
                yield {**head, "choices": [choice | await traced.fields(chunk)]}
    if body.get("stream_options", {}).get("include_usage"):
        yield {**head, "choices": [], **tally.usage()}
    yield "[DONE]"
