"""Which model is served: `GET /v1/models`, as OpenAI's API has it."""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.server import schema
from codegem.server.failures import Refusal
from codegem.server.openapi import described
from codegem.server.state import ServerState
from codegem.server.streams import Json

OWNER = "codegem"
_MODEL = schema.record(
    {
        "id": schema.text(), "object": schema.text(), "created": schema.whole(0), "owned_by": schema.text(),
        "context_length": schema.whole(1, None, "Tokens that a prompt and its answer may have together."),
        "can_chat": schema.flag("Whether it was tuned to chat."),
    },
    required=("id", "object"),
)  # fmt: skip
_MODELS = schema.record({"object": schema.text(), "data": schema.items(_MODEL)}, required=("data",))


def routes(state: ServerState) -> list[BaseRoute]:
    """`/v1/models`, and the one model by its name."""

    @described("The model that is served, in a list", "openai", answer=_MODELS)
    async def listed(http_request: HttpRequest) -> Response:
        return Json({"object": "list", "data": [_row(state)]})

    @described("The model that is served", "openai", answer=_MODEL)
    async def one(http_request: HttpRequest) -> Response:
        name = http_request.path_params["name"]
        row = _row(state)
        if name != row["id"]:
            raise Refusal(404, f"The model {name[:80]!r} is not served here; {row['id']!r} is.")
        return Json(row)

    return [Route("/v1/models", listed), Route("/v1/models/{name:path}", one)]


def _row(state: ServerState) -> dict[str, Any]:
    length = state.service.context_length
    return {
        "id": state.name, "object": "model", "created": state.created, "owned_by": OWNER,
        "context_length": length, "max_model_len": length, "can_chat": state.can_chat,
    }  # fmt: skip
