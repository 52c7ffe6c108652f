"""What a client is told when something is wrong: a status, one sentence, and the shape that the client's protocol has.

A shape is chosen by the path alone, so that what is refused before any endpoint is reached (a key, a host, a body that
is too long) has the right one too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from codegem.errors import Busy, SourceError, UserError

RETRY_SECONDS = 1
_UNKNOWN = "Something went wrong in the server, and its log says what; the request may be sent again."


class Refusal(UserError):
    """A request that is answered with a status of its own.

    Attributes:
        headers: that the answer carries.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


class Stopping(Refusal):
    """The server is being stopped, or has no model yet; ask again in a moment."""

    def __init__(self, message: str = "The server is stopping; ask again when it runs."):
        super().__init__(503, message, {"Retry-After": str(RETRY_SECONDS)})


def status_of(error: Exception) -> int:
    """The status of an answer that tells of an error.

    >>> status_of(UserError("")), status_of(Busy("")), status_of(KeyError(""))
    (400, 429, 500)
    """
    if isinstance(error, Refusal):
        return error.status
    if isinstance(error, Busy):
        return 429
    if isinstance(error, SourceError):
        return 502
    return 400 if isinstance(error, UserError) else 500


def sentence_of(error: Exception) -> str:
    """What a person may read of an error: nothing of what only the log should hold."""
    return str(error) if isinstance(error, UserError) else _UNKNOWN


def headers_of(error: Exception) -> dict[str, str]:
    """Headers of an answer that tells of an error."""
    if isinstance(error, Refusal):
        return error.headers
    return {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, Busy) else {}


def _openai(status: int, message: str) -> dict[str, Any]:
    """As OpenAI's API and llama.cpp's server have it."""
    return {"error": {"message": message, "type": kind_of(status), "param": None, "code": status}}


def _plain(status: int, message: str) -> dict[str, Any]:
    """As Ollama has it."""
    return {"error": message}


def _mistral(status: int, message: str) -> dict[str, Any]:
    """As Mistral's API has it."""
    return {"object": "error", "message": message, "type": kind_of(status), "param": None, "code": str(status)}


# The first that begins as a path does gives its shape. Tabby's clients look at the status alone.
SHAPES: tuple[tuple[str, Callable[[int, str], dict[str, Any]]], ...] = (
    ("/api/", _plain), ("/v1/fim/", _mistral), ("/", _openai),
)  # fmt: skip


def kind_of(status: int) -> str:
    """A status in one word, as programs compare it."""
    kinds = {
        401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error",
        503: "unavailable_error",
    }  # fmt: skip
    return kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")


def body_of(path: str, status: int, message: str) -> dict[str, Any]:
    """The body of an answer that tells of an error, as whoever asks at this path expects it.

    >>> body_of("/api/chat", 400, "It is empty.")
    {'error': 'It is empty.'}
    """
    return next(shape for start, shape in SHAPES if path.startswith(start) or start == "/")(status, message)
