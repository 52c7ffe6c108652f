"""The `ollama` package, which we did not write, as the client."""

import asyncio
from collections.abc import Callable

import pytest

from codegem.assist.completion import complete
from codegem.generate import Infill

from .fakes import FakeService
from .serving import Served

ollama = pytest.importorskip("ollama", reason="the ollama package is not installed")

PREFIX = "class Box:\n    def get(self):\n        return "
SUFFIX = "\n\n    def set(self, value):\n        self.value = value\n"


@pytest.fixture(scope="module")
def middle(nano: Served) -> str:
    """What the model itself puts into the hole."""
    text = complete(nano.service, nano.state.window, Infill(PREFIX, SUFFIX)).text  # type: ignore[arg-type]
    assert text.strip()
    return text


def test_generate_with_a_suffix_fills_the_hole(nano: Served, middle: str) -> None:
    client = ollama.Client(nano.url)
    whole = client.generate("nano", PREFIX, suffix=SUFFIX)
    assert whole.response == middle and whole.done and whole.done_reason == "stop"
    assert whole.eval_count > 0 and whole.prompt_eval_count > 10 and whole.total_duration > 0
    parts = list(client.generate("nano", PREFIX, suffix=SUFFIX, stream=True))
    assert "".join(part.response for part in parts) == middle and parts[-1].done


def test_raw_with_the_tokens_of_starcoder_and_codegemma(nano: Served, middle: str) -> None:
    client = ollama.Client(nano.url)
    for prompt in (
        f"<fim_prefix>{PREFIX}<fim_suffix>{SUFFIX}<fim_middle>",
        f"<|fim_prefix|>{PREFIX}<|fim_suffix|>{SUFFIX}<|fim_middle|>",
    ):
        assert client.generate("nano", prompt, raw=True).response == middle


def test_options(nano: Served) -> None:
    client = ollama.Client(nano.url)
    one = client.generate("nano", "def f(", raw=True, options=ollama.Options(num_predict=1, temperature=0))
    assert one.eval_count == 1 and one.done_reason == "length"
    sampled = {"temperature": 0.9, "seed": 3, "num_predict": 12, "top_k": 20}
    texts = {client.generate("nano", "def f(", raw=True, options=sampled).response for _ in range(2)}
    assert len(texts) == 1
    stopped = client.generate("nano", "def f(", raw=True, options={"stop": [":"], "num_predict": 32})
    assert ":" not in stopped.response


def test_what_is_served(nano: Served) -> None:
    client = ollama.Client(nano.url)
    assert [row.model for row in client.list().models] == ["nano"]
    shown = client.show("nano")
    assert ".Suffix" in shown.template and "insert" in shown.capabilities
    assert shown.modelinfo["gemma.context_length"] == nano.state.window.length
    assert [row.model for row in client.ps().models] == ["nano"]


def test_chat(serve: Callable[..., Served]) -> None:
    client = ollama.Client(serve(FakeService(), can_chat=True).url)
    messages = [{"role": "user", "content": "Why?"}]
    assert client.chat("m", messages).message.content == "hello again"
    parts = list(client.chat("m", messages, stream=True))
    assert "".join(part.message.content for part in parts) == "hello again" and parts[-1].done_reason == "stop"


def test_a_pretrained_model_asked_to_chat_says_what_to_load(nano: Served) -> None:
    with pytest.raises(ollama.ResponseError, match="codegemma") as error:
        ollama.Client(nano.url).chat("nano", [{"role": "user", "content": "Why?"}])
    assert error.value.status_code == 400


def test_async_several_at_once(nano: Served, middle: str) -> None:
    async def fill() -> list[str]:
        client = ollama.AsyncClient(nano.url)
        whole = [client.generate("nano", PREFIX, suffix=SUFFIX) for _ in range(4)]
        answers = [answer.response for answer in await asyncio.gather(*whole)]
        stream = await client.generate("nano", PREFIX, suffix=SUFFIX, stream=True)
        return [*answers, "".join([part.response async for part in stream])]

    assert asyncio.run(fill()) == [middle] * 5
