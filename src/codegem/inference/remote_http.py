"""One HTTP request to a server that nobody vouches for: bounded in time and size, and cut from another thread.

The standard library's client is enough: one connection for each request, a stream that is read as it comes, and no
redirect is followed, so that a key never reaches another host.
"""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from codegem.errors import UserError

CONNECT_SECONDS = 10.0
_MOST_ERROR_BYTES = 1 << 16
_PART = 1 << 16
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0


class Lost(Exception):
    """A request got no whole answer.

    Attributes:
        status: of the answer, 0 where none came.
        passing: whether asking again may help.
        wait: seconds after which the server wants to be asked again, 0 where it does not say.
    """

    def __init__(self, reason: str, *, status: int = 0, passing: bool = False, wait: float = 0.0):
        super().__init__(reason)
        self.status = status
        self.passing = passing
        self.wait = wait


@dataclass(frozen=True)
class Address:
    """Where a server is, and which of its models is meant; `model` is "" where the first one is.

    >>> parse_address("http://127.0.0.1:8080/v1#nano")
    Address(scheme='http', host='127.0.0.1', port=8080, path='/v1', model='nano')
    """

    scheme: str
    host: str
    port: int
    path: str
    model: str = ""

    @property
    def url(self) -> str:
        """Without the model."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse_address(text: str) -> Address:
    """An address such as `http://127.0.0.1:8080/v1#name`.

    Raises:
        UserError: it is none, or holds a password or a query.
    """
    example = "give one such as http://127.0.0.1:8080/v1, with #name for one of several models"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UserError(f"The address of the server can't be read ({error}); {example}.") from None
    if "@" in parts.netloc:
        raise UserError(
            f"The address of the server holds a user's name; put the key into CODEGEM_API_KEY and {example}."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise UserError(f"{text!r} is no address of a server; {example}.")
    if not (parts.path + parts.hostname).isascii() or any(character <= " " for character in parts.path):
        raise UserError(f"{text!r} holds characters that no address has; {example}.")
    return Address(
        parts.scheme,
        parts.hostname,
        port or (443 if parts.scheme == "https" else 80),
        parts.path.rstrip("/"),
        parts.fragment,
    )


class Exchange:
    """One request and its answer.

    Args:
        silence: seconds without progress after which `overdue` holds. Progress is what the caller says it is, so that
            a server which sends blanks for ever counts as silent.
    """

    def __init__(self, address: Address, headers: Mapping[str, str], silence: float):
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(address.host, address.port, timeout=CONNECT_SECONDS)
        self._address = address
        self._headers = headers
        # Kept here, as a connection lets go of its socket once an answer without a length has begun.
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self._cut = ""
        self.silence = silence
        self._moved_at = time.monotonic()

    def progress(self) -> None:
        """The answer went on."""
        self._moved_at = time.monotonic()

    @property
    def overdue(self) -> bool:
        """Whether the answer has not gone on for too long."""
        return time.monotonic() - self._moved_at > self.silence

    def cut(self, reason: str) -> None:
        """End the exchange from another thread: whoever reads it gets `Lost(reason)`."""
        self._cut = self._cut or reason
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                # Not the method of a secure socket, which is not made for two threads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Cut the exchange if it takes longer."""
        watch = threading.Timer(seconds, self.cut, [f"no whole answer came within {seconds:g} seconds"])
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def close(self) -> None:
        """Let go of the connection; the server sees that nobody reads any more."""
        self.cut("it was closed")
        self._connection.close()
        if self._response is not None:
            self._response.close()

    def send(self, method: str, path: str, payload: Mapping[str, Any] | None = None) -> Iterator[bytes]:
        """The body of the answer in parts, as they come.

        Raises:
            Lost: there is no connection, no answer, another status than 200, or the answer broke off.
        """
        body = None if payload is None else json.dumps(payload).encode()
        try:
            self._connect()
            self._connection.request(method, self._address.path + path, body, dict(self._headers))
            self._response = response = self._connection.getresponse()
            if response.status != 200:
                raise self._refusal(response)
            while part := response.read1(_PART):
                yield part
        except TimeoutError:
            raise self._lost(f"nothing came for {self.silence:g} seconds") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(_said(error)) from None
        # A connection that was cut looks like the end of the answer.
        if self._cut:
            raise self._lost("")

    def _connect(self) -> None:
        """Connect, and wait from now on as long as an answer may take."""
        try:
            self._connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise Lost(f"its certificate is not trusted ({error.verify_message})") from None
        except TimeoutError:
            raise Lost(f"no connection within {CONNECT_SECONDS:g} seconds", passing=True) from None
        except (OSError, UnicodeError) as error:
            raise Lost(f"no connection ({_said(error)})", passing=True) from None
        connected: socket.socket = self._connection.sock
        connected.settimeout(self.silence)
        self._socket = connected
        if self._cut:
            raise self._lost("")

    def _lost(self, reason: str) -> Lost:
        return Lost(self._cut or reason, passing=True)

    def _refusal(self, response: http.client.HTTPResponse) -> Lost:
        """What a status other than 200 means."""
        said = _message(response.read(_MOST_ERROR_BYTES))
        reason = f"it answered {response.status} {response.reason}" + (f": {said}" if said else "")
        try:
            wait = min(_LONGEST_WAIT, max(0.0, float(response.headers.get("Retry-After") or 0)))
        except ValueError:  # a date; our own waiting has to do
            wait = 0.0
        return Lost(reason, status=response.status, passing=response.status in _PASSING, wait=wait)


def _said(error: BaseException) -> str:
    """What an error says, in one line."""
    if isinstance(error, http.client.IncompleteRead):
        return "the answer broke off"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]


def _message(body: bytes) -> str:
    """The sentence in the body of an error, in one line."""
    text = body.decode(errors="replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return " ".join((error_text(found) or text).split())[:300]


def error_text(body: object) -> str:
    """The message of an error as OpenAI's API has it, or one of its relatives; "" where it is none.

    >>> error_text({"error": {"message": "too long"}}), error_text({"detail": "no"}), error_text({"choices": []})
    ('too long', 'no', '')
    """
    if not isinstance(body, dict):
        return ""
    found = body.get("error") or body.get("detail") or (body.get("message") if body.get("object") == "error" else "")
    if isinstance(found, dict):
        found = found.get("message") or json.dumps(found)
    return str(found) if found else ""
