"""Answers in the shapes of OpenAI's completions and chat, for whole answers and for the events of a stream."""

import secrets
import time
from collections.abc import Sequence
from typing import Any

from codegem.generate import Chunk, StopReason, Token, Usage
from codegem.server import schema
from codegem.server.state import ServerState
from codegem.server.tracing import COPIES

_USAGE = schema.record({name: schema.whole(0) for name in ("prompt_tokens", "completion_tokens", "total_tokens")})
_HEAD = {name: schema.text() for name in ("id", "object", "model")} | {"created": schema.whole(0)}
_REASON = schema.text(one_of=("stop", "length", "content_filter"))


def _answer(choice: dict[str, schema.Schema]) -> schema.Schema:
    choices = schema.items(schema.record({"index": schema.whole(0), "finish_reason": _REASON, **choice, **COPIES}))
    return schema.record({**_HEAD, "choices": choices, "usage": _USAGE}, required=("id", "object", "choices"))


TEXTS = _answer({"text": schema.text(), "logprobs": schema.anything()})
CHAT = _answer(
    {"message": schema.record({"role": schema.text(), "content": schema.text()}), "logprobs": schema.anything()}
)


class Tally:
    """What the texts of one answer took together, counted while they come."""

    def __init__(self):
        self._tokens = 0
        self._usages: dict[int, Usage] = {}

    def add(self, chunk: Chunk) -> None:
        """Count a chunk."""
        self._tokens += chunk.tokens
        if chunk.usage:
            self._usages[chunk.index] = chunk.usage

    def usage(self) -> dict[str, Any]:
        """The fields `usage` and, of one text, `timings` as llama.cpp has them."""
        prompt = sum(usage.prompt_tokens for usage in self._usages.values())
        counted = {
            "prompt_tokens": prompt,
            "completion_tokens": self._tokens,
            "total_tokens": prompt + self._tokens,
            "prompt_tokens_details": {"cached_tokens": sum(usage.cached_tokens for usage in self._usages.values())},
        }
        only = next(iter(self._usages.values())) if len(self._usages) == 1 else None
        return {"usage": counted, **({"timings": timings(only, self._tokens)} if only else {})}


def usage(chunks: Sequence[Chunk]) -> dict[str, Any]:
    """`Tally.usage` of whole texts."""
    tally = Tally()
    for chunk in chunks:
        tally.add(chunk)
    return tally.usage()


def timings(usage: Usage, tokens: int) -> dict[str, Any]:
    """What a text took, as llama.cpp's server says it: milliseconds, and tokens a second."""
    read = usage.prompt_tokens - usage.cached_tokens
    return {
        "cache_n": usage.cached_tokens,
        **_speed("prompt", read, usage.reading),
        **_speed("predicted", tokens, usage.writing),
    }


def _speed(name: str, count: int, seconds: float) -> dict[str, Any]:
    return {
        f"{name}_n": count,
        f"{name}_ms": round(1000 * seconds, 3),
        f"{name}_per_token_ms": round(1000 * seconds / count, 3) if count else 0.0,
        f"{name}_per_second": round(count / seconds, 3) if seconds else 0.0,
    }


def head(state: ServerState, kind: str) -> dict[str, Any]:
    """What every event of an answer begins with."""
    mark = "chatcmpl" if kind.startswith("chat") else "cmpl"
    return {
        "id": f"{mark}-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": state.name,
    }  # fmt: skip


def text_choice(chunk: Chunk, before: str = "", logprobs: bool = False, offset: int = 0) -> dict[str, Any]:
    """One text, or a part of it.

    Args:
        before: what it begins with.
        offset: characters that came before this part.
    """
    return {
        "index": chunk.index,
        "text": before + chunk.text,
        "logprobs": text_logprobs(chunk.probabilities, offset + len(before)) if logprobs else None,
        "finish_reason": reason(chunk),
    }


def reason(chunk: Chunk) -> str | None:
    """Why a text ended, in OpenAI's words; one that would have repeated too much of a source was filtered."""
    if chunk.stop_reason is None:
        return None
    return {StopReason.LENGTH: "length", StopReason.COPIED: "content_filter"}.get(chunk.stop_reason, "stop")


def text_logprobs(tokens: Sequence[Token], offset: int) -> dict[str, Any]:
    """Probabilities as completions have them."""
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.text)
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [dict([*_likeliest(token), (token.text, token.logprob)]) for token in tokens],
        "text_offset": offsets,
    }


def chat_logprobs(tokens: Sequence[Token]) -> dict[str, Any]:
    """Probabilities as chat has them."""
    return {
        "content": [
            {
                **_likely(token.text, token.logprob),
                "top_logprobs": [_likely(text, logprob) for text, logprob in _likeliest(token)],
            }
            for token in tokens
        ]
    }


def _likeliest(token: Token) -> list[tuple[str, float]]:
    """As many of the likeliest tokens as were asked for, the one that was taken among them if it is one."""
    together = sorted([(token.text, token.logprob), *token.likeliest], key=lambda one: -one[1])
    return together[: len(token.likeliest)]


def _likely(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
