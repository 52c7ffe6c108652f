"""Bodies of requests: too long, too slow, broken, kind."""

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from codegem.server import bodies
from codegem.server.app import create_app

from .fakes import FakeService


@pytest.fixture(scope="module")
def app() -> Starlette:
    return create_app(FakeService())


@pytest.fixture(scope="module")
def client(app: Starlette) -> TestClient:
    return TestClient(app, base_url="http://localhost")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1]", "a list"),
        (b"null", "null"),
        (b'"x"', "a text"),
        (b"3", "a number"),
        (b"\xff{}", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"prompt": "x", "temperature": NaN}', "NaN"),
        (b'{"prompt": "x", "temperature": Infinity}', "Infinity"),
        (b'{"prompt": "x", "max_tokens": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"prompt": "x", "temperature": 1e999}', "temperature"),
        (b'{"prompt": "x"} {"prompt": "y"}', "not JSON"),
    ],
)
def test_what_is_no_object_of_json(client: TestClient, content: bytes, words: str):
    answer = client.post("/v1/completions", content=content)
    assert answer.status_code == 400 and words in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", ""])
def test_the_type_is_not_looked_at(client: TestClient, kind: str):
    answer = client.post("/v1/completions", content=b'\xef\xbb\xbf{"prompt": "x"}', headers={"Content-Type": kind})
    assert answer.status_code == 200


def test_half_a_character_of_an_editor_that_cut_an_emoji(client: TestClient):
    answer = client.post("/v1/completions", content=rb'{"prompt": "\ude00 x", "echo": true}')
    assert answer.json()["choices"][0]["text"] == "� xhello again"


def test_too_long(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bodies.read_bytes, "__defaults__", (1000,))
    body = json.dumps({"prompt": "x" * 1000}).encode()
    for content in (body, iter([body[:500], body[500:]])):
        answer = client.post("/v1/completions", content=content)
        assert answer.status_code == 413 and "1000" in answer.json()["error"]["message"]


def test_too_slow(app: Starlette, monkeypatch: pytest.MonkeyPatch):
    import asyncio

    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.01)
    sent = []

    async def never() -> dict[str, object]:
        await asyncio.sleep(60)
        return {}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/completions", "headers": [(b"host", b"localhost")],
        "query_string": b"",
    }  # fmt: skip
    asyncio.run(app(scope, never, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 408 and (b"connection", b"close") in sent[0]["headers"]
