"""HumanEval infilling: prompts, what is kept of an answer, the repaired newline; and its own middles."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation import infilling, python_judge
from codegem.evaluation.infilling import SPLITS, Infilling
from codegem.evaluation.task import Benchmark, Verdict
from codegem.generate import Infill

needs_sandbox = pytest.mark.skipif(bool(python_judge.missing()), reason=python_judge.missing())
_NAMES = ("SingleLineInfilling", "MultiLineInfilling", "RandomSpanInfilling", "RandomSpanInfillingLight")


def _row(task_id: str, prefix: str, middle: str, suffix: str) -> dict[str, str]:
    return {
        "task_id": task_id,
        "entry_point": "double",
        "prompt": prefix,
        "suffix": suffix,
        "canonical_solution": middle,
        "test": "def check(candidate):\n    assert candidate(3) == 6\n    assert candidate('a') == 'aa'\n",
    }


@pytest.fixture
def benchmark(tmp_path: Path) -> Infilling:
    """A line and a span."""
    rows = {
        "single-line": _row("Line/0", "def double(x):\n", "    y = x * 2\n", "    return y\n"),
        "random-span": _row("Span/0", "def double(x):\n    y = x", " * 2\n    ret", "urn y\n"),
    }
    files = {split: tmp_path / f"{split}.jsonl" for split in rows}
    for split, row in rows.items():
        files[split].write_text(json.dumps(row) + "\n")
    return infilling.load(files)


def test_problems(benchmark: Infilling, tmp_path: Path):
    shown: Benchmark = benchmark
    line, span = shown.problems
    assert line.prompt == Infill("def double(x):\n", "    return y\n")
    assert (line.group, line.max_tokens, line.stop) == ("single-line", 128, ())
    assert (span.group, span.max_tokens) == ("random-span", 256)
    named = infilling.load({"single-line": tmp_path / "single-line.jsonl"}, path="solution.py")
    assert named.problems[0].prompt == Infill("def double(x):\n", "    return y\n", "solution.py")
    assert [file.name for file in benchmark.data] == ["single-line.jsonl", "random-span.jsonl"]


def test_bad_data(tmp_path: Path):
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(_row("Line/0", "def double(x):\n", "  ?\n", "")) + "\n")
    with pytest.raises(UserError, match="Line/0 is no Python"):
        infilling.load({"single-line": file})
    file.write_text(json.dumps(_row("Line/0", "def double(x):\n", "    return x\n", "")) + "\n")
    with pytest.raises(UserError, match="the same problems"):
        infilling.load({"single-line": file, "multi-line": file})
    file.write_text('{"task_id": "Line/0"}\n')
    with pytest.raises(UserError, match=r"a\.jsonl, line 1"):
        infilling.load({"single-line": file})


def test_what_is_kept_of_an_answer(benchmark: Infilling):
    line, span = benchmark.problems
    assert benchmark.completion(line, "    y = 1\n    z = 2\n") == "    y = 1\n"
    assert benchmark.completion(line, "    y = 1") == "    y = 1"
    assert benchmark.completion(line, "\n    y = 1") == "\n"
    assert benchmark.completion(span, " * 2\n    ret\n\n") == " * 2\n    ret\n\n"


@needs_sandbox
def test_judging(benchmark: Infilling):
    line, span = benchmark.problems
    for problem, middle, verdict, measures in [
        (line, "    y = x + x\n", Verdict.PASSED, {"repaired": 1.0}),
        (line, "    y = x + x", Verdict.ERROR, {"repaired": 1.0}),
        (line, "    y = x", Verdict.ERROR, {"repaired": 0.0}),
        (line, "    y = x\n", Verdict.FAILED, {"repaired": 0.0}),
        (line, "    return x * 2;", Verdict.PASSED, {"repaired": 1.0}),
        (span, " + x\n    ret", Verdict.PASSED, {}),
        (span, " + x\n    ret\n", Verdict.ERROR, {}),
    ]:
        (told,) = benchmark.judge([(problem, middle)])
        assert (told.verdict, told.measures) == (verdict, measures), middle
    assert benchmark.batch("single-line") == 1 and benchmark.missing("single-line") == ""


@needs_sandbox
def test_own_middles_pass(shared_data: Path):
    """Some of each split; all 8,652 of them: benchmarks/canonical.py."""
    folder = shared_data / "humaneval_infilling"
    files = {split: folder / f"HumanEval-{name}.jsonl.gz" for split, name in zip(SPLITS, _NAMES, strict=True)}
    benchmark = infilling.load(files)
    counts = {split: sum(problem.group == split for problem in benchmark.problems) for split in SPLITS}
    assert counts == {"single-line": 1033, "multi-line": 5815, "random-span": 1640, "random-span-light": 164}
    for split in ("single-line", "multi-line"):
        own = [problem.details.canonical_solution for problem in benchmark.problems if problem.group == split]
        assert all(middle.endswith("\n") for middle in own)
    sample = random.Random(0).sample(benchmark.problems, 60)
    answers = [[(problem, benchmark.completion(problem, problem.details.canonical_solution))] for problem in sample]
    with ThreadPoolExecutor(2) as pool:
        told = [judged for (judged,) in pool.map(benchmark.judge, answers)]
    assert {judged.verdict for judged in told} == {Verdict.PASSED}
