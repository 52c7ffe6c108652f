"""Answers in Ollama's shapes; times are in nanoseconds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from codegem.generate import Chunk, Token, Usage
from codegem.server import schema
from codegem.server.openai_answers import reason
from codegem.server.tracing import COPIES

_COUNTS = (
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
    "prompt_eval_count",
    "eval_count",
)
_HEAD = {"model": schema.text(), "created_at": schema.text(), "done": schema.flag(), "done_reason": schema.text()}
_LOGPROBS = {"logprobs": schema.items(schema.anything())}
_LAST = {**_HEAD, **_LOGPROBS, **COPIES, **{name: schema.whole(0) for name in _COUNTS}}
GENERATED = schema.record({"response": schema.text(), **_LAST}, required=("model", "created_at", "response", "done"))
ANSWERED = schema.record(
    {
        "message": schema.record({"role": schema.text(), "content": schema.text()}, required=("role", "content")),
        **_LAST,
    },
    required=("model", "created_at", "message", "done"),
)


def part(model: str, said: dict[str, Any], tokens: Sequence[Token] = ()) -> dict[str, Any]:
    """A line before the last.

    Args:
        said: the field `response` or `message`.
    """
    return {**_head(model), **said, "done": False, **_logprobs(tokens)}


def last(
    model: str, said: dict[str, Any], chunk: Chunk, made: int, seconds: float, tokens: Sequence[Token] = ()
) -> dict[str, Any]:
    """The last line, or the only one.

    Args:
        chunk: the last of the text.
        made: tokens of the text.
        seconds: since the request.
    """
    usage = chunk.usage or Usage()
    return {
        **_head(model),
        **said,
        "done": True,
        "done_reason": reason(chunk),
        **_logprobs(tokens),
        "total_duration": _nanoseconds(seconds),
        "load_duration": _nanoseconds(usage.waiting),
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_duration": _nanoseconds(usage.reading),
        "eval_count": made,
        "eval_duration": _nanoseconds(usage.writing),
    }


def loaded(model: str, said: dict[str, Any], keep_alive: Any = None) -> dict[str, Any]:
    """The answer to a request without a question, by which clients load a model or are rid of it."""
    reason = "unload" if str(keep_alive) in ("0", "0s", "0m", "0.0") else "load"
    return {**_head(model), **said, "done": True, "done_reason": reason}


def now() -> str:
    """The time as Ollama writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _head(model: str) -> dict[str, Any]:
    return {"model": model, "created_at": now()}


def _logprobs(tokens: Sequence[Token]) -> dict[str, Any]:
    if not tokens:
        return {}
    rows = [
        {**_likely(token.text, token.logprob), "top_logprobs": [_likely(*other) for other in token.likeliest]}
        for token in tokens
    ]
    return {"logprobs": rows}


def _likely(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _nanoseconds(seconds: float) -> int:
    return max(0, round(seconds * 1e9))
