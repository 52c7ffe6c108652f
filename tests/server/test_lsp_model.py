"""The model behind a language server: how much a remote one reads, and a session with one."""

import asyncio
from typing import Any

import pytest

from codegem.server.lsp.model import DEFAULT_CONTEXT, open_model, read_context

from ..inference.fake_openai import Handler, serving, words
from .lsp_client import inline, session


def models(row: dict[str, Any], props: Any = None) -> Any:
    """What a server answers to GET."""

    def answer(handler: Handler) -> None:
        if handler.path == "/props":
            handler.say(200 if props is not None else 404, props or {})
        else:
            handler.say(200, {"data": [{"id": "other"}, {"id": "fake"} | row]})

    return answer


@pytest.mark.parametrize(
    ("row", "props", "length"),
    [
        ({"context_length": 320}, None, 320),
        ({"max_model_len": 8192}, None, 8192),
        ({"meta": {"n_ctx": 2048}}, None, 2048),
        ({}, {"default_generation_settings": {"n_ctx": 1024}}, 1024),
        ({"meta": "none", "context_length": "many"}, {"default_generation_settings": []}, DEFAULT_CONTEXT),
        ({"context_length": -1}, None, DEFAULT_CONTEXT),
    ],
)
def test_how_much_a_remote_model_reads(row: dict[str, Any], props: Any, length: int) -> None:
    with serving(words, models(row, props)) as server:
        assert read_context(f"{server.address}#fake") == length


def test_a_server_that_says_nothing_of_itself() -> None:
    with serving(words, lambda handler: handler.say(200, b"[" * 5000)) as server:
        assert read_context(server.address) == DEFAULT_CONTEXT


def test_a_session_with_a_remote_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEGEM_API_KEY", raising=False)
    with serving(lambda handler, payload: words(handler, payload, ["turn", " a"])) as server:

        async def run() -> None:
            async with session(None, open_model=lambda: open_model(server.address)) as one:
                await one.open("def f(a):\n    re\n")
                found = await one.call("textDocument/inlineCompletion", inline((1, 6)))
                assert found["items"][0]["insertText"] == "return a"

        asyncio.run(run())
        assert "def f(a):\n    re" in server.asked[0]["prompt"]
