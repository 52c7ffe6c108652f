"""What the judge makes of honest and broken programs, of tests of every kind, and of a sandbox that breaks."""

import pytest

from codegem.errors import UserError
from codegem.evaluation import python_judge
from codegem.evaluation.python_judge import Trial, judge
from codegem.evaluation.task import Judgement, Verdict
from codegem.sandbox.limits import SandboxError


def _judged(program: str, test: str, prelude: str = "", seconds: float = 3.0) -> Judgement:
    return judge(Trial(program, test, ("f", "g"), prelude, seconds))


needs_sandbox = pytest.mark.usefixtures("sandbox")


@needs_sandbox
@pytest.mark.parametrize(
    ("program", "test"),
    [
        ("def f(x): return x * 2", "assert f(4) == 8"),
        ("def f(x, *, y=1): return x - y", "assert f(4, y=3) == 1 and f(x=4) == 3"),
        ("f = lambda x: (x, [x], {x: {x}}, None)", "assert f('é') == ('é', ['é'], {'é': {'é'}}, None)"),
        ("def f(x): return x", "for v in (b'a', 1j, 2**99, -0.5, range(3), {1: 2}, frozenset({1})): assert f(v) == v"),
        ("def f(): return float('inf')", "assert f() == float('inf')"),
        ("from collections import Counter as f", "assert f('aab') == {'a': 2, 'b': 1}"),
        ("from decimal import Decimal as f", "assert f('0.5') == 0.5"),
        ("from fractions import Fraction as f", "assert abs(f(1, 3) - 1 / 3) < 1e-9"),
        ("def f(x): yield from x", "assert list(f([1, 2])) == [1, 2] and tuple(f('ab')) == ('a', 'b')"),
        ("def f(x): return map(str, x)", "assert sorted(f([2, 1])) == ['1', '2'] and 'x' not in f([1])"),
        ("def f(): return iter(range(1000))", "assert sum(f()) == 499500"),
        ("def f(x): return {x: 1}.keys()", "assert f(3) == {3} and list(f(3)) == [3]"),
        ("def f(): return iter([1, 2, 3])\ndef g(x): return next(x)", "x = f(); assert (g(x), g(x)) == (1, 2)"),
        ("def f(x): x.sort()", "x = [2, 1]; assert f(x) is None and x == [1, 2]"),
        ("def f(x): x['a'].append(1); x['b'] = {2}", "y = []; x = {'a': y}; f(x); assert y == [1] and x['b'] == {2}"),
        (
            "def f(x): raise ValueError('no')",
            "try: f(1)\nexcept ValueError as e: assert e.args == ('no',)\nelse: assert 0",
        ),
        ("class E(KeyError): pass\ndef f(x): raise E", "try: f(1)\nexcept KeyError: pass\nelse: assert 0"),
        ("class E(Exception): pass\ndef f(x): raise E", "try: f(1)\nexcept Exception: pass\nelse: assert 0"),
        ("calls = []\ndef f(x): calls.append(x); return len(calls)", "assert f(1) == 1 and f(1) == 2"),
        ("def f(n): return n if n < 2 else f(n - 1) + f(n - 2)", "assert f(15) == 610"),
        ("def f(n): return 0 if n == 0 else 1 + f(n - 1)", "assert f(900) == 900"),
        ("def f(x): print('noise' * 1000); return x", "assert f(1) == 1"),
        ("import sys\nprint('x', file=sys.stderr)\ndef f(): return 1", "assert f() == 1"),
        ("if __name__ == '__main__': raise SystemExit\ndef f(): return 1", "assert f() == 1"),
        ("from dataclasses import dataclass\n@dataclass\nclass P: x: int\ndef f(): return P(1).x", "assert f() == 1"),
        ("def f(): return [0] * 10**5", "assert len(f()) == 10**5"),
        (
            "import threading, time\ndef f(): threading.Thread(target=time.sleep, args=(9,)).start(); return 1",
            "assert f() == 1",
        ),
        ("", "assert True"),
    ],
)
def test_right_answers_pass(program: str, test: str):
    told = _judged(program, test)
    assert (told.verdict, told.reason) == (Verdict.PASSED, "")
    assert told.seconds > 0


@needs_sandbox
@pytest.mark.parametrize(
    ("program", "test", "verdict", "reason"),
    [
        ("def f(x): return x", "assert f(4) == 8", Verdict.FAILED, "assert f(4) == 8; it gave 4"),
        ("def f(x): return None", "assert abs(f(4) - 8) < 1", Verdict.FAILED, "it gave None: TypeError"),
        ("def f(x): return (1,)", "assert f(4) == [1]", Verdict.FAILED, "it gave (1,)"),
        ("def f(x): return iter([1])", "assert f(4) == [1]", Verdict.FAILED, "it gave <list_iterator>"),
        ("def f(x): return 10**6000", "assert f(4) == 1", Verdict.FAILED, "it gave a value of type int"),
        ("def f(x): return 'a' * 999", "assert f(4) == 1", Verdict.FAILED, "a…"),
        ("def f(x): return 1 / 0", "assert f(4) == 8", Verdict.ERROR, "it raised ZeroDivisionError: division by zero"),
        ("def f(x): assert False", "assert f(4) == 8", Verdict.ERROR, "it raised AssertionError"),
        ("def f(x): yield 1 / 0", "list(f(4))", Verdict.ERROR, "it raised ZeroDivisionError"),
        ("def f(x): return f(x)", "f(4)", Verdict.ERROR, "it raised RecursionError"),
        ("def f(x): return input()", "f(4)", Verdict.ERROR, "it raised OSError"),
        ("def f(x): raise KeyboardInterrupt", "f(4)", Verdict.ERROR, "it raised KeyboardInterrupt"),
        ("def h(x): return 1", "assert f(4) == 8", Verdict.ERROR, "it raised NameError: name 'f' is not defined"),
        ("def f(x:", "assert f(4) == 8", Verdict.ERROR, "it raised SyntaxError: '(' was never closed"),
        ("raise SystemExit(0)", "assert True", Verdict.ERROR, "it raised SystemExit: 0"),
        ("import numpy.nowhere", "assert True", Verdict.ERROR, "it raised ModuleNotFoundError"),
        ("import os; os._exit(0)", "assert True", Verdict.ERROR, "ended with exit code 0 before the test did"),
        ("import os; os.abort()", "assert True", Verdict.ERROR, "ended by signal 6"),
        ("x = '\ud800'\ndef f(): return 1", "assert f() == 1", Verdict.ERROR, "it raised UnicodeEncodeError"),
        ("\x00", "assert True", Verdict.ERROR, "it raised SyntaxError"),
        ("#" * (1 << 21), "assert True", Verdict.ERROR, "the program has 2,097,152 bytes"),
        ("while True: pass", "assert True", Verdict.TIMED_OUT, "more than 0.3 s, not counting waits"),
        ("import time; time.sleep(99)", "assert True", Verdict.TIMED_OUT, "more than 0.3 s, not counting waits"),
        ("import time\ndef f(): time.sleep(0.1)", "for _ in range(9): f()", Verdict.TIMED_OUT, "more than 0.3 s"),
    ],
)
def test_other_answers_do_not(program: str, test: str, verdict: Verdict, reason: str):
    told = _judged(program, test, seconds=0.3 if verdict == Verdict.TIMED_OUT else 3.0)
    assert told.verdict == verdict, told
    assert reason in told.reason
    assert len(told.reason) < 1200 and "\n" not in told.reason


@needs_sandbox
def test_the_prelude_runs_with_the_test_and_the_program_can_not_change_it():
    prelude, test = "def h(x): return x + 1\ndef f(x): return 'not the program'", "assert f(3) == h(3)"
    assert _judged("def f(x): return x + 1", test, prelude).verdict == Verdict.PASSED
    assert _judged("def h(x): return x\ndef f(x): return x", test, prelude).verdict == Verdict.FAILED


@needs_sandbox
def test_a_program_works_on_its_arguments_or_gives_a_value_and_not_both():
    """Else it could change what its value is compared with."""
    program = "def f(x):\n    x.sort()\n    return x"
    assert _judged(program, "x = [2, 1]; assert f(x) == [1, 2]").verdict == Verdict.PASSED
    assert _judged(program, "x = [2, 1]; f(x); assert x == [2, 1]").verdict == Verdict.PASSED


@needs_sandbox
@pytest.mark.parametrize("test", ["assert f(", "f(object())", "f(print)", "f('" + "a" * 200_000 + "')"])
def test_a_test_that_is_none_is_not_the_programs_fault(test: str):
    with pytest.raises(UserError, match="test can't be run"):
        _judged("def f(x): return 1", test)
    with pytest.raises(UserError, match="test can't be run"):
        _judged("def f(x): return 1", "f(1)", prelude=test)


def _breaking(monkeypatch: pytest.MonkeyPatch, breaks) -> None:
    real = python_judge._run

    def run(program: bytes, task: bytes, seconds: float):
        if breaks(program):
            raise SandboxError("bubblewrap gave no exit code")
        return real(program, task, seconds)

    monkeypatch.setattr(python_judge, "_run", run)


@needs_sandbox
def test_a_sandbox_that_is_broken_says_nothing_of_the_program(monkeypatch: pytest.MonkeyPatch):
    _breaking(monkeypatch, lambda program: True)
    with pytest.raises(SandboxError, match="no exit code"):
        _judged("def f(): return 1", "assert f() == 1")


@needs_sandbox
def test_a_sandbox_that_broke_once_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    broken = [True]
    _breaking(monkeypatch, lambda program: bool(broken) and broken.pop())
    assert _judged("def f(): return 1", "assert f() == 1").verdict == Verdict.PASSED


@needs_sandbox
def test_a_program_that_always_breaks_the_sandbox_is_wrong(monkeypatch: pytest.MonkeyPatch):
    _breaking(monkeypatch, lambda program: b"evil" in program)
    told = _judged("def f(): return 'evil'", "assert f() == 1")
    assert told.verdict == Verdict.ERROR and "breaks the sandbox" in told.reason


@needs_sandbox
def test_what_judges_is_told():
    assert python_judge.missing() == ""
    assert python_judge.tools()["python"].startswith("Python 3.")
