"""OpenAI's chat, asked by OpenAI's own client."""

import pytest

from codegem.generate import Conversation
from codegem.text.chat import Turn

from .serving import Served

openai = pytest.importorskip("openai", reason="the openai package is not installed")

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Why?"}]}]


def test_an_answer(fake: Served):
    with openai.OpenAI(base_url=f"{fake.url}/v1", api_key="any") as client:
        answer = client.chat.completions.create(
            model="any", messages=ASKED, max_completion_tokens=9, stop=["\n\n"], n=2, logprobs=True, top_logprobs=1
        )
        request = fake.service.tickets[-1].request
        assert request.prompt == Conversation((Turn("user", "Be brief.\n\nWhy?"),))
        assert (request.max_tokens, request.stop, request.probabilities) == (9, ("\n\n",), 1)
        assert [choice.message.content for choice in answer.choices] == ["hello again"] * 2
        assert answer.choices[0].finish_reason == "stop" and answer.object == "chat.completion"
        content = answer.choices[0].logprobs.content
        assert [token.token for token in content] == ["hello ", "again"] and content[0].top_logprobs[
            0
        ].token == "hello "
        assert answer.usage and answer.usage.completion_tokens == 4


def test_a_stream(fake: Served):
    with openai.OpenAI(base_url=f"{fake.url}/v1", api_key="any") as client:
        events = list(
            client.chat.completions.create(
                model="any", messages=ASKED, stream=True, stream_options={"include_usage": True}
            )
        )
    assert events[0].choices[0].delta.role == "assistant" and events[0].object == "chat.completion.chunk"
    assert "".join(event.choices[0].delta.content or "" for event in events[:-1]) == "hello again"
    assert events[-2].choices[0].finish_reason == "stop"
    assert events[-1].choices == [] and events[-1].usage.prompt_tokens == 7


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "no question"),
        ([{"role": "wizard", "content": "x"}], "wizard"),
        ([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "ends with an answer"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "text"),
        ("hello", "messages"),
    ],
)
def test_conversations_that_are_none(fake: Served, messages: object, words: str):
    answer = fake.post("/v1/chat/completions", {"messages": messages})
    assert answer.status_code == 400 and words in answer.json()["error"]["message"]


def test_a_model_that_was_not_tuned_to_chat_says_what_to_load(nano: Served):
    with (
        openai.OpenAI(base_url=f"{nano.url}/v1", api_key="any") as client,
        pytest.raises(openai.BadRequestError) as caught,
    ):
        client.chat.completions.create(model="nano", messages=ASKED)
    assert "google/codegemma-7b-it" in str(caught.value)


def test_llama_vims_warming_of_a_conversation(fake: Served):
    body = {"id_slot": 3, "messages": ASKED, "samplers": [], "n_predict": 0, "stream": False, "response_fields": [""]}
    assert fake.post("/v1/chat/completions", body).status_code == 200
    assert fake.service.tickets[-1].request.max_tokens == 0
