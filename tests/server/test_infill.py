"""llama.cpp's routes, with the bodies that llama.vim and llama.vscode send."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from codegem.assist.completion import Settings, plan
from codegem.generate import Infill
from codegem.server.indentation import Indented
from codegem.server.llama_answers import picked

from .fakes import FakeService
from .serving import Served

Serve = Callable[..., Served]

EXTRA = [{"text": "B = 1\n", "time": [12, 3], "filename": "b.py"}, {"text": "loose\n"}]
# As llama.vim writes it (autoload/llama.vim, llama#fim), field by field.
VIM: dict[str, Any] = {
    "id_slot": 0,
    "input_prefix": "import os\n\n\ndef join(one, other):\n",
    "input_suffix": "\n\ndef main():\n    pass\n",
    "input_extra": EXTRA,
    "prompt": "    return os.",
    "n_predict": 128,
    "stop": [],
    "n_indent": 4,
    "top_k": 40,
    "top_p": 0.90,
    "samplers": ["top_k", "top_p", "infill"],
    "stream": False,
    "cache_prompt": True,
    "t_max_prompt_ms": 500,
    "t_max_predict_ms": 250,
    "response_fields": [
        "content", "timings/prompt_n", "timings/prompt_ms", "timings/prompt_per_token_ms", "timings/prompt_per_second",
        "timings/predicted_n", "timings/predicted_ms", "timings/predicted_per_token_ms", "timings/predicted_per_second",
        "truncated", "tokens_cached",
    ],
}  # fmt: skip
# And while nobody types (llama#ring_update).
VIM_WARMS = VIM | {
    "input_prefix": "", "input_suffix": "", "prompt": "", "n_predict": 0, "temperature": 0.0, "samplers": [],
    "t_max_prompt_ms": 1, "t_max_predict_ms": 1, "response_fields": [""],
}  # fmt: skip


def test_llama_vim_gets_what_it_reads(nano: Served):
    answer = nano.post("/infill", VIM)
    assert answer.status_code == 200
    found = answer.json()
    assert set(found) == set(VIM["response_fields"])
    assert isinstance(found["content"], str) and found["truncated"] is False
    assert found["tokens_cached"] > found["timings/predicted_n"] >= 0
    assert found["timings/prompt_per_second"] >= 0


def test_the_line_up_to_the_cursor_belongs_to_the_prefix(fake: Served):
    fake.post("/infill", VIM)
    request = fake.service.tickets[-1].request
    context = (("b.py", "B = 1\n"), ("tmp", "loose\n"))
    assert request.prompt == Infill(VIM["input_prefix"] + VIM["prompt"], VIM["input_suffix"], None, context)
    assert (request.max_tokens, request.temperature, request.top_k) == (128, 0.0, 40)


def test_llama_vim_warms(fake: Served, nano: Served):
    assert fake.post("/infill", VIM_WARMS).json() == {}
    assert fake.service.tickets[-1].request.max_tokens == 0
    assert nano.post("/infill", VIM_WARMS).json() == {}


def test_llama_vscode(fake: Served):
    body = {"input_prefix": "a\n", "input_suffix": "b\n", "input_extra": [], "prompt": "", "n_predict": 64, "top_k": 40}
    body |= {"top_p": 0.99, "stream": False, "samplers": ["top_k", "top_p", "infill"], "cache_prompt": True}
    answer = fake.post(
        "/infill", {**body, "t_max_prompt_ms": 500, "t_max_predict_ms": 2500, "lora": [{"id": 0, "scale": 0.5}]}
    )
    found = answer.json()
    assert found["content"] == "hello again" and found["stop"] is True and found["stop_type"] == "eos"
    assert (
        found["timings"]["prompt_n"] == 4
        and found["tokens_cached"] == 9
        and found["generation_settings"]["n_predict"] == 64
    )


def test_samplers_decide_whether_temperature_holds(fake: Served):
    for samplers, expected in ((["temperature"], 0.7), ([], 0.0), ("edkypmxt", 0.7), (None, 0.7)):
        fake.post("/infill", VIM | {"temperature": 0.7, "samplers": samplers})
        assert fake.service.tickets[-1].request.temperature == expected


def test_several_answers_are_a_list(fake: Served):
    found = fake.post("/infill", VIM | {"n_cmpl": 2, "response_fields": ["content", "index"]}).json()
    assert found == [{"content": "hello again", "index": 0}, {"content": "hello again", "index": 1}]


def test_a_stream_in_llama_cpps_shape(serve: Serve):
    service = FakeService(["a, ", "b"])
    served = serve(service)
    events = [
        json.loads(event)
        for event in served.events("/infill", VIM | {"stream": True, "response_fields": [], "id_slot": 2})
    ]
    assert "".join(event["content"] for event in events) == "a, b"
    assert [event["stop"] for event in events] == [False] * (len(events) - 1) + [True]
    assert (
        events[-1]["timings"]["predicted_n"] == 2 and events[-1]["id_slot"] == 2 and events[-1]["tokens_predicted"] == 2
    )


def test_the_time_budget_holds_only_after_a_line(serve: Serve):
    class Slow(FakeService):
        def _write(self, ticket: Any, listener: Any) -> None:
            super()._write(ticket, lambda item: (time.sleep(0.01), listener(item)))

    served = serve(Slow(["a, "], endless=True))
    body = VIM | {"n_predict": 20, "t_max_predict_ms": 1, "n_indent": 0, "raw": True}
    assert served.post("/infill", body).json()["timings/predicted_n"] == 20
    served.service.answer = ["a = 1\n"]
    assert served.post("/infill", body).json()["timings/predicted_n"] < 20


def test_the_file_is_cut_to_the_window(nano: Served):
    found = nano.post("/infill", VIM | {"input_prefix": "x = 1\n" * 3000}).json()
    assert found["truncated"] is True and found["tokens_cached"] <= nano.service.context_length


def test_a_completion(fake: Served):
    found = fake.post("/completion", {"prompt": "x", "n_predict": 5, "n_probs": 1}).json()
    assert found["content"] == "hello again" and found["prompt"] == "x"
    assert found["completion_probabilities"][0]["token"] == "hello "
    assert len(fake.post("/completion", {"prompt": ["x", "y"]}).json()) == 2
    fake.post("/completion", {"prompt": "<|fim_prefix|>a.<|fim_suffix|>b<|fim_middle|>"})
    assert fake.service.tickets[-1].request.prompt == Infill("a.", "b")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"input_prefix": None}, "input_prefix is null"),
        ({"input_extra": [{"filename": "a.py"}]}, "text is missing"),
        ({"input_extra": "code"}, "input_extra is"),
        ({"n_predict": -5}, "n_predict is -5"),
        ({"n_cmpl": 17}, "n_cmpl is 17"),
        ({"prompt": ["x"]}, "prompt is"),
    ],
)
def test_one_sentence_for_a_wrong_field(fake: Served, wrong: dict[str, Any], words: str):
    answer = fake.post("/infill", VIM | wrong)
    assert answer.status_code == 400 and words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("parts", "columns", "shown"),
    [
        (["a\n", "    b\n", "c"], 4, "a\n    b"),
        (["a\n\n\n    b"], 4, "a\n\n\n    b"),
        (["a\n", "\t", "b\n  c"], 4, "a\n\tb"),
        (["  a"], 4, "  a"),
        (["a\n  "], 4, "a\n  "),
        (["a\nb", "\n    c"], 4, "a"),
        (["a", "\n", "  ", "  ", "b", "\n", "   ", "c"], 4, "a\n    b"),
    ],
)
def test_lines_are_indented_by_so_much(parts: list[str], columns: int, shown: str):
    from codegem.assist.context import Window
    from codegem.generate import StopReason
    from codegem.text.tokenizer import ByteTokenizer

    draft = Indented(plan(Infill("", ""), Window(ByteTokenizer(), 999), Settings(rules=False)).draft, columns)
    found = "".join(draft.push(part) for part in parts)
    assert found + draft.finish(StopReason.STOP) == shown


def test_fields_of_an_answer():
    answer = {"content": "x", "timings": {"a": 0}, "truncated": False}
    assert picked(answer, ["content", "timings/a", "timings/b", "content/x", "truncated", ""]) == {
        "content": "x",
        "timings/a": 0,
        "truncated": False,
    }
