"""A model behind a server when something goes wrong: what passes, what is lost, and who hangs up."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codegem.errors import SourceError, UserError
from codegem.generate import Chunk, Output, Request, StopReason, finished
from codegem.inference import remote_work
from codegem.inference.remote import RemoteModel
from codegem.inference.remote_http import Lost, parse_address

from .fake_openai import Handler, lost, one, serving, words

BACK_OFF = remote_work.back_off
pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_is_passing_is_tried_again(status: int):
    answers = iter([status, status, 200])

    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        if (now := next(answers)) == 200:
            return words(handler, payload)
        handler.say(now, {"error": {"message": "busy"}})

    with serving(answer) as server:
        assert one(server.address).text == "hello again"
    assert len(server.asked) == 3


def test_a_model_that_is_loading_is_waited_for():
    answers = iter([503, 503, 200])
    listed = {"data": [{"id": "slow"}]}
    with serving(models=lambda handler: handler.say(next(answers), listed)) as server:
        assert RemoteModel(server.address).name.startswith("slow at ")


def test_retry_after_is_kept(monkeypatch: pytest.MonkeyPatch):
    seen = []
    monkeypatch.setattr(remote_work, "back_off", lambda attempt, error: seen.append(error.wait) or 0.0)
    answers = iter(["7", "9999", "soon", ""])

    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        wait = next(answers)
        return handler.say(429, {}, Retry_After=wait) if wait else words(handler, payload)

    with serving(answer) as server:
        one(server.address)
    assert seen == [7.0, 60.0, 0.0]


def test_back_off_grows_and_is_bounded():
    for attempt in range(6):
        assert 0.8 <= BACK_OFF(attempt, Lost("")) / (0.5 * 2**attempt) <= 1.2
    assert BACK_OFF(50, Lost("")) <= 36
    assert BACK_OFF(0, Lost("", wait=20.0)) == 20


def tell(text: str, then: Callable[[Handler], object]) -> Callable[[Handler, dict[str, Any]], None]:
    """A server that begins well and then does something else."""

    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        handler.begin()
        handler.event(text)
        then(handler)

    return answer


@pytest.mark.parametrize("text", ["", "half an ans"])
@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (lambda h: h.hang_up(), "reset|broke off"),
        (lambda h: h.end(), "broke off"),  # a stream that ends without a reason is half an answer
        (lambda h: h.wfile.write(b"zz\r\n"), "broke off"),
        (lambda h: h.send(b"\xff\xfe\n\n"), "not UTF-8"),
        (lambda h: h.send(b"data: {garbage\n\n"), "not JSON"),
        (lambda h: h.send(b"<html>busy</html>\n\n"), "no stream of events"),
        (lambda h: h.send(b"data: [1]\n\n"), "no completion"),
        (lambda h: h.send(b"data: {}\n\n"), "no completion"),
        (lambda h: h.send(b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n'), "no completion"),
        (lambda h: h.send(b'data: {"choices": [{"text": 7}]}\n\n'), "no completion"),
        (lambda h: h.send(b'data: {"error": {"message": "out of memory"}}\n\n'), "out of memory"),
        (lambda h: h.send(b"data: " + b"[" * 100_000 + b"\n\n"), "not JSON"),
        (lambda h: [h.send(b"x" * 65536) for _ in range(40)], "more than 1 MiB"),
        (lambda h: [h.send(b"data: " + b"x" * 65536 + b"\n") for _ in range(40)], "more than 1 MiB"),
        (lambda h: (h.event("", "content_filter"), h.end()), "content_filter"),
        (lambda h: [h.event("word " * 200) for _ in range(200)], "long after 64 tokens"),
    ],
)
def test_an_answer_that_breaks_is_lost(text: str, then: Callable[[Handler], object], reason: str):
    said = lost(tell(text, then))
    assert re.search(reason, said), said


def test_the_last_text_counts_even_if_the_count_of_tokens_never_comes():
    def then(handler: Handler) -> None:
        handler.event("", "stop")
        handler.hang_up()

    with serving(tell("all", then)) as server:
        assert one(server.address) == Output("all", 1, StopReason.STOP)


@pytest.mark.parametrize(
    "noise",
    [b"", b": ping\n\n", b'data: {"choices": [{"text": "", "finish_reason": null}]}\n\n'],
    ids=["", "pings", "blanks"],
)
def test_a_server_that_hangs_is_given_up(noise: bytes):
    over = threading.Event()

    def then(handler: Handler) -> None:
        while not over.wait(0.02):
            if noise:
                handler.send(noise)

    try:
        assert "nothing came for 0.3 seconds" in lost(tell("half", then), timeout=0.3)
    finally:
        over.set()


def test_a_server_that_never_answers_or_drips_its_head():
    def drip(handler: Handler, payload: dict[str, Any]) -> None:
        try:
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 90:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            handler.close_connection = True

    assert "nothing came for 0.3 seconds" in lost(drip, timeout=0.3)


def forever(handler: Handler, start: bytes, line: bytes) -> None:
    """Something without an end, as long as somebody reads."""
    try:
        handler.wfile.write(start)
        while True:
            handler.wfile.write(line)
            handler.wfile.flush()
            time.sleep(0.01)
    except OSError:
        handler.close_connection = True


@pytest.mark.parametrize(
    ("start", "line"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"Trailer: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b":\n\n"),
    ],
    ids=["heads", "trailers", "comments"],
)
def test_an_answer_without_an_end_is_given_up(start: bytes, line: bytes):
    assert "nothing came for 0.3 seconds" in lost(lambda handler, _: forever(handler, start, line), timeout=0.3)


def test_an_error_without_an_end_is_given_up():
    said = lost(lambda handler, _: forever(handler, b"HTTP/1.1 500 No\r\n\r\n", b"x"), timeout=0.3)
    assert "it answered 500 No: xxx" in said


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 and its key, which nobody trusts."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=codegem", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem"]
    subprocess.run([*command, "-out", "cert.pem"], cwd=folder, check=True, capture_output=True, timeout=60)
    return folder


def secure(server: Any, certificate: Path) -> str:
    """The address of a server once it speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.address.replace("http:", "https:")


def test_a_certificate_that_nobody_trusts(certificate: Path):
    with serving() as server, pytest.raises(UserError, match="certificate is not trusted"):
        RemoteModel(secure(server, certificate))


def test_a_secure_server(certificate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with serving() as server:
        address = secure(server, certificate)
        assert one(address).text == "hello again"
        server.answer = tell("half", lambda handler: time.sleep(3))
        with pytest.raises(SourceError, match=r"nothing came for 0\.3 seconds"):
            one(address, timeout=0.3, retries=0)


def test_a_list_of_models_without_an_end_is_given_up():
    listing = serving(models=lambda handler: forever(handler, b"HTTP/1.1 200 OK\r\n\r\n", b" "))
    with listing as server, pytest.raises(UserError, match=r"no whole answer came within 0\.3 seconds"):
        RemoteModel(server.address, timeout=0.3)


def test_a_death_before_the_first_text_is_tried_again():
    deaths = iter([True, True, False])

    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        if next(deaths):
            handler.begin()
            return handler.hang_up()
        words(handler, payload)

    with serving(answer) as server:
        assert one(server.address).text == "hello again"


def test_one_lost_request_hinders_no_other():
    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        if payload["prompt"] in ("3", "6"):
            return handler.say(400, {"error": {"message": "the prompt is too long"}})
        words(handler, payload, (payload["prompt"],))

    found = {}
    with serving(answer) as server, pytest.raises(SourceError, match="2 of 9 answers") as caught:
        for index, output in finished(RemoteModel(server.address, parallel=2), [Request(str(i)) for i in range(9)]):
            found[index] = output.text
    assert found == {i: str(i) for i in range(9) if i not in (3, 6)}
    assert set(caught.value.failed) == {3, 6}
    assert "too long" in caught.value.failed[3]


def test_a_server_that_is_gone_is_not_asked_for_ever():
    with serving() as server:
        model = RemoteModel(server.address, parallel=4, retries=1)
    with pytest.raises(SourceError, match="100 of 100 answers did not come") as caught:
        list(model.generate([Request(str(i)) for i in range(100)]))
    assert 8 <= len(caught.value.failed) <= 12
    assert caught.value.gone


def test_a_server_that_refuses_everything_is_not_asked_for_ever():
    refusing = serving(lambda handler, payload: handler.say(400, {"error": "no"}))
    with refusing as server, pytest.raises(SourceError, match="500 of 500") as caught:
        list(RemoteModel(server.address).generate([Request("x")] * 500))
    assert 100 <= len(server.asked) <= 104
    assert not caught.value.gone


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_wrong_for_all_is_said_once(status: int):
    refusing = serving(lambda handler, payload: handler.say(status, {"detail": "no"}))
    with refusing as server, pytest.raises(UserError, match=str(status)) as caught:
        list(RemoteModel(server.address, parallel=1).generate([Request("x")] * 50))
    assert not isinstance(caught.value, SourceError)
    assert len(server.asked) == 1


def slow(handler: Handler, payload: dict[str, Any]) -> None:
    """Words without an end, as long as somebody reads."""
    handler.begin()
    try:
        while True:
            handler.event("word ")
            time.sleep(0.01)
    except OSError:
        handler.server.seen.append(("hung up", {}, {}))
        handler.close_connection = True


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_closing_hangs_up():
    with serving(slow) as server:
        with closing(RemoteModel(server.address).generate([Request("x", 10_000)] * 3)) as chunks:
            begun = set[int]()
            while len(begun) < 3:
                begun.add(next(chunks).index)
        wait_for(lambda: sum(path == "hung up" for path, _, _ in server.seen) >= 3)
        wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name.endswith("(_run)")])


def test_a_cancelled_request_ends_and_others_go_on():
    gone = threading.Event()
    requests = [
        Request("slow", 10_000, cancelled=gone.is_set),
        Request("quick"),
        Request("never", cancelled=lambda: True),
    ]

    def answer(handler: Handler, payload: dict[str, Any]) -> None:
        return slow(handler, payload) if payload["prompt"] == "slow" else words(handler, payload)

    found: dict[int, list[Chunk]] = {0: [], 1: [], 2: []}
    with serving(answer) as server:
        for chunk in RemoteModel(server.address, parallel=2).generate(requests):
            found[chunk.index].append(chunk)
            if chunk.index == 1 and chunk.stop_reason:
                gone.set()
    assert [chunks[-1].stop_reason for chunks in found.values()] == [
        StopReason.CANCELLED, StopReason.STOP, StopReason.CANCELLED,
    ]  # fmt: skip
    assert "never" not in [asked["prompt"] for asked in server.asked]


def test_cancelling_does_not_wait_for_a_server_that_hangs():
    gone = threading.Event()
    silent = socket.create_server(("127.0.0.1", 0), backlog=8)
    with serving() as server, silent:
        model = RemoteModel(server.address)
        model._address = parse_address(f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
        threading.Timer(0.1, gone.set).start()
        (chunk,) = model.generate([Request("x", cancelled=gone.is_set)])
    assert chunk == Chunk(0, "", 0, StopReason.CANCELLED)


def test_a_mistake_in_a_thread_is_told():
    def broken() -> bool:
        raise RuntimeError("no clock")

    with serving(slow) as server, pytest.raises(RuntimeError, match="no clock"):
        list(RemoteModel(server.address).generate([Request("x", cancelled=broken)]))


def test_nothing_is_asked_of_nobody():
    with serving() as server:
        assert list(RemoteModel(server.address).generate([])) == []
    assert not server.asked


def test_jax_is_not_imported():
    program = "import sys, codegem.inference.remote; assert 'jax' not in sys.modules, 'jax'; print(1)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout == "1\n", done.stderr


def test_a_prompt_with_half_a_surrogate_pair_reaches_the_server():
    with serving() as server:
        one(server.address, Request("\ud800"))
    assert json.dumps(server.asked[0]["prompt"]) == '"\\ud800"'
