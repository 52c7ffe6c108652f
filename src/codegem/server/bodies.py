"""Reading the body of a request: bounded in size and time, JSON whatever its type is called, kind in what it reads.

Editors send JSON through curl as a form, or with no type at all, so the type is not looked at.
"""

import asyncio
import json
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from codegem.server import schema
from codegem.server.failures import Refusal

MOST_BYTES = 8 << 20
IDLE_SECONDS = 20.0


async def read(http_request: Request, wanted: schema.Schema) -> dict[str, Any]:
    """The object in a body, read by its schema.

    Raises:
        UserError: it does not fit.
    """
    return schema.check(await read_json(http_request), wanted)


async def read_json(http_request: Request) -> dict[str, Any]:
    """The object in a body as it was sent.

    Raises:
        Refusal: the body is too long, came too slowly, or is no object of JSON.
    """
    content = await read_bytes(http_request)
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise Refusal(400, f"The body is not UTF-8 (byte {error.start}); send JSON in UTF-8.") from None
    except RecursionError:
        raise Refusal(400, "The body is nested too deeply; send a flat object.") from None
    except ValueError as error:
        raise Refusal(400, f"The body is not JSON ({error}); send an object.") from None
    if not isinstance(found, dict):
        raise Refusal(400, f"The body is {_kind(found)}; it must be an object of JSON.")
    return found


async def read_bytes(http_request: Request, most: int = MOST_BYTES) -> bytes:
    """A body as it is.

    Raises:
        Refusal: it is too long, or came too slowly.
    """
    announced = http_request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > most:
        raise _too_long(most)
    parts, size = [], 0
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await http_request.receive()
        except TimeoutError:
            raise Refusal(
                408, f"Nothing more of the body came for {IDLE_SECONDS:g} seconds; send it again.", _CLOSE
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_long(most)
        if not message.get("more_body"):
            return b"".join(parts)


_CLOSE = {"Connection": "close"}


def _too_long(most: int) -> Refusal:
    return Refusal(413, f"The body has more than {most} bytes, which is the limit; send less code.", _CLOSE)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _kind(value: object) -> str:
    names = {str: "a text", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
