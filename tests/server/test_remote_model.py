"""`RemoteModel` against our own server: the engine's texts, exactly."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codegem.data.tracing.index import TraceIndex
from codegem.generate import Chunk, Conversation, Infill, Request, StopReason, outputs
from codegem.inference import remote
from codegem.inference.copies import CopyLimit
from codegem.inference.remote import RemoteModel
from codegem.text.chat import Turn

from .fakes import FakeService
from .serving import Served, eventually

Serve = Callable[..., Served]

HOLES = [
    Infill(
        "class A:\n    def __init__(self, name):\n        self.", "\n\n    def get(self):\n        return self.name\n"
    ),
    Infill("MARK = '<|fim_prefix|>'\nEND = '", "'\n", "marks.py", (("a.py", "A = '<|fim_suffix|>'\n"),)),
    Infill("def f(x):\n    if x:\n", "", None, (("b.py", "B = 1\n"), ("c.py", ""))),
    Infill("", ""),
    Infill("é = '\u2028", "\r\nx"),
]


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(remote.KEY, raising=False)


@pytest.fixture(scope="module")
def model(nano: Served) -> Iterator[RemoteModel]:
    yield RemoteModel(f"{nano.url}/v1", parallel=3)


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_texts_are_the_engines(nano: Served, model: RemoteModel, temperature: float):
    settings = {"max_tokens": 24, "stop": ("\n\n",), "temperature": temperature, "top_p": 0.95, "top_k": 50, "seed": 7}
    requests = [
        Request(prompt, **settings) for prompt in (*HOLES, "import os\n\n\ndef f():\n", "", "MARK = '<|fim_prefix|>")
    ]
    assert list(outputs(model, requests)) == list(outputs(nano.service, requests))


def test_other_orders_are_the_servers_business(nano: Served, model: RemoteModel):
    request = Request(HOLES[1], 16)
    for layout in ("psm", "spm", "spm-joined", "suffix"):
        other = RemoteModel(f"{nano.url}/v1", layout=layout)
        assert list(outputs(other, [request])) == list(outputs(nano.service, [request]))


def whole(chunks: Iterator[Chunk]) -> Chunk:
    from codegem.server.live import merged

    return merged(0, list(chunks))


def test_a_beginning_and_probabilities_are_the_engines(nano: Served, model: RemoteModel):
    request = Request(Infill("import os\nos.pa", "\n"), 4, begin="th", probabilities=2)
    ours, theirs = whole(nano.service.generate([request])), whole(model.generate([request]))
    assert ours.text == theirs.text and ours.stop_reason == theirs.stop_reason
    assert [token.text for token in theirs.probabilities] == [token.text for token in ours.probabilities]
    assert [token.logprob for token in theirs.probabilities] == [token.logprob for token in ours.probabilities]
    assert theirs.usage and ours.usage and theirs.usage.prompt_tokens == ours.usage.prompt_tokens


def test_nothing_to_write_only_reads(nano: Served, model: RemoteModel):
    (output,) = outputs(model, [Request(HOLES[0], 0)])
    assert (output.text, output.tokens) == ("", 0)


def test_a_conversation(fake: Served):
    turns = (Turn("user", "Why?"), Turn("model", "Because."), Turn("user", "And?"))
    (output,) = outputs(RemoteModel(f"{fake.url}/v1"), [Request(Conversation(turns), 9, seed=3)])
    assert output.text == "hello again" and output.stop_reason is StopReason.STOP
    asked = fake.service.tickets[-1].request
    assert (asked.prompt, asked.max_tokens, asked.seed) == (Conversation(turns), 9, 3)


def test_what_is_cancelled_here_is_cancelled_there(serve: Serve):
    service = FakeService(["word "], endless=True)
    served = serve(service)
    enough = threading.Event()
    chunks = RemoteModel(f"{served.url}/v1").generate([Request("x", 10**6, cancelled=enough.is_set)])
    assert next(chunks).text.startswith("word")
    enough.set()
    assert list(chunks)[-1].stop_reason is StopReason.CANCELLED
    assert service.tickets[0].cancelled.wait(5)


def test_a_full_line_is_waited_for(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    from codegem.inference import remote_work

    waited = []
    monkeypatch.setattr(remote_work, "back_off", lambda attempt, lost: waited.append(lost.wait) or 0.01)
    service = FakeService(["word"], most=1)
    service.gate.clear()
    served = serve(service)
    model = RemoteModel(f"{served.url}/v1", parallel=2, retries=500)
    threading.Thread(target=lambda: eventually(lambda: bool(waited)) and service.gate.set(), daemon=True).start()
    assert [output.text for output in outputs(model, [Request("x"), Request("y")])] == ["word", "word"]
    assert waited[0] == 1.0


def test_a_text_that_its_server_ended_as_a_copy(serve: Serve, index_of: Callable[..., Path]):
    code = "def closed(self, year):\n    self.closed_years.append(year, self.entries, self.journal, self.accounts)\n"
    limit = CopyLimit(TraceIndex.open(index_of(code)), 20)
    model = RemoteModel(f"{serve(FakeService([code[:60], code[60:]], copies=limit)).url}/v1")
    (output,) = outputs(model, [Request("x", 200)])
    assert output.stop_reason is StopReason.COPIED and code.startswith(output.text) and output.text != code
