"""A model behind a server: what is asked, and what comes back."""

import threading
from typing import Any

import pytest

from codegem.errors import SourceError, UserError
from codegem.generate import Infill, Output, Request, StopReason, outputs
from codegem.inference import remote
from codegem.inference.remote import RemoteModel
from codegem.inference.remote_http import parse_address

from .fake_openai import Handler, one, serving, words

pytestmark = pytest.mark.usefixtures("no_waiting")


def test_a_text():
    with serving() as server:
        assert one(server.address) == Output("hello again", 2, StopReason.STOP)
    (asked,) = server.asked
    assert asked == {
        "model": "fake", "prompt": "Say it:", "max_tokens": 64, "temperature": 0.0, "top_p": 1.0, "seed": 0, "stop": [],
        "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip


def test_settings_are_passed_and_what_else_a_server_does_is_switched_off():
    request = Request("x", 7, ("\n\n", "END"), 0.8, 0.95, 12)
    with serving() as server:
        one(server.address, request)
    (asked,) = server.asked
    assert (asked["max_tokens"], asked["stop"], asked["seed"]) == (7, ["\n\n", "END"], 12)
    assert (asked["temperature"], asked["top_p"], asked["top_k"], asked["min_p"]) == (0.8, 0.95, -1, 0.0)


HOLE = Infill("before", "after", "b.py", (("a.py", "other"),))


@pytest.mark.parametrize(
    ("layout", "prompt"),
    [
        ("psm", "a.py\nother<|file_separator|>b.py\n<|fim_prefix|>before<|fim_suffix|>after<|fim_middle|>"),
        ("spm", "a.py\nother<|file_separator|>b.py\n<|fim_suffix|>after<|fim_prefix|>before<|fim_middle|>"),
        ("spm-joined", "a.py\nother<|file_separator|>b.py\n<|fim_prefix|><|fim_suffix|>after<|fim_middle|>before"),
    ],
)
def test_a_hole_is_laid_out_as_text(layout: Any, prompt: str):
    with serving() as server:
        one(server.address, Request(HOLE), layout=layout)
    assert server.asked[0]["prompt"] == prompt
    assert "suffix" not in server.asked[0]


def test_a_hole_in_the_field_of_the_api():
    with serving() as server:
        one(server.address, Request(Infill("before", "after", "b.py")), layout="suffix")
        with pytest.raises(UserError, match="no place for other files"):
            one(server.address, Request(HOLE), layout="suffix")
    assert (server.asked[0]["prompt"], server.asked[0]["suffix"]) == ("before", "after")


def test_models_by_name():
    with serving() as server:
        assert RemoteModel(server.address).name == f"fake at {server.address}"
        assert RemoteModel(f"{server.address}#other").name == f"other at {server.address}"
        one(f"{server.address}/#other")
    assert server.asked[0]["model"] == "other"


def test_a_named_model_needs_no_list():
    with serving(models=lambda handler: handler.say(404, {})) as server:
        assert one(f"{server.address}#mine").text == "hello again"
        with pytest.raises(UserError, match=r"404 Not Found.*#"):
            RemoteModel(server.address)


def test_the_file_of_a_model_is_not_shown_with_its_folders():
    listed = {"data": [{"id": "/home/me/nano.gguf", "owned_by": "llamacpp"}]}
    with serving(models=lambda handler: handler.say(200, listed)) as server:
        model = RemoteModel(server.address)
        assert model.name.startswith("nano.gguf at ")
        list(model.generate([Request("x", stop=("\n",))]))
    assert (server.asked[0]["model"], server.asked[0]["stop"]) == ("/home/me/nano.gguf", [])


@pytest.mark.parametrize(
    ("said", "sentence"),
    [({"data": []}, "has no model"), ({"data": 3}, "no such list"), (b"\xff", "no such list"), ([], "no such list")],
)
def test_lists_of_models_that_are_none(said: object, sentence: str):
    with serving(models=lambda handler: handler.say(200, said)) as server, pytest.raises(UserError, match=sentence):
        RemoteModel(server.address)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("ftp://host/v1", "no address"),
        ("file:///etc/passwd", "no address"),
        ("http:///v1", "no address"),
        ("http://me:secret@host/v1", "CODEGEM_API_KEY"),
        ("http://host:99999/v1", "can't be read"),
        ("http://host/v1?key=secret", "no address"),
        ("http://host/a b", "characters"),
    ],
)
def test_addresses_that_are_none(address: str, sentence: str):
    with pytest.raises(UserError, match=sentence) as caught:
        RemoteModel(address)
    assert "me:secret" not in str(caught.value)


def test_an_address():
    assert parse_address("https://host/api/v1/#a/b").url == "https://host:443/api/v1"
    assert parse_address("http://[::1]:80/v1").url == "http://[::1]:80/v1"
    assert remote.is_address("https://host/v1") and not remote.is_address("nano")


@pytest.mark.parametrize("settings", [{"parallel": 0}, {"parallel": 257}, {"timeout": 0}, {"layout": "fim"}])
def test_arguments_out_of_range(settings: dict[str, Any]):
    with pytest.raises(UserError):
        RemoteModel("http://127.0.0.1:9/v1", **settings)


@pytest.mark.parametrize(
    "request_", [Request("x", -1), Request("x", temperature=-1.0), Request("x", top_p=0.0), Request("x", stop=("",))]
)
def test_requests_out_of_range(request_: Request):
    with serving() as server, pytest.raises(UserError):
        one(server.address, request_)
    assert not server.asked


def test_a_server_that_is_absent():
    with serving() as server:
        address = server.address
    with pytest.raises(UserError, match=r"no connection .*Is it running"):
        RemoteModel(address)


def test_the_key_is_sent_and_never_printed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(remote.KEY, "sk-secret")

    def refuse(handler: Handler, payload: dict[str, Any]) -> None:
        handler.say(401, {"error": {"message": f"bad key {handler.headers['Authorization']}"}})

    with serving(refuse) as server, pytest.raises(UserError, match="bad key Bearer \\*\\*\\*") as caught:
        one(server.address)
    assert all(headers["Authorization"] == "Bearer sk-secret" for _, headers, _ in server.seen)
    assert "CODEGEM_API_KEY" in str(caught.value) and "sk-secret" not in str(caught.value)
    assert not isinstance(caught.value, SourceError)
    assert len(server.asked) == 1


def test_a_key_with_a_line_break_is_refused_unprinted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(remote.KEY, "sk-se\r\ncret")
    with pytest.raises(UserError, match="characters") as caught:
        RemoteModel("http://127.0.0.1:9/v1")
    assert "sk-se" not in str(caught.value)


def test_a_redirect_is_not_followed():
    with serving() as other, serving(lambda h, _: h.say(307, b"", Location=f"{other.address}/completions")) as server:
        with pytest.raises(SourceError, match="307"):
            one(server.address)
        assert not other.seen


def test_requests_run_at_once_and_interleave():
    together = threading.Barrier(3, timeout=20)

    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        handler.begin()
        for text in "abc":
            together.wait()
            handler.event(payload["prompt"] + text)
        handler.event("", "length")
        handler.end()

    with serving(answer) as server:
        model = RemoteModel(server.address, parallel=3)
        chunks = list(model.generate([Request("x"), Request("y"), Request("z")]))
    order = [chunk.index for chunk in chunks if chunk.text]
    assert order != sorted(order)
    for index, name in enumerate("xyz"):
        own = [chunk for chunk in chunks if chunk.index == index]
        assert "".join(chunk.text for chunk in own) == f"{name}a{name}b{name}c"
        assert [chunk.stop_reason for chunk in own] == [None] * (len(own) - 1) + [StopReason.LENGTH]


def test_more_requests_than_threads():
    with serving(lambda handler, payload: words(handler, payload, (payload["prompt"],))) as server:
        found = outputs(RemoteModel(server.address, parallel=4), [Request(str(i)) for i in range(50)])
        assert [output.text for output in found] == [str(i) for i in range(50)]


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_stop_reasons(reason: str):
    with serving(lambda handler, payload: words(handler, payload, ("a",), reason)) as server:
        assert one(server.address).stop_reason == reason


@pytest.mark.parametrize(
    ("texts", "stop", "output"),
    [
        (("ab", "\nde", "f c"), ("\ndef",), Output("ab", 3, StopReason.STOP)),  # the server does not look for it
        (("ab", "\nde"), ("\ndef",), Output("ab\nde", 2, StopReason.STOP)),
        (("ab", "<|file_separator|>", "x.py"), (), Output("ab", 1, StopReason.STOP)),
        (("ab", "c<|fim_pre", "fix|>d"), (), Output("abc", 3, StopReason.STOP)),
        (("<eos>", "junk"), (), Output("", 0, StopReason.STOP)),
        (("ab\n", "<|fim_middle|>"), ("\n\n",), Output("ab\n", 1, StopReason.STOP)),
        (("ab", "<unused63>"), (), Output("ab", 1, StopReason.STOP)),
    ],
)
def test_texts_end(texts: tuple[str, ...], stop: tuple[str, ...], output: Output):
    with serving(lambda handler, payload: words(handler, payload, texts)) as server:
        assert one(server.address, Request("x", stop=stop)) == output


@pytest.mark.parametrize("usage", [None, 5])
def test_tokens_are_the_servers_where_it_counts_them(usage: int | None):
    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        handler.begin()
        handler.event("three tokens of")
        handler.event(" text")
        handler.event(None, "stop")
        handler.end(usage)

    with serving(answer) as server:
        assert one(server.address) == Output("three tokens of text", usage or 2, StopReason.STOP)


def test_events_cut_anywhere_are_read():
    whole = b'data: {"choices": [{"text": "h\xc3\xa9", "finish_reason": null}]}\r\n\r\n: a comment\n\ndata: '
    whole += b'{"choices": [{"text": "!",\ndata: "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'

    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        handler.begin()
        for byte in whole:
            handler.send(bytes([byte]))
        handler.wfile.write(b"0\r\n\r\n")

    with serving(answer) as server:
        assert one(server.address).text == "hé!"


def test_a_server_that_does_not_stream():
    body = {"choices": [{"text": "all\nof it", "finish_reason": "length"}], "usage": {"completion_tokens": 4}}
    with serving(lambda handler, payload: handler.say(200, body)) as server:
        assert one(server.address) == Output("all\nof it", 4, StopReason.LENGTH)


def test_a_server_with_few_stop_strings():
    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        if len(payload["stop"]) > 4:
            handler.say(400, {"error": {"message": "'stop': array too long, 4 at most"}})
        else:
            words(handler, payload, ("a", "\n@", "b"))

    stop = ("\nclass", "\ndef", "\n#", "\nif", "\nprint", "\n@")
    with serving(answer) as server:
        model = RemoteModel(server.address, parallel=1)
        assert [output.text for output in outputs(model, [Request("x", stop=stop)] * 2)] == ["a", "a"]
    assert [len(asked["stop"]) for asked in server.asked] == [6, 4, 4]
