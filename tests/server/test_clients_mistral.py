"""The `mistralai` package, which we did not write, as the client."""

import asyncio

import pytest

from codegem.assist.completion import complete
from codegem.generate import Infill

from .serving import Served

client_of = pytest.importorskip("mistralai.client", reason="the mistralai package is not installed")

PREFIX = "class Box:\n    def get(self):\n        return "
SUFFIX = "\n\n    def set(self, value):\n        self.value = value\n"


@pytest.fixture(scope="module")
def middle(nano: Served) -> str:
    """What the model itself puts into the hole."""
    text = complete(nano.service, nano.state.window, Infill(PREFIX, SUFFIX)).text  # type: ignore[arg-type]
    assert text.strip()
    return text


def test_fill(nano: Served, middle: str) -> None:
    with client_of.Mistral(api_key="any", server_url=nano.url) as client:
        answer = client.fim.complete(
            model="codestral-latest", prompt=PREFIX, suffix=SUFFIX, temperature=0, max_tokens=32
        )
    (choice,) = answer.choices
    assert choice.message.content == middle and choice.finish_reason == "stop"
    assert answer.model == "nano" and answer.usage.completion_tokens > 0


def test_stream(nano: Served, middle: str) -> None:
    with client_of.Mistral(api_key="any", server_url=nano.url) as client:
        events = list(client.fim.stream(model="m", prompt=PREFIX, suffix=SUFFIX, random_seed=3, stop=["\n\n"]))
    parts = [event.data.choices[0] for event in events]
    assert "".join(part.delta.content for part in parts) == middle and parts[-1].finish_reason == "stop"
    assert events[-1].data.usage.prompt_tokens > 10


def test_async(nano: Served, middle: str) -> None:
    async def fill() -> str:
        async with client_of.Mistral(api_key="any", server_url=nano.url) as client:
            answer = await client.fim.complete_async(model="m", prompt=PREFIX, suffix=SUFFIX)
            return answer.choices[0].message.content

    assert asyncio.run(fill()) == middle
