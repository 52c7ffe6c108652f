"""A request in the words of OpenAI's API, and of the servers that know more of them.

A server of codegem's own gets the parts of a hole as they are and `raw`, so that what comes back is what the engine
would give. A conversation goes to the chat of the API. What the text must begin with only codegem can be told; to
others it is a part of the prompt, which is the same without the healing of a cut token.
"""

from dataclasses import replace
from typing import Any, Literal

from codegem.errors import UserError
from codegem.generate import Conversation, Infill, Request
from codegem.text.fim import Order, prompt_text

Layout = Literal["psm", "spm", "spm-joined", "suffix"]
CODEGEM, LLAMA = "codegem", "llamacpp"  # how they call themselves in their list of models

# What else servers do to probabilities by default, switched off where they are known to understand it.
_PLAIN: dict[str, dict[str, Any]] = {LLAMA: {"top_k": 0, "min_p": 0.0}, "vllm": {"top_k": -1, "min_p": 0.0}}
_ROLES = {"system": "system", "user": "user", "model": "assistant"}


def path_of(request: Request) -> str:
    """Where a request goes, behind the server's address."""
    return "/chat/completions" if isinstance(request.prompt, Conversation) else "/completions"


def payload(request: Request, server: str, model: str, layout: Layout, most_stops: int | None) -> dict[str, Any]:
    """The body of a request.

    Args:
        server: how the server calls itself, "" where it does not say.
        layout: of a hole, for servers that are not codegem's.
        most_stops: how many stop strings the server takes; None for all.
    """
    if server != CODEGEM and request.begin:
        request = replace(request, prompt=_begun(request.prompt, request.begin), begin="")
    asked = {"model": model, **_prompt(request, server, layout)}
    asked |= {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
        "stop": list(request.stop[:most_stops]),
        "stream": True,
        "stream_options": {"include_usage": True},
        **(_PLAIN.get(server, {}) if request.temperature else {}),
        **({"top_k": request.top_k} if request.top_k else {}),
    }
    if request.probabilities is None:
        return asked
    if isinstance(request.prompt, Conversation):
        return asked | {"logprobs": True, "top_logprobs": request.probabilities}
    return asked | {"logprobs": request.probabilities}


def _prompt(request: Request, server: str, layout: Layout) -> dict[str, Any]:
    given = request.prompt
    if isinstance(given, Conversation):
        return {"messages": [{"role": _ROLES[turn.speaker], "content": turn.text} for turn in given.turns]}
    if server == CODEGEM:
        own = {"raw": True, **({"begin": request.begin} if request.begin else {})}
        if isinstance(given, str):
            return {"prompt": given, **own}
        context = [{"path": path, "text": text} for path, text in given.context]
        return {"prompt": given.prefix, "suffix": given.suffix, "path": given.path, "context": context, **own}
    if isinstance(given, str):
        return {"prompt": given}
    if layout == "suffix":
        return {"prompt": given.prefix, "suffix": given.suffix}
    return {
        "prompt": prompt_text(given.prefix, given.suffix, path=given.path, context=given.context, order=Order(layout))
    }


def _begun(prompt: str | Infill | Conversation, begin: str) -> str | Infill | Conversation:
    """A prompt that ends with what the text must begin with."""
    if isinstance(prompt, str):
        return prompt + begin
    if isinstance(prompt, Infill):
        return replace(prompt, prefix=prompt.prefix + begin)
    raise UserError("A server can't be told what an answer must begin with; leave it out.")
