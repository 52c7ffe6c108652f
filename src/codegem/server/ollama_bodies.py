"""What Ollama's clients send, and what it asks of the model."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from codegem.assist.completion import Settings
from codegem.errors import UserError
from codegem.server import schema
from codegem.server.sampling import SEED, STOP, TEMPERATURE, TOP_K, TOP_P, sampling, stops
from codegem.server.tracing import TRACE

DEFAULT_TOKENS = 128
_MOST_LIKELY = 20
_OPTIONS = schema.record(
    {
        "num_predict": schema.whole(
            -2, None, f"Tokens of the answer, {DEFAULT_TOKENS} without it; -1 and -2 are as many as the window leaves."
        ),
        "num_ctx": schema.whole(0, None, "Tokens of prompt and answer; at most, and by default, the model's own."),
        "temperature": TEMPERATURE, "top_k": TOP_K, "top_p": TOP_P, "seed": SEED, "stop": STOP,
    },
    "Others than these are read and change nothing.",
)  # fmt: skip
_COMMON = {
    "model": schema.text("Any name: the model that is served answers."),
    "stream": schema.flag("Send lines of JSON as they are made.", default=True),
    "keep_alive": schema.either(schema.text(), schema.number(), about="The model stays as long as the server does."),
    "options": _OPTIONS,
    "format": schema.either(schema.text(), schema.record({}), about="Only an empty one: no form can be forced."),
    "think": schema.either(schema.flag(), schema.text(), about="Only false: the model does not think aloud."),
    "trace": TRACE,
    "logprobs": schema.flag("Name the probability of each token.", default=False),
    "top_logprobs": schema.whole(0, _MOST_LIKELY, "How many of the likeliest tokens are named too.", default=0),
}
GENERATE = schema.record(
    {
        "prompt": schema.text("What stands before the cursor; empty, the model is only loaded.", default=""),
        "suffix": schema.text("What stands behind the cursor; without it the prompt is continued."),
        "system": schema.text("For a model that chats.", default=""),
        "template": schema.text(
            "With {{ .Prompt }}, {{ .Suffix }}, {{ .System }}; others are not followed.", default=""
        ),
        "raw": schema.flag("The prompt stands for itself; it may hold fill-in-the-middle tokens.", default=False),
        "images": schema.items(schema.anything(), "Only none: the model sees no pictures."),
        **_COMMON,
    }
)
_MESSAGE = schema.record(
    {"role": schema.text(), "content": schema.text(default=""), "images": schema.items(schema.anything())},
    required=("role",),
)
CHAT = schema.record(
    {
        "messages": schema.items(_MESSAGE, "Without one, the model is only loaded."),
        "tools": schema.items(schema.anything(), "Only none: the model calls no tools."),
        **_COMMON,
    }
)
SHOW = schema.record({"model": schema.text(), "name": schema.text("The older word for model.")})

_FIELD = re.compile(r"{{-?\s*\.(Prompt|Suffix|System|Response)\s*-?}}")


def settings_of(body: dict[str, Any], max_tokens: int) -> Settings:
    """How to answer, with at most so many tokens."""
    options = body.get("options", {})
    wanted = body["top_logprobs"] if body["logprobs"] or body["top_logprobs"] else None
    return Settings(max_tokens, stop=stops(options.get("stop")), probabilities=wanted, **sampling(options))


def asked_tokens(body: dict[str, Any], default: int = DEFAULT_TOKENS) -> int:
    """`num_predict`; below 0 there is no limit."""
    return body.get("options", {}).get("num_predict", default)


def refuse_what_is_not_there(body: Mapping[str, Any], messages: Iterable[Mapping[str, Any]] = ()) -> None:
    """Raise a UserError where an answer would not be what was asked for, by a body or by a chat's messages in it."""
    wanted = {
        "format": "The model's words can't be forced into a format; leave format out.",
        "think": "The model does not think aloud; leave think out.",
        "images": "The model sees no pictures; leave images out.",
        "tools": "The model calls no tools; leave tools out.",
    }
    for name, sentence in wanted.items():
        if body.get(name) or any(message.get(name) for message in messages):
            raise UserError(sentence)


def laid_out(body: dict[str, Any]) -> tuple[str, str | None]:
    """The prompt and the suffix, None where there is no hole, once a template of the client's own was followed.

    A template that has a place for the suffix is one for holes, however it names the tokens, and a hole is laid out
    here; any other is filled in if it is nothing but text and fields.

    >>> laid_out({"prompt": "x = ", "template": "# {{ .System }}\\n{{ .Prompt }}", "system": "Hi"})
    ('# Hi\\nx = ', None)
    """
    prompt, suffix, template = body["prompt"], body.get("suffix"), body.get("template", "")
    if suffix is not None or not template or body.get("raw"):
        return prompt, suffix
    fields = _FIELD.findall(template)
    if "Suffix" in fields or "Prompt" not in fields or "{{" in _FIELD.sub("", template):
        return prompt, suffix
    said = {"Prompt": prompt, "System": body.get("system", ""), "Response": ""}
    return _FIELD.sub(lambda field: said[field[1]], template), None
