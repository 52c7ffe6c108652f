"""What a server streams: bytes to events to parts of a text.

The stream is server-sent events (WHATWG HTML, section 9.2): lines `data: …`, a blank line after each event, and
`[DONE]` as the last one. Each event is an object of OpenAI's completions or chat API.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from codegem.generate import Token, Usage
from codegem.inference.remote_http import Lost, error_text

MOST_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class Part:
    """What one event says.

    Attributes:
        reason: why the text ended, as the server names it; "" while it goes on.
        tokens: of the whole answer, where the server counts them.
        probabilities: of the tokens of this text, where they were asked for.
        usage: of the whole answer, where the server says it.
    """

    text: str = ""
    reason: str = ""
    tokens: int | None = None
    probabilities: tuple[Token, ...] = ()
    usage: Usage | None = None


def parts(body: Iterable[bytes], *, chat: bool = False) -> Iterator[Part]:
    r"""Parts of an answer; ends at `[DONE]` or with the body.

    Args:
        chat: whether the chat was asked, and not the completions.

    >>> list(parts([b'data: {"choices": [{"text": "a", "finish_re', b'ason": "stop"}]}\n\ndata: [DONE]\n\n']))
    [Part(text='a', reason='stop', tokens=None, probabilities=(), usage=None)]

    Raises:
        Lost: the body is something else, or reports an error.
    """
    for data in _events(_lines(body)):
        if data.strip() == "[DONE]":
            return
        yield _part(data, chat)


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


def _part(data: str, chat: bool) -> Part:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise Lost(f"it sent something that is not JSON: {data[:60]!r}") from None
    if error := error_text(event):
        raise Lost(f"it reports an error: {' '.join(error.split())[:300]}")
    try:
        return _read(event, chat)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Lost(f"it sent something that is no completion: {data[:60]!r}") from None


def _read(event: dict[str, Any], chat: bool) -> Part:
    choices, tokens = event["choices"], (event.get("usage") or {}).get("completion_tokens")
    if not isinstance(choices, list) or not isinstance(tokens, int | None):
        raise TypeError
    usage = _usage(event) if event.get("usage") else None
    if not choices:
        return Part(tokens=tokens, usage=usage)
    choice = choices[0]
    # A choice of the other API has no such field; read as "" it would be a wrong answer.
    text = (choice["delta"] if "delta" in choice else choice["message"]).get("content") if chat else choice["text"]
    reason = choice.get("finish_reason") or ""
    if not isinstance(text, str | None) or not isinstance(reason, str):
        raise TypeError
    # JSON may hold half a surrogate pair, and nothing else may.
    text = (text or "").encode(errors="replace").decode()
    return Part(text, reason, tokens, _probabilities(choice.get("logprobs")), usage)


def _usage(event: dict[str, Any]) -> Usage:
    """What the answer took; `timings` are llama.cpp's and codegem's."""
    counted, times = event["usage"], event.get("timings") or {}
    cached = (counted.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    seconds = [float(times.get(name) or 0) / 1000 for name in ("prompt_ms", "predicted_ms")]
    return Usage(int(counted.get("prompt_tokens") or 0), int(cached), 0.0, *seconds)


def _probabilities(found: Any) -> tuple[Token, ...]:
    """Probabilities as completions or as chat have them."""
    if not found:
        return ()
    if "content" in found:
        return tuple(
            _token(row["token"], row["logprob"], [(other["token"], other["logprob"]) for other in row["top_logprobs"]])
            for row in found["content"] or ()
        )
    rows = zip(found["tokens"], found["token_logprobs"], found["top_logprobs"], strict=True)
    return tuple(_token(text, logprob, (likeliest or {}).items()) for text, logprob, likeliest in rows)


def _token(text: str, logprob: float, likeliest: Iterable[tuple[str, float]]) -> Token:
    return Token(text, logprob, tuple((other, value) for other, value in likeliest if other != text))
