"""Judge every benchmark's own solutions: 164 of HumanEval, 8,652 of its infilling, 500 of MBPP.

    python benchmarks/canonical.py DATA [--workers 2]

DATA is the folder with the benchmarks' files. All must pass but MBPP's problem 367.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from codegem.evaluation import humaneval, infilling, mbpp
from codegem.evaluation.benchmarks import load
from codegem.evaluation.python_judge import Trial, judge
from codegem.evaluation.task import Problem, Verdict


def main() -> None:
    """Print one row for each benchmark."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("data", type=Path)
    words.add_argument("--workers", type=int, default=2)
    given = words.parse_args()
    print(f"{'':24}{'problems':>9}{'passed':>8}{'seconds':>9}{'ms each':>9}")
    for name, trial, answer in (
        ("humaneval", humaneval.trial, "canonical_solution"),
        ("infilling", infilling.trial, "canonical_solution"),
        ("mbpp", mbpp.trial, "code"),
    ):
        problems = load(name, given.data).problems
        for group in dict.fromkeys(problem.group for problem in problems):
            own = [problem for problem in problems if problem.group == group]
            row(f"{name} {group}", own, trial, answer, given.workers)


def row(
    name: str, problems: Sequence[Problem], trial: Callable[[Problem, str], Trial], answer: str, workers: int
) -> None:
    """Judge the solutions of some problems and print what came of it."""
    began = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        told = list(pool.map(lambda problem: judge(trial(problem, getattr(problem.details, answer))), problems))
    seconds = time.monotonic() - began
    passed = Counter(judgement.verdict for judgement in told)[Verdict.PASSED]
    print(f"{name:24}{len(problems):9,}{passed:8,}{seconds:9.1f}{1000 * seconds * workers / len(problems):9.1f}")
    for problem, judgement in zip(problems, told, strict=True):
        if judgement.verdict != Verdict.PASSED:
            print(f"  {problem.task_id}: {judgement.verdict}, {judgement.reason}")


if __name__ == "__main__":
    main()
