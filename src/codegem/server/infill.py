"""llama.cpp's own routes for text: `POST /infill`, which llama.vim and llama.vscode ask, and `POST /completion`.

`prompt` of `/infill` is the line up to the cursor; it belongs to the prefix here, as the model was trained to begin
where people stop to type. `samplers` without "temperature" mean the likeliest token: llama.vim asks for what is
probable and not for variety.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.assist.completion import Plan, Settings
from codegem.errors import UserError
from codegem.generate import Infill, Request
from codegem.server import bodies, live, llama_answers, schema
from codegem.server.holes import job, plain
from codegem.server.indentation import Indented
from codegem.server.openapi import described
from codegem.server.sampling import SEED, STOP, TEMPERATURE, TOP_K, TOP_P, sampling, stops
from codegem.server.state import ServerState
from codegem.server.streams import Json, Stream
from codegem.server.tracing import TRACE, Tracing

_MOST_TEXTS = 16
_LONGEST, _SHARE = 512, 4  # tokens of an answer that has no limit, and the part of the window that it may take
_EXTRA = schema.record({"text": schema.text(), "filename": schema.text(default="tmp")}, required=("text",))
_FIELDS = {
    "n_predict": schema.whole(-1, None, "The longest answer in tokens; 0 only reads the prompt.", default=-1),
    "n_cmpl": schema.whole(1, _MOST_TEXTS, "How many answers; several come in a list.", default=1),
    "n_indent": schema.whole(0, None, "Lines after the first are indented by at least so many columns.", default=0),
    "t_max_predict_ms": schema.whole(-1, None, "Once there is a line, the text ends after so long."),
    "temperature": TEMPERATURE, "top_p": TOP_P, "top_k": TOP_K, "seed": SEED, "stop": STOP,
    "samplers": schema.either(schema.items(schema.text()), schema.text(), about="Temperature holds if it is named."),
    "n_probs": schema.whole(0, 20, "How many of the likeliest tokens are named beside each.", default=0),
    "id_slot": schema.whole(-1, None, "Sent back; where a prompt is kept is decided here.", default=-1),
    "response_fields": schema.items(schema.text(), "The fields of the answer, such as timings/prompt_n."),
    "trace": TRACE,
    "stream": schema.flag("Send parts as they are made.", default=False),
    "raw": schema.flag("Show what the model wrote, without the rules of what is worth showing.", default=False),
}  # fmt: skip
INFILL = schema.record(
    {
        "input_prefix": schema.text(),
        "input_suffix": schema.text(),
        "prompt": schema.text("The beginning of the answer, which is the line up to the cursor.", default=""),
        "input_extra": schema.items(_EXTRA, "Other code, the nearest last.", most=1024),
        "filename": schema.text("Of the file with the hole; no field of llama.cpp's."),
        **_FIELDS,
    },
    required=("input_prefix", "input_suffix"),
)
COMPLETION = schema.record(
    {"prompt": schema.either(schema.text(), schema.items(schema.text(), most=_MOST_TEXTS)), **_FIELDS},
    required=("prompt",),
)
_TEXTS = schema.either(llama_answers.TEXT, schema.items(llama_answers.TEXT))  # several where several are asked for


def routes(state: ServerState) -> list[BaseRoute]:
    """`/infill` and `/completion`."""

    @described("Fill a hole", "llama.cpp", body=INFILL, answer=_TEXTS, streams="sse")
    async def infill(http_request: HttpRequest) -> Response | Stream:
        body = await bodies.read(http_request, INFILL)
        context = tuple((extra["filename"], extra["text"]) for extra in body.get("input_extra", ()))
        hole = Infill(body["input_prefix"] + body["prompt"], body["input_suffix"], body.get("filename"), context)
        return await _answer(state, http_request, body, [hole])

    @described("Complete a text", "llama.cpp", body=COMPLETION, answer=_TEXTS, streams="sse")
    async def completion(http_request: HttpRequest) -> Response | Stream:
        body = await bodies.read(http_request, COMPLETION)
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        return await _answer(state, http_request, body, prompts)

    return [Route("/infill", infill, methods=["POST"]), Route("/completion", completion, methods=["POST"])]


async def _answer(
    state: ServerState, http_request: HttpRequest, body: dict[str, Any], prompts: list[str] | list[Infill]
) -> Response | Stream:
    if len(prompts) * body["n_cmpl"] > _MOST_TEXTS:
        raise UserError(f"{len(prompts) * body['n_cmpl']} texts are asked for at once; ask for at most {_MOST_TEXTS}.")
    jobs, asked = [], []
    for number in range(body["n_cmpl"]):
        settings = _settings(state, body, number)
        for prompt in prompts:
            found = await _job(state, body, prompt, settings)
            jobs.append(found)
            asked.append(_asked(body, prompt, found))
    traced = Tracing(state, body, jobs)
    if body["stream"]:
        return Stream(_parts(state, http_request, jobs, asked, traced))
    chunks = await live.whole(state, http_request, *jobs)
    answers = [
        llama_answers.whole(state, chunk, asked[at], await traced.fields(chunk)) for at, chunk in enumerate(chunks)
    ]
    return Json(answers[0] if len(answers) == 1 else answers)


def _settings(state: ServerState, body: dict[str, Any], number: int) -> Settings:
    samplers = body.get("samplers")
    if isinstance(samplers, list) and "temperature" not in samplers:
        body = body | {"temperature": 0.0}
    longest = body["n_predict"] if body["n_predict"] >= 0 else min(_LONGEST, state.window.length // _SHARE)
    budget = body.get("t_max_predict_ms", 0)
    return Settings(
        longest,
        stop=stops(body.get("stop")),
        seconds=budget / 1000 if budget > 0 else None,
        probabilities=body["n_probs"] or None,
        rules=not body["raw"],
        **sampling(body, number),
    )


async def _job(
    state: ServerState, body: dict[str, Any], prompt: str | Infill, settings: Settings
) -> Request | Plan | live.Drafted:
    if body["raw"] and isinstance(prompt, str):
        return plain(prompt, settings)
    found = await job(state, prompt, settings)
    if isinstance(found, Plan) and body["n_indent"]:
        return live.Drafted(found.request, Indented(found.draft, body["n_indent"]))
    return found


def _asked(body: dict[str, Any], prompt: str | Infill, found: Request | Plan | live.Drafted) -> dict[str, Any]:
    """What an answer repeats of its request."""
    request = found if isinstance(found, Request) else found.request
    named = ("n_predict", "temperature", "top_k", "top_p", "n_indent", "stream", "n_probs")
    return {
        "prompt": prompt if isinstance(prompt, str) else prompt.prefix,
        "settings": {name: body[name] for name in named} | {"seed": request.seed, "stop": list(request.stop)},
        "truncated": _is_cut(prompt, request),
        "id_slot": body["id_slot"],
        "n_probs": body["n_probs"],
        "response_fields": body.get("response_fields", []),
    }


def _is_cut(prompt: str | Infill, request: Request) -> bool:
    """Whether the model reads less of the file than it was given."""
    fitted = request.prompt
    if not (isinstance(prompt, Infill) and isinstance(fitted, Infill)):
        return False
    given = len(prompt.prefix.replace("\r\n", "\n")) + len(prompt.suffix.replace("\r\n", "\n"))
    read = len(fitted.prefix.replace("\r\n", "\n")) + len(fitted.suffix.replace("\r\n", "\n"))
    return read + len(request.begin) < given


async def _parts(
    state: ServerState,
    http_request: HttpRequest,
    jobs: list[Request | Plan | live.Drafted],
    asked: list[dict[str, Any]],
    traced: Tracing,
) -> AsyncGenerator[Any]:
    """The events of a stream; the last of each text says `stop` and how it went. There is no `[DONE]`."""
    shown = [live.Chunk(index, "") for index in range(len(jobs))]
    async with aclosing(live.texts(state, http_request, *jobs)) as chunks:
        async for chunk in chunks:
            at = chunk.index
            shown[at] = live.merged(at, [shown[at], chunk])
            found = await traced.fields(chunk)
            if chunk.stop_reason:
                yield llama_answers.whole(state, shown[at], asked[at], found, chunk.text)
            elif chunk.text:
                yield llama_answers.part(chunk, asked[at], shown[at].tokens)
