"""Mistral's fill-in-the-middle."""

import json

import pytest

from codegem.generate import Infill

from .serving import Served

PATH = "/v1/fim/completions"


def test_an_answer_has_the_shape_of_a_chats(fake: Served) -> None:
    answer = fake.post(PATH, {"model": "codestral-latest", "prompt": "a", "suffix": "b"}).json()
    (choice,) = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": "hello again", "tool_calls": None}
    assert choice["finish_reason"] == "stop" and answer["model"] == "fake" and answer["object"] == "chat.completion"
    assert answer["usage"]["completion_tokens"] == 2 and answer["usage"]["total_tokens"] == 9


def test_a_stream(fake: Served) -> None:
    *events, done = fake.events(PATH, {"prompt": "a", "suffix": "b", "stream": True})
    parts = [json.loads(event) for event in events]
    assert done == "[DONE]"
    deltas = [part["choices"][0]["delta"] for part in parts]
    assert "".join(delta["content"] for delta in deltas) == "hello again"
    assert [delta.get("role") for delta in deltas] == ["assistant", *[None] * (len(deltas) - 1)]
    assert parts[-1]["choices"][0]["finish_reason"] == "stop" and parts[-1]["usage"]["prompt_tokens"] == 7
    assert len({part["id"] for part in parts}) == 1


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        ({"prompt": "a.", "suffix": "b"}, Infill("a.", "b")),
        ({"prompt": "a.", "suffix": ""}, Infill("a.", "")),
        ({"prompt": "a"}, "a"),
        ({"prompt": "<|fim_prefix|>a.<|fim_suffix|>b<|fim_middle|>"}, Infill("a.", "b")),
    ],
)
def test_what_is_asked(fake: Served, body: dict, prompt: object) -> None:
    settings = {"max_tokens": 5, "min_tokens": 1, "temperature": 0.5, "top_p": 0.5, "random_seed": 3, "stop": "\n\n"}
    assert fake.post(PATH, {**body, **settings}).status_code == 200
    request = fake.service.tickets[-1].request  # type: ignore[attr-defined]
    assert request.prompt == prompt
    assert (request.max_tokens, request.temperature, request.top_p, request.seed) == (5, 0.5, 0.5, 3)
    assert "\n\n" in request.stop


def test_a_mistake_is_one_sentence_in_mistrals_shape(fake: Served) -> None:
    answer = fake.post(PATH, {"prompt": "a", "random_seed": "x"})
    assert answer.status_code == 400
    assert answer.json()["object"] == "error" and answer.json()["message"].startswith('random_seed is "x"')
