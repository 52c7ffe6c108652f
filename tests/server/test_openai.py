"""OpenAI's completions, asked by OpenAI's own client."""

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest

from codegem.generate import Infill, Request
from codegem.text.tokenizer import ByteTokenizer

from .fakes import FakeService
from .serving import Served, eventually

openai = pytest.importorskip("openai", reason="the openai package is not installed")
Serve = Callable[..., Served]

PREFIX = "class A:\n    def __init__(self, name):\n        self."
SUFFIX = "\n\n    def get(self):\n        return self.name\n"


@pytest.fixture
def client(nano: Served) -> Iterator["openai.OpenAI"]:
    with openai.OpenAI(base_url=f"{nano.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def asked(served: Served) -> Request:
    """The last request that a fake service got."""
    return served.service.tickets[-1].request


def test_a_hole_is_filled_as_codegem_complete_fills_it(client: "openai.OpenAI", nano: Served):
    from codegem.assist.completion import Settings, complete

    expected = complete(nano.service, nano.state.window, Infill(PREFIX, SUFFIX), Settings(32))
    answer = client.completions.create(model="any", prompt=PREFIX, suffix=SUFFIX, max_tokens=32)
    assert answer.model == "nano" and answer.object == "text_completion"
    assert answer.choices[0].text == expected.text != ""
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage and answer.usage.prompt_tokens > 10 and answer.usage.completion_tokens >= 1
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_is_the_same_text_in_parts(client: "openai.OpenAI"):
    whole = client.completions.create(model="nano", prompt=PREFIX, suffix=SUFFIX, max_tokens=32)
    events = list(
        client.completions.create(
            model="nano",
            prompt=PREFIX,
            suffix=SUFFIX,
            max_tokens=32,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(event.choices[0].text for event in events[:-1]) == whole.choices[0].text
    assert [event.choices[0].finish_reason for event in events[:-1]][-1] == whole.choices[0].finish_reason
    assert events[-1].choices == [] and events[-1].usage and events[-1].usage.prompt_tokens
    assert len({event.id for event in events}) == 1


def test_the_client_that_is_asynchronous(nano: Served):
    async def run() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{nano.url}/v1", api_key="any") as client:
            texts = [client.completions.create(model="nano", prompt=PREFIX, max_tokens=8) for _ in range(4)]
            return [answer.choices[0].text for answer in await asyncio.gather(*texts)]

    assert len(set(asyncio.run(run()))) == 1


def test_closing_a_stream_cancels(serve: Serve):
    service = FakeService(["word "], endless=True)
    served = serve(service)
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="any") as client:
        stream = client.completions.create(model="x", prompt="x", max_tokens=10**6, stream=True)
        assert next(iter(stream)).choices[0].text.startswith("word")
        stream.close()
    assert service.tickets[0].cancelled.wait(5)


def test_several_prompts_and_several_texts(fake: Served):
    answer = fake.post("/v1/completions", {"prompt": ["a", "b"], "n": 2, "echo": True}).json()
    assert [choice["text"] for choice in answer["choices"]] == ["ahello again"] * 2 + ["bhello again"] * 2
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["completion_tokens"] == 8
    events = fake.events("/v1/completions", {"prompt": ["a", "b"], "echo": True, "stream": True})
    assert events.pop() == "[DONE]"
    texts = ["", ""]
    for event in map(json.loads, events):
        (choice,) = event["choices"]
        texts[choice["index"]] += choice["text"]
    assert texts == ["ahello again", "bhello again"]


def test_settings_reach_the_model(fake: Served):
    body = {
        "prompt": "x",
        "max_tokens": 3,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "seed": -1 % 2**40,
        "stop": "\n\n",
    }
    fake.post("/v1/completions", body)
    expected = Request("x", 3, ("\n\n",), 0.5, 0.9, seed=2**32 - 1, top_k=7)
    assert asked(fake) == expected
    fake.post("/v1/completions", {"prompt": "x", "stop": ["a", "", "b"], "top_p": 0, "max_tokens": -1})
    assert asked(fake).stop == ("a", "b") and 0 < asked(fake).top_p < 0.01 and asked(fake).max_tokens == 64


def test_without_a_seed_texts_differ_and_with_one_they_do_not(fake: Served):
    seeds = []
    for body in ({"temperature": 1}, {"temperature": 1}, {"temperature": 1, "seed": 5}, {}):
        fake.post("/v1/completions", {"prompt": "x", **body})
        seeds.append(asked(fake).seed)
    assert seeds[0] != seeds[1] and seeds[2:] == [5, 0]
    fake.post("/v1/completions", {"prompt": "x", "temperature": 1, "seed": 5, "n": 2})
    assert [ticket.request.seed for ticket in fake.service.tickets[-2:]] == [5, 6]


@pytest.mark.parametrize(
    "prompt",
    [
        "a.py\n<|fim_prefix|>x = <|fim_suffix|>\ny<|fim_middle|>",
        "a.py\n<|fim_suffix|>\ny<|fim_prefix|>x = <|fim_middle|>",
        [*ByteTokenizer().encode("a.py\n"), 4, *ByteTokenizer().encode("x = "), 6, *ByteTokenizer().encode("\ny"), 5],
    ],
)
def test_tokens_in_a_prompt_lay_out_a_hole(fake: Served, prompt: object):
    fake.post("/v1/completions", {"prompt": prompt})
    assert asked(fake).prompt == Infill("x = ", "\ny", "a.py")


def test_starcoders_tokens_lay_out_a_hole(fake: Served):
    fake.post("/v1/completions", {"prompt": "<fim_prefix>x = <fim_suffix>\ny<fim_middle>"})
    assert asked(fake).prompt == Infill("x = ", "\ny")


def test_tokens_in_somebodys_code_are_code(fake: Served):
    code = "MARK = '<|fim_prefix|>'\nEND = '<|fim_middle|>"
    fake.post("/v1/completions", {"prompt": code})
    assert asked(fake).prompt == code
    fake.post("/v1/completions", {"prompt": code, "suffix": "<|fim_suffix|>'\n"})
    assert asked(fake).prompt == Infill(code, "<|fim_suffix|>'\n")


def test_token_ids(fake: Served):
    fake.post("/v1/completions", {"prompt": [[2, 10 + 97], [10 + 98]]})
    assert [ticket.request.prompt for ticket in fake.service.tickets[-2:]] == ["a", "b"]
    refused = fake.post("/v1/completions", {"prompt": [99999]})
    assert refused.status_code == 400 and "99999" in refused.json()["error"]["message"]


def test_a_path_and_other_files(fake: Served):
    files = [{"path": "b.py", "text": "B = 1\n"}]
    fake.post("/v1/completions", {"prompt": "x", "suffix": "y", "path": "a.py", "context": files, "raw": True})
    assert asked(fake).prompt == Infill("x", "y", "a.py", (("b.py", "B = 1\n"),))


def test_raw_shows_what_the_model_wrote(serve: Serve):
    served = serve(FakeService(["print(a)", ")\n", "\n\n"]))
    body = {"prompt": "f(", "suffix": ")\n"}
    assert served.post("/v1/completions", {**body, "raw": True}).json()["choices"][0]["text"] == "print(a))\n\n\n"
    assert served.post("/v1/completions", body).json()["choices"][0]["text"] == "print(a)"


def test_probabilities(fake: Served):
    logprobs = fake.post("/v1/completions", {"prompt": "x", "logprobs": 1}).json()["choices"][0]["logprobs"]
    assert logprobs["tokens"] == ["hello ", "again"] and logprobs["text_offset"] == [0, 6]
    assert logprobs["token_logprobs"] == [-0.5, -0.5] and logprobs["top_logprobs"] == [
        {"hello ": -0.5},
        {"again": -0.5},
    ]
    assert asked(fake).probabilities == 1
    assert fake.post("/v1/completions", {"prompt": "x"}).json()["choices"][0]["logprobs"] is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "prompt is missing"),
        ({"prompt": 5}, "prompt is 5"),
        ({"prompt": "x", "n": 99}, "from 1 to 16"),
        ({"prompt": "x", "temperature": "hot"}, "temperature is"),
        ({"prompt": ["x"] * 60, "n": 2}, "at most 64"),
        ({"prompt": "x", "stream": "yes"}, "stream is"),
    ],
)
def test_one_sentence_for_a_wrong_field(fake: Served, body: object, words: str):
    answer = fake.post("/v1/completions", body)
    assert answer.status_code == 400 and words in answer.json()["error"]["message"]


def test_more_than_the_model_holds(nano: Served):
    text = "x = 1\n" * 2000
    refused = nano.post("/v1/completions", {"prompt": text})
    assert refused.status_code == 400 and "Shorten" in refused.json()["error"]["message"]
    refused = nano.post("/v1/completions", {"prompt": text, "suffix": "\n", "raw": True})
    assert refused.status_code == 400
    cut = nano.post("/v1/completions", {"prompt": text, "suffix": "\n", "max_tokens": 4096})
    assert cut.status_code == 200 and cut.json()["usage"]["prompt_tokens"] < nano.service.context_length


def test_zeds_way_of_reading_a_stream_to_its_end(fake: Served):
    events = fake.events("/v1/completions", {"prompt": "x", "stream": True})
    assert events[-1] == "[DONE]" and json.loads(events[-2])["choices"][0]["finish_reason"] == "stop"


def test_nothing_stays(nano: Served):
    assert eventually(lambda: not nano.state.tickets)
