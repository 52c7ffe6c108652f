"""Ollama's words for which model is served, and what it can do.

Continue fills holes only if the template that `/api/show` gives has a place for the suffix, and newer clients if the
capabilities name "insert".
"""

import hashlib
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.server import bodies, schema
from codegem.server.ollama_answers import now
from codegem.server.ollama_bodies import SHOW
from codegem.server.openapi import described
from codegem.server.state import ServerState
from codegem.server.streams import Json

API_VERSION = "0.12.0"
"""The version of Ollama whose API this is; some clients ask for a newer one than 0.6."""

TEMPLATE = "<|fim_prefix|>{{ .Prompt }}<|fim_suffix|>{{ .Suffix }}<|fim_middle|>"
_DETAILS = schema.record(
    {
        **{name: schema.text() for name in ("format", "family", "parameter_size", "quantization_level")},
        "families": schema.items(schema.text()),
    }
)
_MODEL = {
    "name": schema.text(), "model": schema.text(), "modified_at": schema.text(), "size": schema.whole(0),
    "digest": schema.text("Of the name and the shape, and not of the weights."), "details": _DETAILS,
}  # fmt: skip
_TAGS = schema.record({"models": schema.items(schema.record(_MODEL))}, required=("models",))
_RUNNING = schema.record(
    {
        "models": schema.items(
            schema.record(
                {
                    **_MODEL,
                    "expires_at": schema.text(),
                    "size_vram": schema.whole(0),
                    "context_length": schema.whole(1),
                }
            )
        )
    },
    required=("models",),
)
_SHOWN = schema.record(
    {
        "template": schema.text(), "parameters": schema.text(), "modelfile": schema.text(), "details": _DETAILS,
        "model_info": schema.record({}), "capabilities": schema.items(schema.text()), "modified_at": schema.text(),
    },
    required=("template", "details", "model_info", "capabilities"),
)  # fmt: skip


def routes(state: ServerState) -> list[BaseRoute]:
    """`/api/tags`, `/api/ps`, `/api/show` and `/api/version`."""

    @described("The model that is served, in a list", "ollama", answer=_TAGS)
    async def tags(http_request: HttpRequest) -> Response:
        return Json({"models": [_row(state)]})

    @described("The model that is in memory", "ollama", answer=_RUNNING)
    async def running(http_request: HttpRequest) -> Response:
        always = {"expires_at": "9999-12-31T23:59:59Z", "size_vram": 0, "context_length": state.window.length}
        return Json({"models": [{**_row(state), **always}]})

    @described("What a model can do", "ollama", body=SHOW, answer=_SHOWN)
    async def show(http_request: HttpRequest) -> Response:
        await bodies.read(http_request, SHOW)
        return Json(_shown(state))

    @described("The version of Ollama's API", "ollama", answer=schema.record({"version": schema.text()}))
    async def version(http_request: HttpRequest) -> Response:
        return Json({"version": API_VERSION})

    return [
        Route("/api/tags", tags),
        Route("/api/ps", running),
        Route("/api/show", show, methods=["POST"]),
        Route("/api/version", version),
    ]


def _row(state: ServerState) -> dict[str, Any]:
    shape = f"{state.name} {state.window.length} {state.window.tokenizer.vocab_size}"
    return {
        "name": state.name,
        "model": state.name,
        "modified_at": now(),
        "size": 2 * _parameters(state),
        "digest": hashlib.sha256(shape.encode()).hexdigest(),
        "details": _details(state),
    }


def _details(state: ServerState) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "codegem",
        "family": "gemma",
        "families": ["gemma"],
        "parameter_size": size_of(_parameters(state)),
        "quantization_level": "unknown",
    }


def _shown(state: ServerState) -> dict[str, Any]:
    length = state.window.length
    return {
        "modelfile": f"FROM {state.name}\nTEMPLATE {TEMPLATE}\n",
        "parameters": f"num_ctx {length}\ntemperature 0",
        "template": TEMPLATE,
        "details": _details(state),
        "model_info": {
            "general.architecture": "gemma",
            "general.parameter_count": _parameters(state),
            "gemma.context_length": length,
            "gemma.vocab_size": state.window.tokenizer.vocab_size,
        },
        "capabilities": ["completion", "insert"],
        "modified_at": now(),
    }


def _parameters(state: ServerState) -> int:
    """How many parameters the model has; 0 where its source does not say."""
    model = getattr(getattr(state.service, "engine", None), "model", None)
    return int(getattr(getattr(model, "config", None), "parameters", 0))


def size_of(parameters: int) -> str:
    """A number of parameters as Ollama writes it.

    >>> size_of(2_506_172_416), size_of(5_120_000), size_of(0)
    ('2.5B', '5.1M', '0')
    """
    for least, mark in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if parameters >= least:
            return f"{parameters / least:.1f}{mark}"
    return str(parameters)
