"""Kept beginnings, drafts, and work that ends early: the text is that of an engine without any of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.generate import Infill, Request, StopReason
from codegem.inference import pieces
from codegem.inference import programs as programs_module
from codegem.inference.engine import Engine
from codegem.inference.lookup import Lookup
from codegem.inference.prefix_cache import Slot
from codegem.inference.programs import Programs
from codegem.inference.sampling import Greedy, Sampler, sampler
from codegem.inference.session import Cancelled, Counts, Session
from codegem.text import fim

GREEDY = Greedy()
SAMPLERS = [GREEDY, sampler(0.8, 0.9, 3)]


@pytest.fixture(scope="module", autouse=True)
def small_sizes() -> Iterator[None]:
    """Short prompts cross the borders of pieces and of caches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SMALL", (1, 8))
        patch.setattr(pieces, "LARGE", (8, 32))
        patch.setattr(pieces, "SMALLEST_CAPACITY", 32)
        yield


@pytest.fixture(scope="module", autouse=True)
def nothing_runs_over_the_end() -> Iterator[None]:
    """Padding and drafts have to fit into the cache too: what is written behind its end would land elsewhere."""
    real = Programs.choose

    def choose(self: Programs, cache: list, sampler: Sampler, tokens: np.ndarray, filled: int, last: int):
        assert filled + tokens.shape[1] <= cache[0].shape[1]
        return real(self, cache, sampler, tokens, filled, last)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Programs, "choose", choose)
        yield


@pytest.fixture(scope="module")
def plain(make: Callable[..., Engine]) -> Engine:
    """Every request cold, every token by itself."""
    return make(lookup=False, cache_bytes=0)


def write(engine: Engine, prompt: list[int], choose: Sampler = GREEDY, count: int = 20) -> list[int]:
    return list(engine.stream(prompt, max_tokens=count, choose=choose))


def ids(length: int, seed: int = 0) -> list[int]:
    return [2, *np.random.default_rng(seed).integers(10, 266, length - 1).tolist()]


PROMPTS = st.lists(st.integers(10, 16), min_size=1, max_size=60)


@settings(max_examples=30)
@given(PROMPTS, st.integers(1, 36), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 2**32 - 1))
def test_drafts_change_no_token(
    make: Callable[..., Engine], plain: Engine, prompt: list[int], count: int, temperature: float, seed: int
):
    choose = sampler(temperature, 0.95, seed)
    assert write(make(lookup=True), prompt, choose, count) == write(plain, prompt, choose, count)


def test_drafts_save_passes(make: Callable[..., Engine], plain: Engine):
    engine = make(lookup=True)
    prompt = ids(4) * 8
    assert write(engine, prompt, count=60) == write(plain, prompt, count=60)
    assert engine.counts.accepted > 20
    assert engine.counts.passes == 60 - 1 - engine.counts.accepted


class Counting:
    """Programs whose model counts to three again and again."""

    def choose(self, arrays: list, sampler: object, tokens: np.ndarray, filled: int, last: int):
        assert filled + tokens.shape[1] <= 64
        return np.array([[(filled + at + 1) % 3 for at in range(tokens.shape[1])]]), arrays


@pytest.mark.parametrize("length", range(32, 64))
def test_a_draft_that_would_run_over_the_end_is_left_out(length: int):
    """All drafts are right, up to the last position of the cache."""
    text = [at % 3 for at in range(64)]
    session = Session(Counting(), Slot([], 64, 1), GREEDY, 0, Counts())  # type: ignore[arg-type]
    passes = session.passes(text[:length], 64 - length, frozenset(), Lookup(text[:length]))
    assert [token for tokens in passes for token in tokens] == text[length:]


def test_a_reference_is_drafted_from_and_changes_no_token(make: Callable[..., Engine], plain: Engine):
    expected = write(plain, ids(9))
    for reference in (expected, ids(50, seed=9)):
        engine = make(lookup=True, cache_bytes=0)
        stream = engine.stream(ids(9), max_tokens=20, reference=ids(9) + reference)
        assert list(stream) == expected
        assert (engine.counts.accepted > 0) == (reference is expected)


def test_stop_ids_inside_a_draft_end_the_stream(make: Callable[..., Engine], plain: Engine):
    prompt = ids(4) * 8
    expected = write(plain, prompt, count=40)
    for stop in set(expected):
        found = list(make(lookup=True).stream(prompt, max_tokens=40, stop_ids=frozenset([stop])))
        assert found == expected[: expected.index(stop)]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 2), PROMPTS, st.integers(0, 60), st.integers(1, 30)), min_size=2, max_size=6),
    st.booleans(),
    st.sampled_from(SAMPLERS),
    st.sampled_from([1, 30_000, 1 << 30]),
)
def test_what_was_kept_changes_no_token(
    make: Callable[..., Engine],
    plain: Engine,
    requests: list[tuple[int, list[int], int, int]],
    lookup: bool,
    choose: Sampler,
    limit: int,
):
    """Requests for a few files, each an edit of the last one somewhere; closed after some tokens or not at all."""
    engine, files = make(lookup=lookup, cache_bytes=limit), [ids(30, seed) for seed in range(3)]
    for file, typed, at, count in requests:
        files[file] = (files[file][: 1 + at] + typed + files[file][1 + at :])[:66]
        with_cache = list(islice(engine.stream(files[file], max_tokens=30, choose=choose), count))
        assert with_cache == write(plain, files[file], choose, 30)[:count]


def test_warm_prompts_are_not_read_again(make: Callable[..., Engine]):
    engine = make(lookup=False)
    write(engine, ids(50))
    assert (engine.counts.reused, engine.counts.read) == (0, 50)
    write(engine, [*ids(50)[:40], *ids(3, seed=8)])
    assert (engine.counts.reused, engine.counts.read) == (40, 53)


@pytest.mark.parametrize("lookup", [False, True])
def test_an_answer_is_kept_as_well(make: Callable[..., Engine], lookup: bool):
    """As in a conversation, where the next prompt goes on behind it."""
    engine = make(lookup=lookup)
    answer = write(engine, ids(20), count=15)
    write(engine, [*ids(20), *answer, *ids(5, seed=1)])
    assert engine.counts.reused >= 20 + 14  # nobody asked for what follows the last token


@pytest.mark.parametrize("order", [fim.Order.SPM, fim.Order.PSM])
def test_a_keystroke(make: Callable[..., Engine], order: fim.Order):
    """In SPM all is kept but the end; in PSM what stands before the cursor."""
    engine = make(order=order, lookup=True)
    for prefix in ("def add(a, b):\n    ret", "def add(a, b):\n    retu"):
        list(engine.generate([Request(Infill(prefix, "\n\nprint(add(1, 2))\n", "a.py"), max_tokens=4)]))
    kept = len("\2a.py\n\2") + 22 + (len("\n\nprint(add(1, 2))\n") + 1 if order == fim.Order.SPM else 0)
    assert engine.counts.reused == kept


def test_another_file_does_not_cost_the_first_one_its_slot(make: Callable[..., Engine]):
    engine = make()
    write(engine, ids(60))
    write(engine, [*ids(60)[:5], *ids(50, seed=3)])
    before = engine.counts.reused
    assert before == 5
    write(engine, [*ids(60)[:59], 40])
    assert engine.counts.reused - before == 59


def test_a_cache_grows_and_keeps_what_it_holds(make: Callable[..., Engine], plain: Engine):
    engine = make()
    for length, count in ((20, 5), (40, 5), (70, 20)):
        assert write(engine, ids(70)[:length], count=count) == write(plain, ids(70)[:length], count=count)
    assert [slot.capacity for slot in engine.shared.kept.slots] == [128]
    assert engine.counts.reused == 20 + 40


def test_bytes_are_counted_from_the_arrays_and_bounded(make: Callable[..., Engine]):
    one = Programs(make().model).size(32)
    assert one == 2 * 2 * 32 * 16 * 4  # layers, keys and values, positions, head size, float32
    engine = make(cache_bytes=3 * one)
    for seed in range(6):
        write(engine, ids(20, seed), count=5)
        assert (
            sum(leaf.nbytes for slot in engine.shared.kept.slots for leaf in slot.arrays or ())
            == engine.shared.kept.size
        )
        assert engine.shared.kept.size <= 3 * one
    assert len(engine.shared.kept.slots) == 3


@pytest.mark.parametrize("lookup", [False, True])
@pytest.mark.parametrize("choose", SAMPLERS)
def test_closing_at_any_chunk_leaves_a_sound_cache(
    make: Callable[..., Engine], plain: Engine, lookup: bool, choose: Sampler
):
    """Wherever the work ends, in the middle of a prompt or of its answer, the next answers are right."""
    prompt, longer = ids(50), [*ids(50)[:48], *ids(20, seed=5)]
    expected = write(plain, prompt, choose), write(plain, longer, choose)
    ends = 0
    while True:
        engine = make(lookup=lookup)
        passes = engine._passes(prompt, 20, choose)
        made = list(islice(passes, ends))
        passes.close()
        assert engine.shared.kept.slots or ends == 0
        assert write(engine, longer, choose) == expected[1]
        assert write(engine, prompt, choose) == expected[0]
        if len(made) < ends:
            break
        ends += 1
    assert ends > 10


def test_work_on_a_prompt_ends_between_its_pieces(make: Callable[..., Engine]):
    engine = make(lookup=False)
    chunks = engine.generate([Request("x" * 60, max_tokens=5)])
    assert next(chunks).text == ""
    chunks.close()
    (slot,) = engine.shared.kept.slots
    assert len(slot.tokens) == 32
    write(engine, [2, *[10 + ord("x")] * 60])
    assert engine.counts.reused == 32


@pytest.mark.parametrize("lookup", [False, True])
@pytest.mark.parametrize("asked", range(12))
def test_a_cancelled_request_ends_and_leaves_a_sound_cache(make: Callable[..., Engine], lookup: bool, asked: int):
    engine, text = make(lookup=lookup), "def f(a, b):\n    return a\n" * 3
    questions = iter(range(1000))
    request = Request(text, max_tokens=8, cancelled=lambda: next(questions) >= asked)
    chunks = list(engine.generate([request]))
    reasons = [chunk.stop_reason for chunk in chunks]
    assert reasons[:-1] == [None] * (len(chunks) - 1)
    assert reasons[-1] == StopReason.CANCELLED or next(questions) <= asked
    wanted = list(make(lookup=lookup, cache_bytes=0).generate([Request(text, max_tokens=8)]))
    again = list(engine.generate([Request(text, max_tokens=8)]))
    assert "".join(chunk.text for chunk in again) == "".join(chunk.text for chunk in wanted)


class Slow:
    """A pass that takes as long as nobody gives it up, and says of every token that 7 follows."""

    def __init__(self):
        self.given_up: list[object] = []

    def choose(self, arrays: list, sampler: object, tokens: np.ndarray, filled: int, last: int):
        return self, arrays

    def is_ready(self) -> bool:
        return False

    def give_up(self, choices: object) -> None:
        self.given_up.append(choices)


def test_a_long_pass_is_given_up_in_its_middle():
    programs, slot = Slow(), Slot[list]([], capacity=64, size=0)
    questions = iter(range(10))
    session = Session(programs, slot, GREEDY, 0, Counts(), lambda: next(questions) == 3)  # type: ignore[arg-type]
    with pytest.raises(Cancelled):
        list(session.passes(ids(30), 4, frozenset(), None))
    assert programs.given_up == [programs]
    assert slot.tokens == [] and slot.arrays == []


def test_giving_a_pass_up_waits_for_the_others(make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch):
    """Kernels know no passes, so whatever runs beside the one that is given up has to be done first."""
    programs = make().shared.programs
    states: list[bool] = []
    cache = programs.cache(64)
    first, _ = programs.choose(cache, GREEDY, np.array([ids(32)], np.int32), 0, 31)
    other, _ = programs.choose(programs.cache(64), GREEDY, np.array([ids(32)], np.int32), 0, 31)

    @contextmanager
    def giving_up() -> Iterator[None]:
        states.append(first.is_ready())
        yield

    monkeypatch.setattr(programs_module, "giving_up", giving_up)
    programs._running = [first, other]
    programs.give_up(other)
    assert states == [True] and other.is_ready()


@pytest.mark.parametrize("lookup", [False, True])
def test_an_error_in_a_program_drops_the_slot(
    make: Callable[..., Engine], plain: Engine, monkeypatch: pytest.MonkeyPatch, lookup: bool
):
    engine, real = make(lookup=lookup), Programs.choose
    write(engine, ids(50))
    for fails_at in range(4):
        calls = iter(range(100))

        def choose(self: Programs, cache: list, *rest: object, calls: Iterator[int] = calls, at: int = fails_at):
            if next(calls) == at:
                jax.tree.map(lambda leaf: leaf.delete(), cache)  # what donation does
                raise MemoryError
            return real(self, cache, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(Programs, "choose", choose)
        with pytest.raises(MemoryError):
            write(engine, [*ids(50)[:45], *ids(10, seed=fails_at)])
        assert engine.shared.kept.slots == []
        monkeypatch.setattr(Programs, "choose", real)
        assert write(engine, ids(50)) == write(plain, ids(50))


def test_two_streams_at_once_do_not_disturb_each_other(make: Callable[..., Engine], plain: Engine):
    engine = make()
    write(engine, ids(40))
    prompts = [*ids(40)[:39], 77], [*ids(40)[:39], 78]
    streams = [engine.stream(prompt, max_tokens=20) for prompt in prompts]
    found = list(zip(*streams, strict=True))
    assert [list(tokens) for tokens in zip(*found, strict=True)] == [write(plain, prompt) for prompt in prompts]


def test_choices_do_not_depend_on_what_is_chosen_beside_them():
    """Rows of one pass, one by one and together: of greedy, and of each way to draw."""
    logits = jax.random.normal(jax.random.key(0), (8, 1000)) * 3
    positions = jnp.arange(40, 48)
    for choose in (Greedy(), sampler(0.2, 0.95, 1), sampler(1.0, 1.0, 2), sampler(3.0, 0.5, 3)):
        program = jax.jit(lambda logits, positions, choose=choose: choose(logits, positions))
        alone = [int(program(logits[at : at + 1], positions[at : at + 1])[0]) for at in range(8)]
        assert program(logits, positions).tolist() == alone
