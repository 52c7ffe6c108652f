"""Clients that dawdle, flood, or hold what they do not use."""

import socket
from collections.abc import Callable
from contextlib import suppress

import pytest

from codegem.server import connection, streams

from .fakes import FakeService
from .serving import Served, eventually

Serve = Callable[..., Served]


def connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), 10)


def test_a_head_that_never_ends_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.05)
    served = serve(FakeService())
    for sent in (b"", b"POST /v1/completions HTTP/1.1\r\nHost: loc"):
        slow = connected(served)
        slow.sendall(sent)
        with suppress(ConnectionResetError):
            assert slow.recv(100) == b""
    assert served.client.get("/health").status_code == 200


def test_a_head_without_end_is_refused(serve: Serve):
    served = serve(FakeService())
    flood = connected(served)
    flood.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
    said = b""
    try:
        for number in range(4000):
            flood.sendall(b"x-%d: %s\r\n" % (number, b"y" * 1000))
        said = flood.recv(100)
    except OSError:  # it hung up while we were still at it
        pass
    assert said in (b"", said) and (not said or b" 431 " in said or b" 400 " in said)
    assert served.client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00\x01\x00", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 300]
)
def test_what_is_no_http_is_refused(fake: Served, noise: bytes):
    client = connected(fake)
    client.sendall(noise)
    assert client.recv(100).startswith((b"HTTP/1.1 4", b""))
    client.close()
    assert fake.client.get("/health").status_code == 200


def test_an_idle_connection_gives_way(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 4)
    service = FakeService(["word "], endless=True)
    service.gate.clear()
    served = serve(service)
    busy = connected(served)
    body = b'{"prompt": "x", "max_tokens": 1}'
    busy.sendall(
        b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert eventually(lambda: len(service.tickets) == 1)
    idle = [connected(served) for _ in range(20)]
    assert served.client.get("/health").status_code == 200
    service.gate.set()
    assert busy.recv(20).startswith(b"HTTP/1.1 200")  # older than all others, but being answered
    assert idle[0].recv(10) == b""
    for one in (busy, *idle):
        one.close()


def test_a_reader_that_stands_still_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "UNREAD_SECONDS", 0.1)
    service = FakeService(["word " * 20_000], endless=True)
    served = serve(service)
    slow = connected(served)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    body = b'{"prompt": "x", "max_tokens": 300, "stream": true}'
    slow.sendall(
        b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert eventually(lambda: service.tickets and not served.state.tickets)
    assert eventually(lambda: not served.server.server_state.tasks)
    slow.close()


def test_requests_that_come_one_behind_the_other(fake: Served):
    client = connected(fake)
    client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    said = b""
    while said.count(b"HTTP/1.1 200") < 3 or not said.endswith(b"}"):
        said += client.recv(4096)
    client.close()
