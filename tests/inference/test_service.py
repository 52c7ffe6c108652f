"""Requests from any thread: each text is the one of its request alone, whatever becomes of the others."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import Any

import jax
import pytest

from codegem.errors import Busy, UserError
from codegem.generate import Chunk, Conversation, Infill, Output, Request, StopReason, finished, outputs
from codegem.inference import pieces
from codegem.inference.engine import Engine
from codegem.inference.programs import Programs
from codegem.inference.service import Service, Ticket
from codegem.text.chat import Turn


@pytest.fixture(scope="module", autouse=True)
def small_sizes() -> Iterator[None]:
    """Few rows and short prompts cross the borders of pieces, of caches and of batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SMALL", (1,))
        patch.setattr(pieces, "LARGE", (32,))
        patch.setattr(pieces, "BESIDE", (1, 32))
        patch.setattr(pieces, "ROWS", (1, 4))
        patch.setattr(pieces, "SMALLEST_CAPACITY", 128)
        yield


@pytest.fixture
def serve(make: Callable[..., Engine]) -> Iterator[Callable[..., Service]]:
    """Services that are closed at the end of a test."""
    services: list[Service] = []

    def start(waiting: int = 64, **settings: Any) -> Service:
        services.append(Service(make(**settings), waiting=waiting))
        return services[-1]

    yield start
    for service in services:
        service.close()


def alone(engine: Engine, request: Request) -> Output:
    ((_, output),) = finished(engine, [request])
    return output


class Heard:
    """A listener that remembers."""

    def __init__(self):
        self.told: list[Any] = []
        self._ended = threading.Event()

    def __call__(self, told: Chunk | Exception) -> None:
        self.told.append(told)
        if isinstance(told, Exception) or told.stop_reason:
            self._ended.set()

    def wait(self) -> Output:
        """The whole text.

        Raises:
            Exception: what ended it.
        """
        assert self._ended.wait(60)
        if isinstance(self.told[-1], Exception):
            raise self.told[-1]
        chunks = self.told
        return Output("".join(c.text for c in chunks), sum(c.tokens for c in chunks), chunks[-1].stop_reason)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(6000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it was never so")


def some_request(numbers: random.Random) -> Request:
    """One of the requests that clients send."""
    start = numbers.choice(["def f(a, b):\n    return a\n", "def f(a", "x" * 40, "y"])
    prompt: Any = start + "".join(numbers.choices("abx \n", k=numbers.randrange(20)))
    if numbers.random() < 0.3:
        prompt = Infill(prompt, numbers.choice(["", "\nprint(a)\n"]), "a.py")
    return Request(  # drawing takes a compiler long, and is looked at with the scheduler
        prompt,
        numbers.choice([0, 1, 3, 12, 12, 20]),
        numbers.choice([(), (), ("\n",), ("ab", "0")]),
        begin=numbers.choice(["", "", "", "re", "é"]),
        probabilities=numbers.choice([None, None, None, 2]),
    )


BROKEN = [Request("x" * 200), Request("x", temperature=-1), Request("x", 4, ("",)), Request(Conversation(()), 4)]


@pytest.mark.parametrize("lookup", [False, True])
def test_mixed_requests_of_many_threads(
    serve: Callable[..., Service], make: Callable[..., Engine], lookup: bool, count: int = 100
):
    """Cancelled at random, broken ones among them: the texts are those of the requests alone, and nothing is left."""
    service, plain = serve(waiting=16, lookup=lookup, cache_bytes=300_000), make(cache_bytes=0, lookup=False)
    numbers = random.Random(lookup)
    cases = [(some_request(numbers), numbers.choice([None, None, None, numbers.randrange(9)])) for _ in range(count)]
    expected = [alone(plain, request) for request, _ in cases]
    threads_before, coming, wrong = threading.active_count(), SimpleQueue[int](), []
    for index in range(count):
        coming.put(index)

    def client() -> None:
        while not coming.empty():
            index = coming.get()
            request, cancelled_at = cases[index]
            with pytest.raises(UserError):
                service.submit(BROKEN[index % len(BROKEN)], print)
            output = ask(service, request, cancelled_at)
            whole = expected[index]
            if output.stop_reason is StopReason.CANCELLED:
                fits = cancelled_at is not None or not request.max_tokens
                fits &= whole.text.startswith(output.text) and output.tokens <= whole.tokens
            else:
                fits = output == whole
            if not fits:
                wrong.append((request, output, whole))

    threads = [Thread(target=client) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    eventually(lambda: service.stats().active == 0)
    stats, shared = service.stats(), service.engine.shared
    assert (stats.waiting, stats.active, stats.done, stats.failed) == (0, 0, count, 0)
    assert stats.slot_bytes == shared.kept.size <= 300_000
    assert threading.active_count() == threads_before


def ask(service: Service, request: Request, cancelled_at: int | None) -> Output:
    """One text, cancelled when so many chunks have come; asked for again while the service is busy."""
    heard, tickets = Heard(), list[Ticket]()

    def listen(told: Chunk | Exception) -> None:
        heard(told)
        if cancelled_at is not None and len(heard.told) > cancelled_at:
            tickets[0].cancel()

    while not tickets:
        try:
            tickets.append(service.submit(request, listen))
        except Busy:
            time.sleep(0.001)
    return heard.wait()


def test_generate_is_that_of_the_engine(serve: Callable[..., Service], make: Callable[..., Engine]):
    """More requests than may wait, and the chunks say whose they are."""
    requests = [Request("abcdefgh"[at] * (3 + 9 * at), 8) for at in range(8)]
    assert list(outputs(serve(waiting=2), requests)) == [alone(make(), request) for request in requests]


def test_a_listener_hears_every_token_and_the_end(serve: Callable[..., Service]):
    heard = Heard()
    ticket = serve().submit(Request("def f(a", 6, probabilities=1), heard)
    output = heard.wait()
    assert [told.tokens for told in heard.told[:-1]] == [1] * output.tokens
    assert [told.stop_reason for told in heard.told[:-1]] == [None] * output.tokens
    usage = heard.told[-1].usage
    assert ticket.usage == usage and usage.prompt_tokens == 8 and usage.cached_tokens == 0
    assert usage.waiting >= 0 and usage.reading > 0 and usage.writing > 0


def test_what_was_at_hand_is_told(serve: Callable[..., Service]):
    service, heard = serve(), [Heard(), Heard()]
    for listener in heard:
        service.submit(Request("def f(a, b):", 4), listener)
        listener.wait()
    assert [listener.told[-1].usage.cached_tokens for listener in heard] == [0, 12]
    assert (service.stats().prompt_tokens, service.stats().cached_tokens) == (26, 12)


@pytest.mark.parametrize("others", [0, 3])
def test_a_cancelled_text_ends_within_a_token(serve: Callable[..., Service], others: int):
    service, heard = serve(), Heard()
    rest = [Heard() for _ in range(others)]
    for listener in rest:
        service.submit(Request("abc", 40), listener)

    def listen(told: Chunk | Exception) -> None:
        heard(told)
        if len(heard.told) == 3:
            ticket.cancel()

    ticket = service.submit(Request("def f(a", 60), listen)
    assert heard.wait().stop_reason is StopReason.CANCELLED
    assert len(heard.told) == 4 and heard.told[-1].text == ""
    ticket.cancel()
    assert all(listener.wait().stop_reason is not StopReason.CANCELLED for listener in rest)


def test_closing_a_generator_cancels(serve: Callable[..., Service]):
    service = serve()
    chunks = service.generate([Request("def f(a", 60), Request("x", 60)])
    next(chunks)
    chunks.close()
    eventually(lambda: service.stats().active == 0)
    assert service.stats().cancelled == 2


class Gate:
    """A listener that holds the service up, so that what others ask for meanwhile waits."""

    def __init__(self, service: Service):
        self.heard, self._open, self._reached = Heard(), threading.Event(), threading.Event()
        self.ticket = service.submit(Request("gate", 30), self)
        assert self._reached.wait(60)

    def __call__(self, told: Chunk | Exception) -> None:
        self._reached.set()
        assert self._open.wait(60)
        self.heard(told)

    def open(self) -> None:
        self._open.set()


def test_the_line_has_an_end(serve: Callable[..., Service]):
    service = serve(waiting=3)
    gate, heard = Gate(service), [Heard() for _ in range(3)]
    for listener in heard:
        service.submit(Request("abc", 3), listener)
    assert service.stats().waiting == 3
    with pytest.raises(Busy, match="3 requests are waiting already"):
        service.submit(Request("abc", 3), print)
    assert service.stats().refused == 1
    gate.open()
    for listener in heard:
        listener.wait()
    service.submit(Request("abc", 3), again := Heard())
    again.wait()


def test_those_who_wait_can_go_away(serve: Callable[..., Service]):
    service = serve()
    gate, heard = Gate(service), Heard()
    service.submit(Request("abc", 3), heard).cancel()
    gate.open()
    assert heard.wait() == Output("", 0, StopReason.CANCELLED)


def test_reading_ahead_gives_way_and_is_of_use(serve: Callable[..., Service]):
    service, prompt = serve(), "def f(a, b):\n    return a"
    gate, warmed, asked = Gate(service), Heard(), Heard()
    service.submit(Request(prompt, 0), warmed)
    service.submit(Request("x", 3), first := Heard())
    gate.open()
    first.wait()
    assert warmed.wait() == Output("", 0, StopReason.LENGTH)
    assert service.stats().done == 3 and service.stats().cancelled == 0
    service.submit(Request(prompt + "\n", 4), asked)
    asked.wait()
    assert asked.told[-1].usage.cached_tokens == len(prompt) + 1


def test_an_error_ends_the_texts_it_hit_and_the_service_lives_on(
    serve: Callable[..., Service], make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
):
    request = Request("def f(a", 12)
    expected = alone(make(), request)
    for program in ("choose", "steps", "join", "cache"):
        service, real, heard = serve(), getattr(Programs, program), [Heard() for _ in range(4)]
        gate = Gate(service)
        left = iter([True])

        def fails(self: Programs, cache: Any, *rest: Any, left: Any = left, real: Any = real, **more: Any):
            if next(left, False):
                if isinstance(cache, list):
                    jax.tree.map(lambda leaf: leaf.delete(), cache)  # what donation does
                raise MemoryError
            return real(self, cache, *rest, **more)

        with monkeypatch.context() as patch:
            patch.setattr(Programs, program, fails)
            for listener in heard:
                service.submit(request, listener)
            gate.open()
            ended = [outcome(listener) for listener in [gate.heard, *heard]]
        assert "MemoryError" in [str(type(one).__name__) for one in ended]
        assert all(one == expected or isinstance(one, MemoryError) for one in ended[1:])
        service.submit(request, again := Heard())
        assert again.wait() == expected


def outcome(heard: Heard) -> Output | Exception:
    try:
        return heard.wait()
    except Exception as error:
        return error


def test_a_listener_that_fails_hurts_nobody_else(serve: Callable[..., Service]):
    service, heard = serve(), Heard()

    def fail(told: Chunk | Exception) -> None:
        raise RuntimeError

    service.submit(Request("abc", 20), fail)
    service.submit(Request("abc", 3), heard)
    heard.wait()
    eventually(lambda: service.stats().active == 0)


def test_closing_ends_everything(serve: Callable[..., Service]):
    service = serve()
    gate, heard = Gate(service), Heard()
    service.submit(Request("abc", 3), heard)
    gate.open()
    service.close()
    assert heard.wait().stop_reason
    assert not service.engine.shared.kept.reserved
    with pytest.raises(UserError, match="closed"):
        service.submit(Request("abc", 3), heard)


def test_a_conversation_ends_with_its_turn(make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch):
    engine = make()
    end = engine.tokenizer.special.end_of_turn
    question = Conversation((Turn("system", "Be brief."), Turn("user", "Why?")))
    assert engine.tokenizer.decode(engine.ids(question)) == "user\nBe brief.\n\nWhy?\nmodel\n"
    assert end in engine.text(0, Request(question), print).stop_ids
    assert end not in engine.text(0, Request("Why?"), print).stop_ids
