"""What becomes of suggestions: Tabby's `POST /v1/events`, and the counts at `GET /codegem/stats`.

Events are counted by `assist.acceptance` in a file on this machine; the answer is the same whether that works or not.
"""

import asyncio
from dataclasses import asdict
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from codegem.assist.acceptance import Acceptance
from codegem.server import bodies, schema
from codegem.server.failures import Refusal
from codegem.server.openapi import described
from codegem.server.state import ServerState
from codegem.server.streams import Json

_DAYS = 30
_KINDS = ("view", "select", "dismiss")
BODY = schema.record(
    {
        "type": schema.text("What became of it: view, select or dismiss.", one_of=_KINDS),
        "completion_id": schema.text("The id of the answer that brought it.", most=128),
        "choice_index": schema.whole(0),
        "view_id": schema.text("Of one time that it was shown."),
        "elapsed": schema.number(0, None, "Milliseconds that it was shown."),
        "select_kind": schema.text("line where only its first line was taken."),
    },
    required=("type", "completion_id"),
)
_COUNTS = {name: schema.whole(0) for name in ("shown", "accepted", "dismissed", "characters", "lines")}
_STATS = schema.record(
    {
        "days": schema.whole(1),
        "kept": schema.text("The file with the counts; null where they are in memory."),
        "total": schema.record({**_COUNTS, "acceptance": schema.number(0, 1)}),
        "rows": schema.items(
            schema.record({"day": schema.text(), "client": schema.text(), "language": schema.text(), **_COUNTS})
        ),
    },
    required=("total", "rows"),
)


def routes(state: ServerState) -> list[BaseRoute]:
    """`/v1/events` and `/codegem/stats`."""

    @described("Tell what became of a suggestion", "tabby", body=BODY)
    async def event(http_request: HttpRequest) -> Response:
        body = await bodies.read(http_request, BODY)
        line_only = "line" in (body.get("select_kind"), http_request.query_params.get("select_kind"))
        if state.metrics:
            state.metrics.event(body["type"])
        if state.acceptance:
            await asyncio.to_thread(_count, state.acceptance, body["type"], body["completion_id"], line_only)
        return Response(status_code=200)

    @described(f"How often suggestions were taken in {_DAYS} days", "codegem", answer=_STATS)
    async def stats(http_request: HttpRequest) -> Response:
        if not state.acceptance:
            raise Refusal(404, "Nothing is counted: the server was started without statistics.")
        return Json(await asyncio.to_thread(_stats, state.acceptance))

    return [Route("/v1/events", event, methods=["POST"]), Route("/codegem/stats", stats)]


def _count(acceptance: Acceptance, kind: str, id: str, line_only: bool) -> None:
    if kind == "view":
        acceptance.shown(id)
    elif kind == "select":
        acceptance.accepted(id, line_only=line_only)
    else:
        acceptance.dismissed(id)


def _stats(acceptance: Acceptance) -> dict[str, Any]:
    total = {name: count for name, count in asdict(acceptance.total(_DAYS)).items() if name in _COUNTS}
    rate = total["accepted"] / total["shown"] if total["shown"] else 0.0
    return {
        "days": _DAYS,
        "kept": str(acceptance.path) if acceptance.is_kept else None,
        "total": {**total, "acceptance": round(min(1.0, rate), 4)},
        "rows": [asdict(row) for row in acceptance.rows(_DAYS)],
    }
