"""One application of all surfaces: each is a module with `routes(state)`."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from codegem.errors import UserError
from codegem.server import (
    events,
    infill,
    mistral,
    models,
    observing,
    ollama,
    openai,
    openai_chat,
    playground,
    props,
    tabby,
)
from codegem.server.failures import body_of, headers_of, sentence_of, status_of
from codegem.server.security import Guard
from codegem.server.state import ServerState, TextService
from codegem.server.streams import Json

if TYPE_CHECKING:
    from codegem.data.tracing.index import TraceIndex

SURFACES = (
    openai, openai_chat, models, infill, props, ollama, mistral, tabby, events, observing, playground,
)  # fmt: skip


def create_app(
    service: TextService | None = None,
    *,
    name: str = "",
    can_chat: bool = False,
    key: str = "",
    origins: Collection[str] = (),
    metrics: Any = None,
    acceptance: Any = None,
    index: "TraceIndex | None" = None,
) -> Starlette:
    """A server of all surfaces.

    Args:
        service: None where the model is loaded later, with `app.state.codegem.load`.
        name: of the model, as clients are shown it.
        key: that requests must carry; "" for none.
        origins: of pages that may ask, besides the server's own.
        index: of a corpus, by which answers are traced.

    Returns:
        An ASGI application; `app.state.codegem` is its `ServerState`.
    """
    state = ServerState(metrics=metrics, acceptance=acceptance, key_wanted=bool(key), index=index)
    if service is not None:
        state.load(service, name=name, can_chat=can_chat)
    app = Starlette(
        routes=_routes(state),
        middleware=[Middleware(Guard, state=state, key=key, origins=origins)],
        exception_handlers={UserError: _failed, HTTPException: _refused},
    )
    app.state.codegem = state
    return app


def _routes(state: ServerState) -> list[BaseRoute]:
    return [route for surface in SURFACES for route in surface.routes(state)]


async def _failed(request: Request, error: Exception) -> Response:
    status = status_of(error)
    return Json(body_of(request.url.path, status, sentence_of(error)), status, headers_of(error))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentences = {
        404: f"There is nothing at {request.url.path[:80]}; the server's routes are listed at /openapi.json.",
        405: f"{request.url.path[:80]} is not asked with {request.method[:16]}.",
    }
    message = sentences.get(error.status_code, str(error.detail))
    return Json(body_of(request.url.path, error.status_code, message), error.status_code, error.headers)
