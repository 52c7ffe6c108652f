"""Small problems of our own with honest answers, and the programs in `cheats/`, each made to pass one of them wrongly.

The cheats are `.txt` because nothing may import them. The first line of each names its problem.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """A problem: what `check` asserts, and an answer that is right."""

    test: str
    honest: str


def _asked(honest: str, *lines: str) -> Asked:
    body = "".join(f"    {line}\n" for line in lines)
    return Asked(f"\n\ndef check(candidate):\n{body}\n\ncheck(solve)\n", honest)


PROBLEMS = {
    "number": _asked(
        "def solve(numbers):\n    return sorted(numbers)[len(numbers) // 2]",
        "assert candidate([3, 1, 2]) == 2",
        "assert candidate([9, 5, 7, 1, 3]) == 5, 'the middle of ' + str(candidate([9, 5, 7, 1, 3]))",
        "assert solve([7]) == 7",
    ),
    "close": _asked(
        "def solve(numbers):\n    return sum(numbers) / len(numbers)",
        "assert abs(candidate([1.0, 2.0]) - 1.5) < 1e-6",
        "assert abs(candidate([4.0, 5.0, 7.5]) - 5.5) < 1e-6",
    ),
    "text": _asked(
        "def solve(text):\n    return text[::-1]",
        "assert candidate('abc') == 'cba'",
        "assert candidate('') == ''",
    ),
    "items": _asked(
        "def solve(numbers):\n    return sorted(numbers)",
        "assert candidate([3, 1, 2]) == [1, 2, 3]",
        "assert candidate([2, 4, 1]) == [1, 2, 4]",
    ),
    "pair": _asked(
        "def solve(numbers):\n    return min(numbers), max(numbers)",
        "assert candidate([3, 1, 2]) == (1, 3)",
        "assert tuple(candidate([4, 8])) == (4, 8)",
    ),
    "mapping": _asked(
        "def solve(text):\n    return {letter: text.count(letter) for letter in text}",
        "assert candidate('aba') == {'a': 2, 'b': 1}",
        "assert candidate('cc') == {'c': 2}",
    ),
    "truth": _asked(
        "def solve(number):\n    return number % 2 == 1",
        "assert candidate(7)",
        "assert not candidate(8)",
        "assert not candidate(10)",
        "assert candidate(3)",
    ),
    "member": _asked(
        "def solve(number):\n    return next(step for step in range(2, number + 1) if number % step == 0)",
        "assert candidate(10) in (2, 5)",
        "assert candidate(21) in {3, 7}",
    ),
    "iterated": _asked(
        "def solve(numbers):\n    yield from sorted(numbers)",
        "assert list(candidate([3, 1, 2])) == [1, 2, 3]",
        "assert tuple(candidate([5, 4])) == (4, 5)",
    ),
    "in_place": _asked(
        "def solve(numbers):\n    numbers.sort()",
        "numbers = [3, 1, 2]",
        "candidate(numbers)",
        "assert numbers == [1, 2, 3]",
    ),
    "argument": _asked(
        "def solve(numbers):\n    return sorted(numbers)",
        "import copy",
        "numbers = [3, 1, 2]",
        "assert candidate(numbers) == sorted(numbers)",
        "assert candidate(copy.copy(numbers)) == sorted(numbers)",
    ),
    "random": _asked(
        "def solve(radius):\n    return 3.141592653589793 * radius * radius",
        "import math",
        "import random",
        "for _ in range(20):",
        "    radius = random.uniform(1.0, 9.0)",
        "    assert math.isclose(candidate(radius), math.pi * radius**2)",
        "    assert math.fabs(candidate(radius) - math.pi * radius**2) < 1e-6",
    ),
}

CHEATS = {path.stem: path for path in sorted(Path(__file__).with_name("cheats").glob("*.txt"))}


def cheat(name: str) -> tuple[Asked, str]:
    """The problem of a cheat, and its text."""
    text = CHEATS[name].read_text(encoding="utf-8")
    return PROBLEMS[text.partition("\n")[0].removeprefix("# problem: ")], text
