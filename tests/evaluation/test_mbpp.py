"""MBPP: its prompt, what is kept of an answer; and its own solutions."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation import mbpp, python_judge
from codegem.evaluation.task import Benchmark, Verdict

needs_sandbox = pytest.mark.skipif(bool(python_judge.missing()), reason=python_judge.missing())


def _row(number: int, **fields: object) -> dict[str, object]:
    name = f"times_{number}"
    return {
        "task_id": number,
        "text": f"Write a function to multiply by {number}.",
        "code": f"def {name}(x):\r\n  return x * {number}\r\n",
        "test_setup_code": "",
        "test_list": [f"assert {name}({x}) == {x * number}" for x in (1, 2, 3)],
        "challenge_test_list": [],
        **fields,
    }


ROWS = [
    *(_row(number) for number in (1, 2, 3, 4, 10, 11)),
    _row(12, test_setup_code="one = Box(1)", test_list=["assert times_12(one) == 12"]),
    _row(510),
    _row(511),
]


@pytest.fixture
def benchmark(tmp_path: Path) -> mbpp.Mbpp:
    """Problems 11, 12 and 510, of which 12 can't be solved."""
    return _loaded(tmp_path, ROWS)


def _loaded(folder: Path, rows: list[dict[str, object]]) -> mbpp.Mbpp:
    (folder / "mbpp.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return mbpp.load(folder / "mbpp.jsonl")


def test_problems(benchmark: mbpp.Mbpp):
    shown: Benchmark = benchmark
    assert [problem.task_id for problem in shown.problems] == ["MBPP/11", "MBPP/12", "MBPP/510"]
    problem = shown.problems[0]
    assert (problem.stop, problem.max_tokens, problem.details.functions) == (("[DONE]",), 512, ("times_11",))
    assert benchmark.data[0].records == len(ROWS)


def test_the_prompt(benchmark: mbpp.Mbpp):
    prompt = str(benchmark.problems[0].prompt)
    shots = prompt.split("You are an expert Python programmer, and here is your task: ")
    assert [shot[:32] for shot in shots] == ["", *(f"Write a function to multiply by {n}."[:32] for n in (2, 3, 4, 11))]
    assert shots[1] == (
        "Write a function to multiply by 2. Your code should pass these tests:\n\n"
        "assert times_2(1) == 2\nassert times_2(2) == 4\nassert times_2(3) == 6\n"
        "[BEGIN]\ndef times_2(x):\n  return x * 2\n[DONE]\n\n"
    )
    assert prompt.endswith("assert times_11(3) == 33\n[BEGIN]\n") and "\r" not in prompt


def test_bad_data(tmp_path: Path):
    for rows, told in [
        (ROWS[2:], "lacks problem 2"),
        (ROWS[:5], "none of the problems 11 to 510"),
        ([*ROWS, _row(11)], "line 10"),
        ([*ROWS, _row(13, test_list=[1])], "test_list"),
        ([*ROWS, _row(13, test_list=[])], "test_list"),
        ([*ROWS, _row(13, code="def")], "problem 13 is no Python"),
        ([*ROWS, _row(13, task_id="13")], "line 10.*task_id"),
    ]:
        with pytest.raises(UserError, match=told):
            _loaded(tmp_path, rows)


@needs_sandbox
def test_judging(benchmark: mbpp.Mbpp):
    first, unsolvable, _ = benchmark.problems
    for problem, text, verdict in [
        (first, "def times_11(x):\n  return 11 * x\n[DONE]\nand more", Verdict.PASSED),
        (first, "import math\n\nclass A: pass\n\ndef times_11(x):\n  return 11 * x", Verdict.PASSED),
        (first, "def times_11(x):\n  return 12 * x\n[DONE]", Verdict.FAILED),
        (first, "def other(x):\n  return 11 * x\n[DONE]", Verdict.ERROR),
        (first, "[DONE]", Verdict.ERROR),
        (unsolvable, "class Box(int): pass\ndef times_12(x): return 12 * x", Verdict.FAILED),
    ]:
        (told,) = benchmark.judge([(problem, benchmark.completion(problem, text))])
        assert told.verdict == verdict, (text, told)


@needs_sandbox
def test_own_solutions_pass(shared_data: Path):
    """Some of them; all 500: benchmarks/canonical.py."""
    benchmark = mbpp.load(shared_data / "mbpp" / "mbpp.jsonl.gz")
    assert len(benchmark.problems) == 500
    known = [problem for problem in benchmark.problems if problem.task_id == "MBPP/367"]
    sample = [*random.Random(0).sample(benchmark.problems, 60), *known]
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda problem: benchmark.judge([(problem, problem.details.code)])[0], sample))
    wrong = {problem.task_id for problem, judged in zip(sample, told, strict=True) if judged.verdict != Verdict.PASSED}
    assert wrong == {"MBPP/367"}
