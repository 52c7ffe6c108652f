"""The model behind a language server: on this machine in a service of its own, or behind an address."""

import json
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.assist.context import Window
    from codegem.data.tracing.index import TraceIndex
    from codegem.generate import TextSource

DEFAULT_CONTEXT = 4096
"""Tokens that a remote model is taken to read where its server does not say."""

_ANSWER_SECONDS = 30.0
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A model that can be asked from any thread.

    Attributes:
        reads_ahead: whether it takes requests for 0 tokens, which only read the prompt.
        close: ends what was started for it.
        index: of a corpus that copies are looked for in.
    """

    source: "TextSource"
    window: "Window"
    reads_ahead: bool
    close: Callable[[], object]
    index: "TraceIndex | None" = None


def open_model(model: str, trace: Path | None = None, longest_copy: int | None = None) -> Opened:
    """A model by its name, as `codegem.load` knows it, or by the address of an OpenAI-compatible server.

    A remote model's code is counted in nano's tokens, which are more than those of a larger vocabulary.

    Args:
        trace, longest_copy: as `codegem.load` has them.

    Raises:
        UserError: there is no such model or index, or the server does not answer.
    """
    from codegem.assist.attribution import open_index, refuse_limit_elsewhere
    from codegem.inference.remote import RemoteModel, is_address

    index, _ = open_index(trace, longest_copy)
    if is_address(model):
        from codegem.assist.context import Window
        from codegem.checkpoints.locate import shipped_directory
        from codegem.text.tokenizer import load_tokenizer

        refuse_limit_elsewhere(longest_copy, model)
        source = RemoteModel(model, timeout=_ANSWER_SECONDS, retries=1)
        tokenizer = load_tokenizer(shipped_directory("nano") / "tokenizer.json")
        return Opened(source, Window(tokenizer, read_context(model)), False, lambda: None, index)

    import codegem
    from codegem.generate import Request
    from codegem.inference.service import Service

    loaded = codegem.load(model, trace=index, longest_copy=longest_copy)
    service = Service(loaded.engine)
    for _ in service.generate([Request("\n", max_tokens=1)]):  # the first text compiles what every text needs
        pass
    service.warm()
    return Opened(service, loaded.window, True, service.close, index)


def read_context(address: str) -> int:
    """How many tokens a remote model reads: as its list of models or llama.cpp's `/props` says, else 4096."""
    listed, name = _get(address, "/models"), urlsplit(address).fragment
    rows = [row for row in _list(listed.get("data")) if isinstance(row, dict) and name in ("", row.get("id"))]
    row = rows[0] if rows else {}
    told = [row.get("context_length"), row.get("max_model_len"), _dict(row.get("meta")).get("n_ctx")]
    if not any(map(_is_size, told)):
        root = urlsplit(address)._replace(path="", fragment="").geturl()
        told.append(_dict(_get(root, "/props").get("default_generation_settings")).get("n_ctx"))
    return next(filter(_is_size, told), DEFAULT_CONTEXT)


def _get(address: str, path: str) -> dict[str, Any]:
    """An object that a server gives; empty where it gives none."""
    from codegem.inference.remote import KEY
    from codegem.inference.remote_http import CONNECT_SECONDS, Exchange, Lost, parse_address

    key, content = os.environ.get(KEY, "").strip(), b""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        exchange = Exchange(parse_address(address), headers, _ANSWER_SECONDS)
        with closing(exchange), exchange.within(CONNECT_SECONDS):
            for part in exchange.send("GET", path):
                content += part
                if len(content) > _MOST_BYTES:
                    return {}
        return _dict(json.loads(content))
    except (Lost, UserError, ValueError, RecursionError):
        return {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and 64 <= value <= 1 << 24
