"""The page on which people rate what models wrote: at `/`, for this machine alone, or with a key.

What is rated, and what of it a person may see, is the business of whoever fulfils `Rated`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from codegem.errors import UserError
from codegem.server import bodies
from codegem.server.failures import headers_of, sentence_of, status_of
from codegem.server.pages import Page
from codegem.server.schema import items, record, text
from codegem.server.security import Guard
from codegem.server.state import ServerState
from codegem.server.streams import Json

_RATER = {"rater": text(most=200)}
_OPEN = record({**_RATER}, required=("rater",))
_AFTER = record({**_RATER, "key": text(most=64)}, required=("rater", "key"))
_RATE = record(
    {
        **_RATER,
        "key": text(most=64),
        "labels": items(text(most=40), most=2),
        "better": text(most=20, default=""),
    },
    required=("rater", "key", "labels"),
)


class Rated(Protocol):
    """What is rated. Each method but `sides` and `raters` gives what the page shows next, in plain values."""

    @property
    def sides(self) -> int:
        """How many answers stand beside each other: 1 or 2."""
        ...

    @property
    def raters(self) -> Sequence[str] | None:
        """Who may rate; None is whoever gives a name."""
        ...

    def open(self, rater: str) -> dict[str, Any]: ...
    def after(self, rater: str, key: str) -> dict[str, Any]: ...
    def rate(self, rater: str, key: str, labels: Sequence[str], better: str) -> dict[str, Any]: ...
    def undo(self, rater: str) -> dict[str, Any]: ...


def create_app(rated: Rated, *, key: str = "") -> Starlette:
    """The page and what it asks for.

    Args:
        key: that requests must carry; "" for none.

    Returns:
        An ASGI application for `server.running.Server`.
    """
    page, state = Page("web", "rating_web"), ServerState(key_wanted=bool(key))

    async def index(request: Request) -> Response:
        return page.index()

    async def about(request: Request) -> Response:
        return _told({"sides": rated.sides, "raters": rated.raters})

    async def open_(request: Request) -> Response:
        body = await bodies.read(request, _OPEN)
        return _told(rated.open(body["rater"]))

    async def after(request: Request) -> Response:
        body = await bodies.read(request, _AFTER)
        return _told(rated.after(body["rater"], body["key"]))

    async def rate(request: Request) -> Response:
        body = await bodies.read(request, _RATE)
        return _told(rated.rate(body["rater"], body["key"], body["labels"], body["better"]))

    async def undo(request: Request) -> Response:
        body = await bodies.read(request, _OPEN)
        return _told(rated.undo(body["rater"]))

    asked = {"open": open_, "after": after, "rate": rate, "undo": undo}
    app = Starlette(
        routes=[
            Route("/", index),
            page.route(),
            Route("/rating/about", about),
            *(Route(f"/rating/{name}", endpoint, methods=["POST"]) for name, endpoint in asked.items()),
        ],
        middleware=[Middleware(Guard, state=state, key=key)],
        exception_handlers={UserError: _failed, HTTPException: _failed},
    )
    app.state.codegem = state
    return app


def _told(content: Any) -> Response:
    return Json(content, headers={"Cache-Control": "no-store"})


async def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return Json({"error": f"There is nothing to be had in this way at {request.url.path[:80]}."}, error.status_code)
    return Json({"error": sentence_of(error)}, status_of(error), headers_of(error))
