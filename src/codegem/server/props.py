"""What llama.cpp's clients ask about a server: `/health`, `/props`, `/slots`, `/tokenize`, `/detokenize`."""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.errors import UserError
from codegem.server import bodies, schema
from codegem.server.openapi import described
from codegem.server.state import ServerState
from codegem.server.streams import Json

_HEALTH = schema.record({"status": schema.text()}, required=("status",))
_SLOT = schema.record({"id": schema.whole(0), "n_ctx": schema.whole(1), "is_processing": schema.flag()})
_PROPS = schema.record({"default_generation_settings": schema.anything(), "total_slots": schema.whole(1)})
TOKENIZE = schema.record(
    {
        "content": schema.text("Text; names of special tokens in it are text as well."),
        "add_special": schema.flag("Begin with the token that begins every prompt.", default=False),
        "with_pieces": schema.flag("Give the text of each token too.", default=False),
    },
    required=("content",),
)
DETOKENIZE = schema.record({"tokens": schema.items(schema.whole(0))}, required=("tokens",))


def routes(state: ServerState) -> list[BaseRoute]:
    """The five routes."""

    @described("Whether requests are answered", "llama.cpp", answer=_HEALTH)
    async def health(http_request: HttpRequest) -> Response:
        state.service  # noqa: B018  raises while the model is loaded, which is answered with 503
        return Json({"status": "ok"})

    @described("The model and its settings", "llama.cpp", answer=_PROPS)
    async def props(http_request: HttpRequest) -> Response:
        return Json(_props(state))

    @described("What is worked on", "llama.cpp", answer=schema.items(_SLOT))
    async def slots(http_request: HttpRequest) -> Response:
        length = state.service.context_length
        active = len(state.tickets)
        return Json([{"id": at, "n_ctx": length, "is_processing": at < active} for at in range(max(1, active))])

    @described("Tokens of a text", "llama.cpp", body=TOKENIZE, answer=schema.record({"tokens": schema.anything()}))
    async def tokenize(http_request: HttpRequest) -> Response:
        body = await bodies.read(http_request, TOKENIZE)
        tokenizer = state.service.tokenizer
        ids = tokenizer.encode(body["content"])
        if body["add_special"]:
            ids = [tokenizer.special.bos, *ids]
        if not body["with_pieces"]:
            return Json({"tokens": ids})
        return Json({"tokens": [{"id": token, "piece": _piece(tokenizer.piece_bytes(token))} for token in ids]})

    @described("The text of tokens", "llama.cpp", body=DETOKENIZE, answer=schema.record({"content": schema.text()}))
    async def detokenize(http_request: HttpRequest) -> Response:
        body = await bodies.read(http_request, DETOKENIZE)
        tokenizer = state.service.tokenizer
        for token in body["tokens"]:
            if token >= tokenizer.vocab_size:
                raise UserError(f"The token {token} is unknown; the model knows 0 to {tokenizer.vocab_size - 1}.")
        return Json({"content": tokenizer.decode(body["tokens"])})

    return [
        Route("/health", health),
        Route("/props", props),
        Route("/slots", slots),
        Route("/tokenize", tokenize, methods=["POST"]),
        Route("/detokenize", detokenize, methods=["POST"]),
    ]


def _props(state: ServerState) -> dict[str, Any]:
    return {
        "default_generation_settings": {"n_ctx": state.service.context_length, "params": {"temperature": 0.0}},
        "total_slots": 1,
        "model_alias": state.name,
        "model_path": state.name,
        "modalities": {"vision": False, "audio": False},
        "endpoint_slots": True,
        "endpoint_props": False,
        "endpoint_metrics": True,
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "build_info": "codegem",
        "is_sleeping": False,
    }


def _piece(data: bytes) -> str | list[int]:
    """A token's text, or its bytes where they are no whole characters."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return list(data)
