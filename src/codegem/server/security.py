"""Who may ask: hosts, origins and keys; checked before anything else, for every path.

A server on the loopback can be reached by every page that a browser shows. So a page of another origin is refused
unless it was allowed, whatever method it uses, and so is a request to a name that is not this machine's: a page whose
own name was made to point here (DNS rebinding). Addresses in numbers can't be rebound. With a key, any name will do, as
no page has it.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import logging
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codegem.errors import UsageError, UserError
from codegem.server.failures import Refusal, body_of, sentence_of
from codegem.server.openapi import surface_of
from codegem.server.state import ServerState
from codegem.server.streams import dumps

_LOG = logging.getLogger("codegem.server")
KEY = "CODEGEM_API_KEY"
OPEN = ("/health",)
_LEAST_KEY = 8
# The page runs what it brings along and nothing else; nobody may show it inside another page.
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_HTML = [(b"content-security-policy", _PAGE.encode()), (b"x-frame-options", b"DENY")]
_METHODS, _KEPT = b"GET, POST, OPTIONS", b"600"


def read_key(file: Path | None) -> str:
    """The key that requests must carry: from a file, or from the environment; "" where there is none.

    It is never an argument: others on the machine can read those.

    Raises:
        UserError: the file can't be read, or the key is too short or holds what no header can.
    """
    where = f"The file {file}" if file else f"The environment variable {KEY}"
    try:
        key = file.read_text(encoding="utf-8") if file else os.environ.get(KEY, "")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{where} with the key can't be read ({error}).") from None
    key = key.strip()
    if not key and not file:
        return ""
    if len(key) < _LEAST_KEY or not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(f"{where} must hold a key of at least {_LEAST_KEY} letters, digits and signs, on one line.")
    return key


def require_key(host: str, key: str) -> None:
    """Raise a UsageError where a server would listen beyond this machine without a key."""
    if not key and not is_loopback(host):
        raise UsageError(
            f"On {host} other machines could use the model; set {KEY} or give --key-file FILE first, "
            "or leave --host out."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("")
    (True, True, False, False)
    """
    address = _address(host)
    return address.is_loopback if address else host.lower() == "localhost"


class Guard:
    """Answers what may not be asked, and lets everything else through.

    Args:
        key: that requests must carry; "" for none.
        origins: of pages that may ask besides the server's own, such as http://localhost:5173; "*" for all.
    """

    def __init__(self, app: ASGIApp, state: ServerState, key: str = "", origins: Collection[str] = ()):
        self._app, self._state = app, state
        self._key = _hash(key) if key else b""
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._added(message, origin, scope)]
            await send(message)

        try:
            self._check(scope, headers, origin)
            if scope["method"] == "OPTIONS" and origin:
                await _say(answer, 204, b"")
            else:
                await self._app(scope, receive, answer)
        except Refusal as error:
            body = dumps(body_of(scope["path"], error.status, str(error)))
            await _say(answer, error.status, body, error.headers)
        except ClientDisconnect:
            status = status or 499  # as nginx counts it
        except Exception as error:
            _LOG.exception("%s %s failed", scope["method"], scope["path"])
            if status:  # the answer has begun: all that is left is to break it off
                raise
            await _say(answer, 500, dumps(body_of(scope["path"], 500, sentence_of(error))))
        finally:
            if self._state.metrics and status:
                self._state.metrics.request(surface_of(scope), status)

    def _check(self, scope: Scope, headers: dict[bytes, bytes], origin: str) -> None:
        """Raise a Refusal for what may not be asked."""
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._key and not _is_local_name(host):
            raise Refusal(
                403, f"This server does not answer to the name {host[:80]!r}; use localhost, or start it with a key."
            )
        if origin and not self._is_allowed(origin, host):
            raise Refusal(
                403, f"Pages of {origin[:80]} may not ask; start the server with --allow-origin {origin[:80]}."
            )
        if scope["method"] == "OPTIONS" and origin:
            return  # browsers ask this without a key
        if self._key and scope["path"] not in OPEN and not self._has_key(headers):
            page = b"text/html" in headers.get(b"accept", b"")
            scheme = 'Basic realm="codegem", charset="UTF-8"' if page else "Bearer"
            raise Refusal(401, "A key is wanted: send it as Authorization: Bearer KEY.", {"WWW-Authenticate": scheme})

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        given = [headers.get(name, b"") for name in (b"x-api-key", b"api-key")]
        scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
        given.append(_password(value) if scheme.lower() == b"basic" else value.strip())
        # All are compared, so that the time tells nothing.
        return any([hmac.compare_digest(hashlib.sha256(one).digest(), self._key) for one in given])

    def _is_allowed(self, origin: str, host: str) -> bool:
        """Whether a page may ask: our own, also where a proxy gave it another scheme, or one that was let in."""
        return "*" in self._origins or origin in self._origins or origin.partition("://")[2] == host != ""

    def _added(self, message: Message, origin: str, scope: Scope) -> Iterable[tuple[bytes, bytes]]:
        """Headers that every answer gets."""
        kind = next((value for name, value in message.get("headers", ()) if name.lower() == b"content-type"), b"")
        yield from _ALWAYS
        if kind.startswith(b"text/html"):
            yield from _HTML
        if origin and ("*" in self._origins or origin in self._origins):
            yield b"access-control-allow-origin", origin.encode("latin-1")
            yield b"vary", b"Origin"
            if scope["method"] == "OPTIONS":
                asked = dict(scope["headers"]).get(b"access-control-request-headers", b"authorization, content-type")
                yield b"access-control-allow-methods", _METHODS
                yield b"access-control-allow-headers", asked
                yield b"access-control-max-age", _KEPT


async def _say(send: Send, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """A whole answer."""
    named = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    named += [(b"content-length", str(len(body)).encode())] + ([(b"content-type", b"application/json")] if body else [])
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})


def _is_local_name(host: str) -> bool:
    """Whether a Host header names this machine in a way that nobody else can give a meaning to.

    >>> [_is_local_name(host) for host in ("localhost:8080", "127.0.0.1", "[::1]:1", "evil.example:8080", "")]
    [True, True, True, False, True]
    """
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    return not name or name.rstrip(".") == "localhost" or name.endswith(".localhost") or _address(name) is not None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _password(credentials: bytes) -> bytes:
    """The password of HTTP's basic authentication, which is how browsers send a key for a page."""
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except (ValueError, binascii.Error):
        return b""


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
