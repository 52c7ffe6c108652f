"""Looking at the server: `/metrics` for Prometheus, `/openapi.json` for programs and `/docs` for people."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

import codegem
from codegem.server import openapi_page
from codegem.server.metrics import CONTENT_TYPE, Gauges
from codegem.server.openapi import described, document
from codegem.server.state import ServerState
from codegem.server.streams import Json

# What a service's numbers mean; those that it has not are left out, and those that are not here too.
_GAUGES = {
    "waiting": ("gauge", "Texts whose prompt nobody reads yet."),
    "active": ("gauge", "Texts that are read or written."),
    "rows": ("gauge", "Rows for texts that are written side by side."),
    "slots": ("gauge", "Beginnings of prompts whose keys and values are kept."),
    "slot_bytes": ("gauge", "Bytes of those."),
    "done": ("counter", "Texts that ended."),
    "cancelled": ("counter", "Texts that nobody wanted the rest of."),
    "failed": ("counter", "Texts that an error ended."),
    "refused": ("counter", "Texts for which there was no room in the line."),
    "prompt_tokens": ("counter", "Tokens of all prompts."),
    "cached_tokens": ("counter", "Tokens of prompts that were at hand from earlier ones."),
    "tokens": ("counter", "Tokens written."),
}


def routes(state: ServerState) -> list[BaseRoute]:
    """`/metrics`, `/openapi.json` and `/docs`."""

    @described("Counts and times in Prometheus' text form", "codegem", answer="text/plain")
    async def metrics(http_request: HttpRequest) -> Response:
        text = state.metrics.text(gauges(state)) if state.metrics else ""
        return Response(text, headers={"content-type": CONTENT_TYPE})

    @described("This document", "codegem", answer={"type": "object"})
    async def openapi(http_request: HttpRequest) -> Response:
        return Json(document(http_request.app.routes, codegem.__version__))

    async def docs(http_request: HttpRequest) -> Response:
        return HTMLResponse(openapi_page.page(document(http_request.app.routes, codegem.__version__)))

    async def style(http_request: HttpRequest) -> Response:
        return Response(openapi_page.STYLE, media_type="text/css")

    return [
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Route("/docs/style.css", style),
    ]


def gauges(state: ServerState) -> Gauges:
    """The numbers that the service keeps, as /metrics names them."""
    if not state.is_ready:
        return {}
    stats = state.service.stats()
    numbers: Mapping[str, Any] = dataclasses.asdict(stats) if dataclasses.is_dataclass(stats) else dict(stats or {})  # type: ignore[arg-type]
    found: dict[str, tuple[str, str, float]] = {}
    for name, (kind, about) in _GAUGES.items():
        if name in numbers:
            unit = f"{name}_total" if kind == "counter" else name
            found[f"engine_{unit}"] = (kind, about, float(numbers[name]))
    return found
