from typing import Any

import pytest

from codegem.evaluation.babelcode.driver import answered, calls, judged
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.task import Verdict
from codegem.sandbox.limits import Finished, Status
from codegem.sandbox.programs import Ran

from .running import prompt, question

NONCE = "ab" * 16
ASKED = question(["integer"], "integer", [([1], 10), ([2], 20), ([3], 30)])
RIGHT = "".join(f"\n{NONCE} {idx} value {10 * idx + 10}\n" for idx in range(3))


def finished(stdout: str = RIGHT, status: Status = Status.EXITED, code: int | None = 0, stderr: str = "") -> Finished:
    return Finished(status, code, stdout, stderr, 0.5, "" if code == 0 else f"exit code {code}")


def verdict(ran: Finished | None, built: Finished | None = None) -> tuple[str, str]:
    judgement = judged(LANGUAGES["go"], ASKED, NONCE, Ran(built, ran))
    return judgement.verdict.value, judgement.reason


def test_all_right_passes() -> None:
    assert verdict(finished()) == ("passed", "")
    assert verdict(finished("debugging\n" + RIGHT.replace("\n", "\nmore\n") + "end")) == ("passed", "")


def test_the_order_of_answers_does_not_matter() -> None:
    lines = [f"{NONCE} {idx} value {10 * idx + 10}" for idx in (2, 0, 1)]
    assert verdict(finished("\n".join(lines)))[0] == "passed"


@pytest.mark.parametrize(
    ("old", "new", "expected", "reason"),
    [
        ("value 20", "value 21", "failed", "test 1 gave 21, expected 20"),
        ("value 20", "raised runtime error: x", "error", "test 1 raised runtime error: x"),
        ("value 20", "value", "error", "test 1 printed no integer"),
        ("value 20", "value true", "error", "test 1 printed no integer"),
        ("value 20", "VALUE 20", "error", "test 1 raised"),
        ("value 20", f"value 20\n{NONCE} 1 value 20", "error", "answered twice"),
        ("value 20", f"value 20\n{NONCE} 3 value 20", "error", "test 3 is unknown"),
        (" 1 value", " 01 value", "error", "test 01 is unknown"),
        (f"\n{NONCE} 1 value 20\n", "", "error", "it ended before test 1"),
        (f"\n{NONCE} 1 value 20\n", "\n" + "cd" * 16 + " 1 value 20\n", "error", "before test 1"),
        (f"\n{NONCE} 1 ", f" {NONCE} 1 ", "error", "before test 1"),
    ],
)
def test_what_is_printed(old: str, new: str, expected: str, reason: str) -> None:
    assert old in RIGHT
    told, said = verdict(finished(RIGHT.replace(old, new)))
    assert (told, reason in said) == (expected, True), said


def test_an_exception_weighs_more_than_a_wrong_value() -> None:
    told = RIGHT.replace("value 10", "value 11").replace("value 30", "raised panic")
    assert verdict(finished(told))[0] == "error"


@pytest.mark.parametrize(
    ("ran", "expected", "reason"),
    [
        (finished("", code=0), "error", "it printed nothing"),
        (finished("hello", code=0), "error", "it ended before the first test"),
        (finished(code=1), "error", "exit code 1"),
        (finished(code=137), "error", "exit code 137"),
        (finished(code=2, stderr="goroutine 1\npanic: out of range\n"), "error", "exit code 2: panic: out of range"),
        (finished(status=Status.TIME, code=None), "timed_out", "exit code None"),
        (finished(status=Status.MEMORY, code=None), "error", "exit code None"),
        (finished(status=Status.OUTPUT, code=None), "error", "exit code None"),
    ],
)
def test_how_a_run_ended(ran: Finished, expected: str, reason: str) -> None:
    assert verdict(ran) == (expected, reason)


def test_what_does_not_compile() -> None:
    said = "# command-line-arguments\n./main.go:7:2: error: undefined: strings\nmore\n"
    assert verdict(None, finished("", code=1, stderr=said)) == (
        "error",
        "it does not compile: ./main.go:7:2: error: undefined: strings",
    )
    assert verdict(None, finished("", code=1)) == ("error", "it does not compile")
    assert verdict(None, finished("", Status.TIME, None))[0] == "timed_out"
    assert verdict(finished(), finished("", code=0))[0] == "passed"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_program_holds_what_is_expected(language: str) -> None:
    asked = question(["string"], "string", [(["in-1"], "EXPECTED-1"), (["in-2"], "EXPECTED-2")])
    told = calls(asked, prompt(language))
    program = LANGUAGES[language].program(told, "CANDIDATE", NONCE)
    assert "in-1" in program and "CANDIDATE" in program and NONCE in program
    assert "EXPECTED" not in program and "EXPECTED" not in repr(told)


def test_lines_are_split_at_line_feeds_alone() -> None:
    text = '"a\u2028b\x85c\rd"'
    assert answered(NONCE, f"\n{NONCE} 0 value {text}\n") == [("0", "value", text)]
    assert answered(NONCE, f"{NONCE}\n{NONCE} \n x {NONCE} 0 value 1\n") == [("", "", "")]


def test_long_values_are_cut_in_reasons() -> None:
    asked = question(["integer"], "string", [([1], "b" * 5000)])
    told = judged(LANGUAGES["go"], asked, NONCE, Ran(None, finished(f'\n{NONCE} 0 value "{"a" * 5000}"\n')))
    assert told.verdict == Verdict.FAILED and len(told.reason) < 500


def test_reasons_in_python_read_as_python() -> None:
    asked = question(["integer"], "list<integer>", [([1], [1])])
    told: Any = judged(
        LANGUAGES["python"], asked, NONCE, Ran(None, finished(f'\n{NONCE} 0 value ["tuple",[["int","0x1"]]]\n'))
    )
    assert told.reason == "test 0 gave (1,), expected [1]"


def test_a_difference_that_python_does_not_know_is_an_exception() -> None:
    asked = question(["integer"], "double", [([1], None)])
    told = judged(LANGUAGES["python"], asked, NONCE, Ran(None, finished(f"\n{NONCE} 0 value null\n")))
    assert (told.verdict, told.reason[:23]) == (Verdict.ERROR, "test 0 raised TypeError")
