"""Texts that are written side by side: each is the one that it would be alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from threading import Thread
from typing import Any

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import codegem
from codegem.errors import UserError
from codegem.generate import Infill, Output, Request, StopReason, finished, never
from codegem.inference import pieces, programs
from codegem.inference.engine import Engine
from codegem.inference.programs import Programs
from codegem.kernels import ops


@pytest.fixture(scope="module", autouse=True)
def small_sizes() -> Iterator[None]:
    """Few rows and short prompts cross the borders of pieces, of caches and of batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SMALL", (1, 8))
        patch.setattr(pieces, "LARGE", (8, 32))
        patch.setattr(pieces, "BESIDE", (1, 8, 32))
        patch.setattr(pieces, "ROWS", (1, 2, 4))
        patch.setattr(pieces, "SMALLEST_CAPACITY", 64)
        yield


def alone(engine: Engine, request: Request) -> Output:
    ((_, output),) = finished(engine, [request])
    return output


def together(engine: Engine, requests: Sequence[Request]) -> list[Output]:
    done = dict(finished(engine, requests))
    return [done[index] for index in range(len(requests))]


class After:
    """Turns true when it has been asked so often."""

    def __init__(self, times: int):
        self.left = times

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def some_requests(count: int, **changed: object) -> list[Request]:
    letters = "abcdefghijkl"
    each = {"max_tokens": 12, **changed}
    return [Request(letters[at % 12] * (3 + 5 * at % 40), **each) for at in range(count)]  # type: ignore[arg-type]


REQUESTS = st.builds(
    Request,
    prompt=st.sampled_from(["", "def f(a", "def f(a, b):\n    return a\n", "x" * 50]).flatmap(
        lambda start: st.text("abx \n", max_size=30).map(lambda end: start + end)
    ),
    max_tokens=st.integers(1, 14),
    stop=st.lists(st.text("abcdefgh\n0123", min_size=1, max_size=2), max_size=3).map(tuple),
    temperature=st.sampled_from([0.0, 0.0, 0.4, 1.5]),
    top_p=st.sampled_from([1.0, 0.9]),
    seed=st.integers(0, 3),
)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(REQUESTS, st.one_of(st.none(), st.integers(0, 20)), st.integers(0, 25)), min_size=2, max_size=9),
    st.sampled_from([1, 40_000, 1 << 30]),
    st.booleans(),
    st.booleans(),
)
def test_every_text_is_that_of_its_request_alone(
    make: Callable[..., Engine],
    arrivals: list[tuple[Request, int | None, int]],
    limit: int,
    interactive: bool,
    lookup: bool,
):
    """Random lengths, stops, samplers, cancellations, times of arrival and limits of memory."""
    engine = make(cache_bytes=limit, lookup=lookup)
    scheduler = engine.scheduler(interactive=interactive)
    coming = sorted(enumerate(arrivals), key=lambda one: one[1][2])
    chunks: list[Any] = []
    rounds = 0
    while coming or not scheduler.is_idle:
        while coming and coming[0][1][2] <= rounds:
            index, (request, cancelled, _) = coming.pop(0)
            asked = never if cancelled is None else After(cancelled)
            scheduler.submit(engine.text(index, replace(request, cancelled=asked), chunks.append))
        scheduler.round()
        rounds += 1
        held = engine.shared.kept.size + engine.shared.kept.reserved
        assert held <= limit or len(engine.shared.kept.slots) <= 1
    scheduler.close()
    single = make(cache_bytes=0, lookup=False)
    for index, (request, cancelled, _) in enumerate(arrivals):
        mine = [chunk for chunk in chunks if chunk.index == index]
        reasons = [chunk.stop_reason for chunk in mine]
        text, expected = "".join(chunk.text for chunk in mine), alone(single, request)
        assert all(reason is None for reason in reasons[:-1]) and reasons[-1] is not None
        if reasons[-1] is StopReason.CANCELLED:
            assert cancelled is not None and len(mine) <= cancelled + 3
            assert sum(chunk.tokens for chunk in mine) <= expected.tokens
        else:
            assert Output(text, sum(chunk.tokens for chunk in mine), reasons[-1]) == expected


@pytest.fixture(scope="module", params=[None, 8])
def nano(request: pytest.FixtureRequest) -> Engine:
    if not ops.available():
        pytest.skip("without the kernels a row may differ from the row alone in its last bits")
    return codegem.load("nano", bits=request.param).engine


def test_with_kernels_the_texts_are_the_same_to_the_last_token(nano: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pieces, "ROWS", (1, 4, 8))
    lines = [
        "import json\n",
        "\n",
        "def load(path):\n",
        "    with open(path) as file:\n",
        "        return json.load(file)\n",
    ]
    requests = [
        Request(Infill("".join(lines[:at]), "".join(lines[at + 1 :])), 10 + at, (), temperature, 0.95, at)
        for at in range(5)
        for temperature in (0.0, 0.7)
    ]
    single = Engine(nano.model, nano.tokenizer, order=nano.order, lookup=False, cache_bytes=0)
    expected = [alone(single, request) for request in requests]
    assert len({output.text for output in expected}) > 6
    assert together(nano, requests) == expected


def test_chunks_interleave_and_requests_are_served_in_their_order(make: Callable[..., Engine]):
    order = [chunk.index for chunk in make().generate(some_requests(10)) if chunk.tokens or chunk.stop_reason]
    first = [order.index(index) for index in range(10)]
    assert first == sorted(first)
    assert first[3] < order.index(0) + order.count(0)  # the fourth begins before the first one ends
    assert len({tuple(order[at : at + 4]) for at in range(8, 20)}) > 1


def test_more_rows_take_fewer_passes(make: Callable[..., Engine]):
    engine = make()
    outputs = together(engine, some_requests(12, max_tokens=20))
    assert engine.counts.passes < sum(output.tokens for output in outputs) / 2


def test_a_second_run_compiles_nothing(make: Callable[..., Engine]):
    engine, others = make(cache_bytes=1 << 20), some_requests(20)[11:]
    together(engine, some_requests(20)[:9])
    programs_used = (engine.shared.programs._choose, engine.shared.programs._steps, programs._join)
    before = [program._cache_size() for program in programs_used]  # type: ignore[attr-defined]
    engine.shared.kept.clear()
    together(engine, others)
    assert [program._cache_size() for program in programs_used] == before  # type: ignore[attr-defined]


def test_a_beginning_that_prompts_share_is_read_once(make: Callable[..., Engine]):
    engine, shots = make(), "question? answer! " * 3
    requests = [Request(shots + "what is " + name, max_tokens=4) for name in ("a", "bb", "ccc", "d", "ee", "fff")]
    outputs = together(engine, requests)
    assert outputs == [alone(make(cache_bytes=0), request) for request in requests]
    assert engine.counts.reused >= 5 * len(shots)


def test_the_keys_and_values_of_an_earlier_request_are_used(make: Callable[..., Engine]):
    engine, (first, second) = make(), some_requests(2)
    alone(engine, first)
    together(engine, [second, first])
    assert engine.counts.reused == len(str(first.prompt))  # and <bos>, but not the last token


def test_rows_take_no_more_than_the_cache_may(make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch):
    made: list[tuple[int, int]] = []
    real = Programs.cache

    def cache(self: Programs, capacity: int, rows: int = 1, **kept: object) -> list:
        made.append((capacity, rows))
        return real(self, capacity, rows, **kept)  # type: ignore[arg-type]

    monkeypatch.setattr(Programs, "cache", cache)
    requests = [*some_requests(4), Request("y" * 70, max_tokens=10), *some_requests(5)]
    engine = make(cache_bytes=3 * Programs(make().model).size(64))
    outputs = together(engine, requests)
    assert outputs == [alone(make(cache_bytes=0), request) for request in requests]
    sizes = {rows * capacity for capacity, rows in made if rows > 1}
    assert sizes and max(sizes) <= 3 * 64
    assert (128, 1) in made  # the long one has to be alone
    assert engine.shared.kept.reserved == 0


def test_errors_come_before_anything_is_generated(make: Callable[..., Engine]):
    good = Request("x", max_tokens=4)
    for bad, sentence in (
        (Request("x" * 95), "together the model takes 96"),
        (Request("x", max_tokens=-1), "max_tokens is -1"),
        (Request("x", temperature=-1.0), "temperature"),
        (Request("x", stop=("",)), "stop string is empty"),
    ):
        with pytest.raises(UserError, match=sentence):
            next(make().generate([good, bad]))


def test_no_requests_are_no_chunks(make: Callable[..., Engine]):
    assert list(make().generate([])) == []


@pytest.mark.parametrize("taken", [0, 1, 7, 20])
def test_closing_ends_the_work_and_leaves_a_sound_cache(make: Callable[..., Engine], taken: int):
    engine, requests = make(), some_requests(7)
    with closing(engine.generate(requests)) as chunks:
        for _ in range(taken):
            next(chunks)
    passes = engine.counts.passes
    assert passes <= taken + 2
    for request in requests:
        assert alone(engine, request) == alone(make(cache_bytes=0), request)


def test_a_cancelled_request_leaves_and_the_others_do_not_notice(make: Callable[..., Engine]):
    requests = some_requests(6, max_tokens=20)
    requests[1] = replace(requests[1], cancelled=After(0))  # while it waits
    requests[2] = replace(requests[2], cancelled=After(9))
    outputs = together(make(), requests)
    assert [output.stop_reason for output in outputs].count(StopReason.CANCELLED) == 2
    assert (outputs[1].text, outputs[1].tokens) == ("", 0)
    assert outputs[2].tokens <= 9
    for index in (0, 3, 4, 5):
        assert outputs[index] == alone(make(), requests[index])


def test_a_long_prompt_is_given_up_between_its_pieces(make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("codegem.inference.scheduler._READ", 8)
    engine = make()
    requests = [Request("z" * 80, max_tokens=4, cancelled=After(2)), Request("a", max_tokens=4)]
    outputs = together(engine, requests)
    assert [output.stop_reason for output in outputs] == [StopReason.CANCELLED, outputs[1].stop_reason]
    assert engine.counts.read == 81 + 2
    assert alone(engine, Request("z" * 80, max_tokens=4)) == alone(make(), Request("z" * 80, max_tokens=4))
    assert engine.counts.reused in (32, 64)


@pytest.mark.parametrize("fails_at", [0, 3, 8])
@pytest.mark.parametrize("program", ["choose", "steps", "join"])
def test_an_error_in_a_program_keeps_nothing(
    make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, program: str, fails_at: int
):
    engine, requests, real = make(), some_requests(9), getattr(Programs, program)
    calls = iter(range(1000))

    def fails(self: Programs, cache: list, *rest: object):
        if next(calls) == fails_at:
            jax.tree.map(lambda leaf: leaf.delete(), cache)  # what donation does
            raise MemoryError
        return real(self, cache, *rest)

    monkeypatch.setattr(Programs, program, fails)
    with pytest.raises(MemoryError):
        together(engine, requests)
    assert engine.shared.kept.slots == [] and engine.shared.kept.reserved == 0
    monkeypatch.setattr(Programs, program, real)
    assert together(engine, requests) == [alone(make(), request) for request in requests]


def test_texts_are_submitted_by_other_threads(make: Callable[..., Engine]):
    """As a server does: eight of them, while one runs the rounds."""
    engine = make()
    scheduler = engine.scheduler()
    requests = some_requests(8)

    def typist(index: int) -> None:
        scheduler.submit(engine.text(index, requests[index], chunks.append))

    chunks: list[Any] = []
    threads = [Thread(target=typist, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
        scheduler.round()
    while any(thread.is_alive() for thread in threads) or not scheduler.is_idle:
        scheduler.round()
    for index, request in enumerate(requests):
        text = "".join(chunk.text for chunk in chunks if chunk.index == index)
        assert text == alone(make(), request).text


def test_two_runs_at_once_do_not_disturb_each_other(make: Callable[..., Engine]):
    engine, requests = make(), some_requests(5)
    texts: list[list[str]] = [["" for _ in requests] for _ in range(2)]
    runs = [(texts[0], engine.generate(requests)), (texts[1], engine.generate(requests[::-1]))]
    while runs:
        for run in list(runs):
            if chunk := next(run[1], None):
                run[0][chunk.index] += chunk.text
            else:
                runs.remove(run)
    assert texts[0] == texts[1][::-1] == [alone(make(), request).text for request in requests]


class Rounds:
    """An interactive scheduler, and in which round each request had its first token."""

    def __init__(self, engine: Engine):
        self.engine, self.scheduler = engine, engine.scheduler(interactive=True)
        self.now, self.first, self.ended = 0, dict[int, int](), dict[int, int]()

    def submit(self, index: int, request: Request) -> None:
        def tell(told: Any) -> None:
            if told.tokens:
                self.first.setdefault(index, self.now)
            if told.stop_reason:
                self.ended[index] = self.now

        self.scheduler.submit(self.engine.text(index, request, tell))

    def run(self, count: int = 1) -> None:
        for _ in range(count):
            self.scheduler.round()
            self.now += 1


@pytest.fixture
def rounds(make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> Rounds:
    monkeypatch.setattr("codegem.inference.scheduler._READ_BESIDE", 8)
    return Rounds(make(lookup=False))


def test_a_short_prompt_is_not_held_up_by_a_long_one(rounds: Rounds):
    rounds.submit(0, Request("short" * 3, 20))
    rounds.run(2)
    rounds.submit(1, Request("l" * 80, 4))
    rounds.submit(2, Request("m" * 70, 4))
    rounds.run(2)
    rounds.submit(3, Request("s", 4))
    rounds.run(2)
    assert 3 in rounds.first and 1 not in rounds.first


def test_a_long_prompt_is_not_held_up_for_ever_by_short_ones(rounds: Rounds):
    rounds.submit(0, Request("l" * 80, 4))
    for index in range(1, 40):
        rounds.submit(index, Request("abcdefgh"[index % 8] * 3 + "x", 2))
        rounds.run()
    assert rounds.first[0] <= 2 * 80 / 8 + 3
    assert len(rounds.ended) > 20


def test_each_round_is_a_token_of_every_text(rounds: Rounds):
    """Also of those that were there first, while prompts of others are read."""
    rounds.submit(0, Request("a", 30))
    rounds.submit(1, Request("b", 30))
    rounds.run(4)
    rounds.submit(2, Request("l" * 60, 3))
    rounds.run(30)
    assert rounds.ended[0] <= 33 and rounds.ended[1] <= 33
    assert rounds.first[2] < 25


def test_a_text_that_is_alone_again_is_drafted_for(make: Callable[..., Engine]):
    engine = make(lookup=True)
    request = Request("abcabc" * 8, 40)
    expected, passes = alone(make(lookup=False), request), make(lookup=True)
    alone(passes, request)
    rounds = Rounds(engine)
    rounds.submit(0, request)
    rounds.run(3)
    rounds.submit(1, Request("x", 3))
    while not rounds.scheduler.is_idle:
        rounds.run()
    assert rounds.ended.keys() == {0, 1}
    assert engine.counts.accepted > 0
    assert engine.counts.passes < expected.tokens
