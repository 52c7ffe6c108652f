"""Texts for clients that are there, go away, read slowly, or ask too much."""

import json
import socket
import threading
from collections.abc import Callable

import pytest

from codegem.generate import Chunk, StopReason, Token, Usage
from codegem.server import live

from .fakes import FakeService
from .serving import Served, eventually

Serve = Callable[..., Served]
ASKED = {"prompt": "x", "max_tokens": 10**6}


def raw(served: Served, body: bytes, head: str = "") -> socket.socket:
    """A connection on which a request for a completion was written."""
    connection = socket.create_connection(("127.0.0.1", served.port), 10)
    lines = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{head}\r\n"
    connection.sendall(lines.encode() + body)
    return connection


def test_parts_that_piled_up_are_one():
    tokens = (Token("a", -1.0), Token("b", -2.0))
    chunks = [
        Chunk(0, "a", 1, None, tokens[:1]),
        Chunk(0, "b", 1, None, tokens[1:]),
        Chunk(0, "", 0, StopReason.STOP, (), Usage(3)),
    ]
    assert live.merged(2, chunks) == Chunk(2, "ab", 2, StopReason.STOP, tokens, Usage(3))
    assert live.merged(0, chunks[:1]) is chunks[0]


@pytest.mark.parametrize("stream", [b"false", b"true"])
def test_a_client_that_goes_away_is_not_worked_for(serve: Serve, stream: bytes):
    service = FakeService(["word "], endless=True)
    service.gate.clear()
    served = serve(service)
    connection = raw(served, b'{"prompt": "x", "max_tokens": 1000000, "stream": ' + stream + b"}")
    assert eventually(lambda: len(service.tickets) == 1)
    connection.close()
    assert service.tickets[0].cancelled.wait(5)
    service.gate.set()
    assert service.tickets[0].ended.wait(5) and service.tickets[0].made == 0
    assert eventually(lambda: not served.state.tickets)


def test_a_stream_that_is_closed_half_way_is_not_worked_for(serve: Serve):
    service = FakeService(["word "], endless=True)
    served = serve(service)
    with served.client.stream("POST", "/v1/completions", json={**ASKED, "stream": True}) as response:
        lines = response.iter_lines()
        assert next(lines)
        assert not service.tickets[0].cancelled.is_set()
    assert service.tickets[0].cancelled.wait(5)


def test_who_reads_nothing_holds_up_nobody(serve: Serve):
    service = FakeService(["word " * 1000], endless=True)
    served = serve(service)
    slow = raw(served, b'{"prompt": "x", "max_tokens": 2000, "stream": true}')
    assert eventually(lambda: service.tickets and service.tickets[0].ended.is_set())  # the model is not held up
    assert served.post("/v1/completions", {"prompt": "x", "max_tokens": 1}).status_code == 200
    slow.close()
    assert eventually(lambda: not served.state.tickets)


def test_half_a_body_holds_up_nobody(serve: Serve):
    served = serve(FakeService())
    half = raw(served, b"", "Expect: nothing\r\n")
    half.close()
    waiting = socket.create_connection(("127.0.0.1", served.port), 10)
    waiting.sendall(b'POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"prompt"')
    assert served.post("/v1/completions", {"prompt": "x"}).status_code == 200
    waiting.close()
    assert len(served.service.tickets) == 1


def test_a_full_line_is_told_at_once(serve: Serve):
    service = FakeService(["word "], endless=True, most=2)
    service.gate.clear()
    served = serve(service)
    waiting = [raw(served, b'{"prompt": "x", "max_tokens": 9}') for _ in range(2)]
    assert eventually(lambda: len(service.tickets) == 2)
    for stream in (False, True):
        refused = served.post("/v1/completions", {"prompt": "x", "stream": stream})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error"]["type"] == "rate_limit_error"
    service.gate.set()
    for connection in waiting:
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        connection.close()


def test_of_several_texts_none_is_made_if_one_can_not_be(serve: Serve):
    service = FakeService(["word "], endless=True, most=2)
    service.gate.clear()
    served = serve(service)
    assert served.post("/v1/completions", {"prompt": "x", "n": 3}).status_code == 429
    assert all(ticket.cancelled.is_set() for ticket in service.tickets)


def test_what_goes_wrong_before_the_first_word_has_a_status(serve: Serve):
    served = serve(FakeService([RuntimeError("secret")]))
    for stream in (False, True):
        answer = served.post("/v1/completions", {"prompt": "x", "stream": stream})
        assert answer.status_code == 500 and "secret" not in answer.text
        assert answer.json()["error"]["type"] == "server_error"


def test_what_goes_wrong_later_is_the_last_event(serve: Serve):
    service = FakeService(["a", RuntimeError("secret")])
    service.gate.clear()
    served = serve(service)
    threading.Timer(0.1, service.gate.set).start()
    with served.client.stream("POST", "/v1/completions", json={"prompt": "x", "stream": True}) as response:
        status, text = response.status_code, "".join(response.iter_text())
    assert "secret" not in text and "[DONE]" not in text
    assert (status == 200) == ('"text":"a"' in text)
    assert '"type":"server_error"' in text


def test_a_rule_that_ends_a_text_ends_the_work(serve: Serve):
    service = FakeService(["print(a)", ")\n", "more "], endless=True)
    served = serve(service)
    answer = served.post("/v1/completions", {**ASKED, "prompt": "f(", "suffix": ")\n"}).json()
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert service.tickets[0].cancelled.wait(5) or service.tickets[0].ended.is_set()


def test_stopping_ends_all_texts(serve: Serve):
    service = FakeService(["word "], endless=True)
    served = serve(service)
    with served.client.stream("POST", "/v1/completions", json={**ASKED, "stream": True}) as response:
        lines = response.iter_lines()
        assert "word" in next(lines)
        served.server.end()
        rest = [line for line in lines if line]
    assert "stopping" in rest[-1] and "[DONE]" not in rest[-1]
    assert service.tickets[0].cancelled.is_set()


@pytest.mark.parametrize("stream", [False, True])
def test_nano_stops_within_a_token_when_its_reader_leaves(nano: Served, stream: bool):
    before = nano.service.stats()
    body = {"prompt": "a = 1\nb = 2\nc = 3\n", "max_tokens": 250, "stream": stream}  # 220 tokens
    client = raw(nano, json.dumps(body).encode())
    assert eventually(lambda: nano.service.stats().tokens > before.tokens)
    client.close()
    assert eventually(lambda: nano.service.stats().active == 0)
    after = nano.service.stats()
    assert after.cancelled == before.cancelled + 1 and after.tokens < before.tokens + 220
