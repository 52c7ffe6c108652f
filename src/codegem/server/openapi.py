"""The OpenAPI 3.1 document: what every endpoint takes and gives, from declarations that stand beside the endpoints.

    @described("Fill a hole", "mistral", body=_BODY, answer=_ANSWER, streams="sse")
    async def fill(request): ...

`document` collects them from an application's routes; an endpoint without a declaration, such as a static file, is left
out.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, TypeVar

from starlette.routing import BaseRoute, Route

from codegem.server.schema import Schema, anything

F = TypeVar("F", bound=Callable[..., Any])

_NO_NAME = re.compile(r"\W+")
_MARK = "described_for_openapi"
_STREAMS = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
# What can happen to any request with a body before an endpoint sees it, and to any text that is asked for.
REFUSALS = (400, 401, 403, 408, 413, 429, 503)


@dataclass(frozen=True)
class Operation:
    """What one endpoint takes and gives.

    Attributes:
        surface: whose words it speaks; the label of its requests in /metrics.
        body: of a request, or None without one.
        answer: of status 200: a schema of JSON, or media types with commas between them.
        streams: how the answer comes in parts, when that is asked for.
        refusals: statuses of errors.
    """

    summary: str
    surface: str
    body: Schema | None = None
    answer: Schema | str | None = None
    streams: Literal["sse", "ndjson"] | None = None
    refusals: Sequence[int] = REFUSALS
    status: int = 200


def described(summary: str, surface: str, **rest: Any) -> Callable[[F], F]:
    """Declare an endpoint; the arguments are those of `Operation`."""
    operation = Operation(summary, surface, **rest)

    def declare(endpoint: F) -> F:
        setattr(endpoint, _MARK, operation)
        return endpoint

    return declare


def operation_of(endpoint: object) -> Operation | None:
    """What was declared of an endpoint."""
    return getattr(endpoint, _MARK, None)


def surface_of(scope: Mapping[str, Any]) -> str:
    """The surface that a request was routed to; "none" before that, and for what was not declared.

    An endpoint that two surfaces share says which it was by `scope["codegem.surface"]`.
    """
    operation = operation_of(scope.get("endpoint"))
    return scope.get("codegem.surface") or (operation.surface if operation else "none")


def document(routes: Iterable[BaseRoute], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application.

    Args:
        version: of the program.
    """
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, None] = {}
    for route, operation in _declared(routes):
        tags[operation.surface] = None
        for method in sorted((route.methods or {"GET"}) - {"HEAD", "OPTIONS"}):
            paths.setdefault(route.path_format, {})[method.lower()] = _operation(route, method, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "codegem",
            "version": version,
            "summary": "Code completion and chat in the words of every editor's client",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"key": []}],
    }


def _declared(routes: Iterable[BaseRoute]) -> Iterator[tuple[Route, Operation]]:
    for route in routes:
        if isinstance(route, Route) and (operation := operation_of(route.endpoint)):
            yield route, operation
        elif inner := getattr(route, "routes", None):
            yield from _declared(inner)


def _operation(route: Route, method: str, operation: Operation) -> dict[str, Any]:
    described_: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{method.lower()}_{_NO_NAME.sub('_', route.path_format).strip('_') or 'root'}",
        "tags": [operation.surface],
    }
    if names := list(route.param_convertors):
        described_["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if operation.body is not None:
        described_["requestBody"] = {"required": True, "content": {"application/json": {"schema": operation.body}}}
    return described_ | {"responses": _responses(operation)}


def _responses(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if isinstance(operation.answer, str):
        content |= {kind: {"schema": {"type": "string"}} for kind in operation.answer.split(", ")}
    elif operation.answer is not None:
        content["application/json"] = {"schema": operation.answer}
    if operation.streams:
        content[_STREAMS[operation.streams]] = {}
    done = {"description": HTTPStatus(operation.status).phrase} | ({"content": content} if content else {})
    refused = operation.refusals if operation.body is not None else (401, 403)
    failures = {
        str(status): {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": anything()}}}
        for status in refused
    }
    return {str(operation.status): done} | failures
