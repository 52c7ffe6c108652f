"""Answers in the shape of llama.cpp's own routes, read from its server's source (tools/server, September 2026)."""

from collections.abc import Mapping, Sequence
from typing import Any

from codegem.generate import Chunk, StopReason, Usage
from codegem.server import schema
from codegem.server.openai_answers import chat_logprobs, timings
from codegem.server.state import ServerState
from codegem.server.tracing import COPIES

_LIMITS = (StopReason.LENGTH, StopReason.COPIED)  # it knows no other word for a text that had to end
TEXT = schema.record(
    {
        "content": schema.text(), "stop": schema.flag(), "truncated": schema.flag("Whether code was cut to fit."),
        "tokens_cached": schema.whole(0), "timings": schema.anything(), **COPIES,
    }
)  # fmt: skip


def whole(
    state: ServerState,
    chunk: Chunk,
    asked: Mapping[str, Any],
    traced: Mapping[str, Any],
    content: str | None = None,
) -> dict[str, Any]:
    """A whole answer, or the last event of a stream.

    Args:
        asked: `prompt`, `settings`, `truncated`, and of the request `id_slot`, `n_probs` and `response_fields`.
        traced: the copies in it, where they are asked for.
        content: in a stream, what has not been sent yet.
    """
    text = chunk.text if content is None else content
    usage, tokens = chunk.usage or Usage(), chunk.tokens
    answer = {
        "index": chunk.index,
        "content": text,
        "tokens": [],
        "id_slot": asked["id_slot"],
        "stop": True,
        "model": state.name,
        "tokens_predicted": tokens,
        "tokens_evaluated": usage.prompt_tokens,
        "generation_settings": asked["settings"],
        "prompt": asked["prompt"],
        "has_new_line": "\n" in chunk.text,
        "truncated": asked["truncated"],
        "stop_type": "limit" if chunk.stop_reason in _LIMITS else "eos",
        "stopping_word": "",
        "tokens_cached": usage.prompt_tokens + tokens,
        "timings": timings(usage, tokens),
        **traced,
    }
    if asked["n_probs"]:
        answer["completion_probabilities"] = chat_logprobs(chunk.probabilities)["content"]
    return picked(answer, asked["response_fields"]) if asked["response_fields"] else answer


def part(chunk: Chunk, asked: Mapping[str, Any], made: int) -> dict[str, Any]:
    """One event of a stream before its last.

    Args:
        made: tokens so far.
    """
    answer = {
        "index": chunk.index, "content": chunk.text, "tokens": [], "stop": False, "id_slot": asked["id_slot"],
        "tokens_predicted": made, "tokens_evaluated": 0,
    }  # fmt: skip
    if asked["n_probs"]:
        answer["completion_probabilities"] = chat_logprobs(chunk.probabilities)["content"]
    return answer


def picked(answer: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The fields that a client wants, each under the whole of its path.

    >>> picked({"content": "x", "timings": {"prompt_n": 3}}, ["timings/prompt_n", "absent", ""])
    {'timings/prompt_n': 3}
    """
    found: dict[str, Any] = {}
    for path in fields:
        value: Any = answer
        for name in path.split("/"):
            value = value.get(name, found) if isinstance(value, Mapping) else found
        if value is not found:
            found[path] = value
    return found
