"""What a server streams: bytes to events to parts of a text.

The stream is server-sent events (WHATWG HTML, section 9.2): lines `data: …`, a blank line after each event, and
`[DONE]` as the last one. Each event is an object of OpenAI's completions API.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from codegem.inference.remote_http import Lost, error_text

MOST_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class Part:
    """What one event says.

    Attributes:
        reason: why the text ended, as the server names it; "" while it goes on.
        tokens: of the whole answer, where the server counts them.
    """

    text: str = ""
    reason: str = ""
    tokens: int | None = None


def parts(body: Iterable[bytes]) -> Iterator[Part]:
    r"""Parts of an answer; ends at `[DONE]` or with the body.

    >>> list(parts([b'data: {"choices": [{"text": "a", "finish_re', b'ason": "stop"}]}\n\ndata: [DONE]\n\n']))
    [Part(text='a', reason='stop', tokens=None)]

    Raises:
        Lost: the body is something else, or reports an error.
    """
    for data in _events(_lines(body)):
        if data.strip() == "[DONE]":
            return
        yield _part(data)


def _lines(body: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for part in body:
        *whole, held = (held + part).split(b"\n")
        yield from whole
        if len(held) > MOST_LINE_BYTES:
            raise Lost(f"it sent a line of more than {MOST_LINE_BYTES >> 20} MiB")
    if held:
        yield held


def _events(lines: Iterable[bytes]) -> Iterator[str]:
    """The data of each event. A body that is one object of JSON, from a server that does not stream, is an event."""
    data: list[str] = []
    for line in lines:
        try:
            text = line.decode().removesuffix("\r")
        except UnicodeDecodeError:
            raise Lost("it sent something that is not UTF-8") from None
        name, colon, value = text.partition(":")
        if text.startswith("{"):
            data.append(text)
        elif name == "data" and colon:
            data.append(value.removeprefix(" "))
        elif not text and data:
            yield "\n".join(data)
            data.clear()
        elif text and name not in ("", "event", "id", "retry"):
            raise Lost(f"it sent something that is no stream of events: {text[:60]!r}")
        if sum(map(len, data)) > MOST_LINE_BYTES:
            raise Lost(f"it sent an event of more than {MOST_LINE_BYTES >> 20} MiB")
    if data:
        yield "\n".join(data)


def _part(data: str) -> Part:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise Lost(f"it sent something that is not JSON: {data[:60]!r}") from None
    if error := error_text(event):
        raise Lost(f"it reports an error: {' '.join(error.split())[:300]}")
    try:
        return _read(event)
    except (AttributeError, KeyError, TypeError):
        raise Lost(f"it sent something that is no completion: {data[:60]!r}") from None


def _read(event: dict[str, Any]) -> Part:
    choices, tokens = event["choices"], (event.get("usage") or {}).get("completion_tokens")
    if not isinstance(choices, list) or not isinstance(tokens, int | None):
        raise TypeError
    if not choices:
        return Part(tokens=tokens)
    # A choice without `text` is of another API, such as that of chats; read as "" it would be a wrong answer.
    text, reason = choices[0]["text"], choices[0].get("finish_reason") or ""
    if not isinstance(text, str | None) or not isinstance(reason, str):
        raise TypeError
    # JSON may hold half a surrogate pair, and nothing else may.
    return Part((text or "").encode(errors="replace").decode(), reason, tokens)
