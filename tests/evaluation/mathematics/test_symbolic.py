"""The process that compares: its limits, and whose fault it is where it ends."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

pytest.importorskip("latex2sympy2_extended", reason="comparing mathematics needs codegem[eval]")

from codegem.errors import UserError
from codegem.evaluation.mathematics import symbolic
from codegem.evaluation.mathematics.symbolic import Comparison, answers_equal
from codegem.sandbox.limits import Finished, SandboxError, Status

Fake = Callable[..., Finished]


def ended(code: int | None, *lines: str, status: Status = Status.EXITED) -> Finished:
    """A process that wrote some lines."""
    return Finished(status, code, "".join(f"{line}\n" for line in lines), "", 0.1, f"exit code {code}" if code else "")


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bytes]]:
    """A function of runs to come: how each ends, or what it raises. Gives the pairs that they were asked."""

    def prepare(*runs: Finished | Exception) -> list[bytes]:
        waiting, asked = list(runs), []

        def run(command: Sequence[str], files: dict[str, Any], *_: object, **__: object) -> Finished:
            asked.append(files["pairs.jsonl"])
            found = waiting.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(symbolic, "run", run)
        return asked

    return prepare


def test_answers_that_take_too_much() -> None:
    """The process ends, and the answers around go on."""
    started = time.monotonic()
    given = ["x", "10^{10^{10}}", "0.5"]
    found = answers_equal([(one, "1/2") for one in given], seconds=0.3)
    assert [one.equal for one in found] == [False, False, True]
    assert found[1].reason == "it took more than 0.3 s of processor time"
    assert time.monotonic() - started < 120


def test_an_expected_answer_that_takes_too_much(replies: Callable[..., list[bytes]]) -> None:
    """Then nobody can say of an answer that it is wrong."""
    slow = ended(155, "ready")
    replies(slow, slow)
    (found,) = answers_equal([("5", "(10^9)!")])
    assert found.equal is None and found.reason.startswith("the expected answer could not be compared: it took")


def test_a_process_that_ends_once(replies: Callable[..., list[bytes]]) -> None:
    """The machine may have run out of memory; the pair is asked again, alone."""
    asked = replies(ended(139, "ready", "="), ended(0, "ready", "=", "="), ended(0, "ready", "!"))
    assert [found.equal for found in answers_equal([("1", "1"), ("2", "2"), ("3", "4")])] == [True, True, False]
    assert asked[1] == '[null, "2"]\n["2", "2"]\n' and asked[2] == '["3", "4"]\n'


@pytest.mark.parametrize(
    ("end", "equal"),
    [
        (ended(None, "ready", "=", status=Status.MEMORY), False),
        (ended(139, "ready", "="), False),  # a crash
        (ended(137, "ready", "="), None),  # killed from outside
        (ended(None, "ready", "=", status=Status.TIME), None),  # a machine that stood still
        (ended(None, "ready", "=", status=Status.OUTPUT), None),
        (SandboxError("no namespaces"), None),
    ],
)
def test_whose_fault_it_is(replies: Callable[..., list[bytes]], end: Finished | Exception, equal: bool | None) -> None:
    first = ended(end.exit_code, "ready", status=end.status) if isinstance(end, Finished) else end
    replies(first, end)
    (found,) = answers_equal([("5", "6")])
    assert found.equal is equal and found.reason


def test_a_process_that_never_starts_is_no_wrong_answer(replies: Callable[..., list[bytes]]) -> None:
    replies(*[ended(1)] * 4)
    assert [found.equal for found in answers_equal([("5", "5"), ("6", "7")])] == [None, None]


def test_each_pair_is_asked_once(replies: Callable[..., list[bytes]]) -> None:
    asked = replies(ended(0, "ready", "=", "?"))
    found = answers_equal([("1", "1"), ("what", "2"), ("1", "1")])
    assert found == [Comparison(True), Comparison(False, "not read as mathematics, and not the same text"), *found[:1]]
    assert len(asked) == 1 and answers_equal([]) == []


def test_without_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs under the same limits, and says so."""
    symbolic.tools.cache_clear()
    monkeypatch.setattr(symbolic, "_sandboxed", lambda: False)
    try:
        assert symbolic.tools()["sandbox"] == "none"
        assert [found.equal for found in answers_equal([("1/2", "0.5"), ("1", "2")])] == [True, False]
    finally:
        symbolic.tools.cache_clear()


def test_without_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    symbolic.tools.cache_clear()
    monkeypatch.setattr(symbolic, "_LIBRARIES", ("no-such-library-of-mathematics",))
    with pytest.raises(UserError, match=r"needs no-such-library-of-mathematics: pip install 'codegem\[eval\]'"):
        answers_equal([("1", "1")])
