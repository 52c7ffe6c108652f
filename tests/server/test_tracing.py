"""`trace` in a request: what of the answer stands in the corpus, in every API; and texts that are ended as copies."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codegem.data.tracing.index import TraceIndex
from codegem.data.tracing.tokens import spans
from codegem.inference.copies import CopyLimit
from codegem.server.metrics import Metrics

from .fakes import FakeService
from .serving import Served, serving

BEFORE = "class Ledger:\n    "
CODE = """\
def balance(self, account):
        entries = [entry for entry in self.entries if entry.account == account]
        return sum(entry.amount for entry in entries if not entry.is_void)

    def close(self, year):
        self.closed_years.append(year)
        self.journal.write(f"closed {year} with {len(self.entries)} entries")"""
WORDS = re.findall(r"\s*\S{1,4}", CODE)
MOST = 30
HOLE = {"input_prefix": BEFORE, "input_suffix": "", "raw": True}
MESSAGES = {"messages": [{"role": "user", "content": "Write it."}]}
# A path, a body, where the text is in an answer, where in a part of a stream, and the place that has `copies`.
FORMS: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    "openai": ("/v1/completions", {"prompt": BEFORE, "raw": True, "max_tokens": 200}, "text", "text", "choices.0"),
    "chat": ("/v1/chat/completions", MESSAGES, "message.content", "delta.content", "choices.0"),
    "infill": ("/infill", HOLE, "content", "content", ""),
    "completion": ("/completion", {"prompt": BEFORE}, "content", "content", ""),
    "mistral": ("/v1/fim/completions", {"prompt": BEFORE}, "message.content", "delta.content", "choices.0"),
    "ollama": ("/api/generate", {"prompt": BEFORE, "raw": True}, "response", "response", ""),
    "ollama chat": ("/api/chat", MESSAGES, "message.content", "message.content", ""),
}
ERRORS = {"/api/chat": "error", "/api/generate": "error", "/v1/fim/completions": "message"}


@pytest.fixture(scope="module")
def index(index_of: Callable[..., Path]) -> TraceIndex:
    return TraceIndex.open(index_of(BEFORE + CODE))


@pytest.fixture(scope="module")
def traced(index: TraceIndex) -> Iterator[Served]:
    """A server whose model writes a file of the corpus."""
    with serving(FakeService(WORDS), can_chat=True, index=index, metrics=Metrics()) as served:
        yield served


@pytest.fixture(scope="module")
def limited(index: TraceIndex) -> Iterator[Served]:
    """The same, held to a length."""
    service = FakeService(WORDS, copies=CopyLimit(index, MOST))
    with serving(service, can_chat=True, index=index, metrics=Metrics()) as served:
        yield served


def at(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def whole(served: Served, form: str, **others: Any) -> tuple[str, dict[str, Any]]:
    """The text of an answer, and the part of it that may have `copies`."""
    path, body, text, _, place = FORMS[form]
    answer = served.post(path, body | {"stream": False} | others).json()
    return at(answer, f"{place}.{text}"), at(answer, place)


def stream(served: Served, form: str, **others: Any) -> tuple[str, list[dict[str, Any]]]:
    """The text of a stream, and of each event the part that may have `copies`."""
    path, body, _, text, place = FORMS[form]
    events = [json.loads(event) for event in served.events(path, body | {"stream": True} | others) if event != "[DONE]"]
    parts = [at(event, place) for event in events]
    name, _, rest = text.partition(".")
    return "".join((part.get(name) or {}).get(rest, "") if rest else part.get(name, "") for part in parts), parts


def check(text: str, copies: list[dict[str, Any]], form: str) -> None:
    line = 2 if form in ("chat", "ollama chat") else 1  # the run begins with what stands before the cursor
    assert text == CODE
    (copy,) = copies
    assert (copy["start"], copy["end"], copy["tokens"]) == (0, len(CODE), len(spans(CODE)))
    place = {name: copy[name] for name in ("repository", "path", "licence", "language", "line", "last_line")}
    assert place == {
        "repository": "ledger 1.0", "path": "file_0.py", "licence": "MIT", "language": "python", "line": line,
        "last_line": 8,
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_is_traced_where_that_is_asked_for(form: str, traced: Served) -> None:
    text, answer = whole(traced, form, trace=True)
    check(text, answer["copies"], form)
    text, parts = stream(traced, form, trace=True)
    check(text, parts[-1]["copies"], form)
    assert not any("copies" in part for part in parts[:-1])


@pytest.mark.parametrize("form", FORMS)
def test_nobody_else_is_sent_a_field_more(form: str, traced: Served) -> None:
    for others in ({}, {"trace": False}, {"trace": None}):
        assert "copies" not in whole(traced, form, **others)[1]
    assert not any("copies" in part for part in stream(traced, form)[1])


@pytest.mark.parametrize("form", FORMS)
def test_without_an_index_a_sentence_says_how(form: str, fake: Served) -> None:
    path, body, *_ = FORMS[form]
    for stream in (False, True):
        answer = fake.post(path, body | {"trace": True, "stream": stream})
        assert answer.status_code == 400
        said = at(answer.json(), ERRORS.get(path, "error.message"))
        assert said == "trace is asked for, and this server has no index of a corpus; start it with --trace FOLDER."


def test_a_trace_that_is_no_truth_value(traced: Served) -> None:
    answer = traced.post("/v1/completions", {"prompt": "x", "trace": "/etc"})
    assert answer.status_code == 400 and "trace is" in answer.json()["error"]["message"]


def test_tabby_and_the_playground(traced: Served) -> None:
    segments = {"segments": {"prefix": BEFORE, "suffix": ""}}
    choice = traced.post("/v1/completions", segments | {"trace": True}).json()["choices"][0]
    assert choice["copies"][0]["end"] == len(choice["text"]) > 0
    assert "copies" not in traced.post("/v1/completions", segments).json()["choices"][0]
    lines = [json.loads(line) for line in traced.events("/codegem/fill", {"prefix": BEFORE, "trace": True})]
    assert lines[-1]["copies"][0]["end"] == len(lines[-1]["text"])
    assert "copies" not in json.loads(traced.events("/codegem/fill", {"prefix": BEFORE})[-1])


def test_each_text_of_several_is_traced(traced: Served) -> None:
    body = {"prompt": [BEFORE, "x"], "n": 2, "raw": True, "max_tokens": 200, "trace": True}
    choices = traced.post("/v1/completions", body).json()["choices"]
    assert [len(choice["copies"]) for choice in choices] == [1, 1, 1, 1]


def test_it_is_counted(traced: Served) -> None:
    traced.post("/v1/completions", {"prompt": "x", "raw": True, "max_tokens": 1, "trace": True})
    assert 'codegem_traced_texts_total{copies="none"}' in traced.client.get("/metrics").text


class TestALimit:
    @pytest.mark.parametrize("form", FORMS)
    def test_no_more_is_sent_in_a_stream_or_whole(self, form: str, limited: Served) -> None:
        text, answer = whole(limited, form)
        assert CODE.startswith(text) and len(spans(text)) == MOST
        sent, parts = stream(limited, form)
        assert sent == text
        words = {"content_filter", "limit"}
        for last in (answer, parts[-1]):
            assert words & {last.get("finish_reason"), last.get("done_reason"), last.get("stop_type")}

    def test_a_suggestion_ends_with_the_last_whole_line(self, limited: Served) -> None:
        lines = [json.loads(line) for line in limited.events("/codegem/fill", {"prefix": BEFORE})]
        assert lines[-1]["stop_reason"] == "copied"
        assert lines[-1]["text"] == CODE[: len(lines[-1]["text"])] and CODE[len(lines[-1]["text"])] == "\n"
        assert len(spans(lines[-1]["text"])) <= MOST

    def test_it_is_counted(self, limited: Served) -> None:
        limited.post("/v1/completions", FORMS["openai"][1])
        assert 'codegem_texts_total{surface="openai",reason="copied"}' in limited.client.get("/metrics").text
