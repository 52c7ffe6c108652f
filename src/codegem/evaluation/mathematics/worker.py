"""The program that compares final answers, in a process of its own; `symbolic` starts it.

    python -c "…" PAIRS SECONDS MEMORY

PAIRS is a file of JSON lines, [given, expected] or [null, expected], which only asks whether the expected answer can
be compared at all. A line is written for each as it is done: "=", "!", or "?" where one of the two can't be read. A
pair that takes more than SECONDS of processor time ends the process, whatever it is doing.
"""

import json
import resource
import signal
import sys
from collections.abc import Iterable

from codegem.evaluation.mathematics.cleaning import cleaned
from codegem.evaluation.mathematics.comparing import equal, same
from codegem.evaluation.mathematics.structure import structure

READY = "ready"


def main(arguments: Iterable[str]) -> None:
    """Compare the pairs of a file."""
    file, seconds, memory = arguments
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    equal("x + 1 - 1", r"\frac{2x}{2}")  # loads the libraries before any clock runs
    print(READY, flush=True)
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            # The kernel itself ends the process: a handler of Python's would wait for a long multiplication.
            signal.setitimer(signal.ITIMER_PROF, float(seconds))
            print(_compared(*json.loads(line)), flush=True)


def _compared(given: str | None, expected: str) -> str:
    try:
        if given is None:
            answer = structure(cleaned(expected))
            return "=" if same(answer, answer) else "!"
        return "=" if equal(given, expected) else "!"
    except Exception:  # of many libraries, at a text that may be anything
        return "?"


if __name__ == "__main__":
    main(sys.argv[1:])
