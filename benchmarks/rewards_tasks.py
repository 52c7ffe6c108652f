"""Questions that a model of six million parameters can come to answer: sums, and functions of one line."""

from dataclasses import dataclass
from itertools import product

from codegem.data.fim_sampling import generator

_NAMES = ("scale", "shift", "step", "total", "level", "score", "change", "size", "value", "count", "adjust", "move")
_WORDS = {"+": ("plus", "increased by"), "-": ("minus", "reduced by"), "*": ("times", "multiplied by")}


@dataclass(frozen=True)
class Question:
    """A question with two right answers in different styles, and how an answer is verified.

    Attributes:
        answers: a function with type hints and one without; of a sum the same twice.
        check: fields of a row for `codegem tune rewards`.
    """

    text: str
    answers: tuple[str, str]
    check: dict[str, object]


def sums(seed: int) -> tuple[list[Question], list[Question]]:
    """Sums of a number of two digits and one of one, in a seeded order: to learn from, and a fifth that is held out."""
    return _parted([_sum(a, b) for a, b in product(range(10, 100), range(1, 10))], seed)


def functions(seed: int) -> tuple[list[Question], list[Question]]:
    """Functions of one argument, likewise."""
    kinds = product(_NAMES, [(sign, word) for sign, words in _WORDS.items() for word in words], range(2, 30))
    return _parted([_function(name, sign, word, k) for name, (sign, word), k in kinds], seed)


def _sum(a: int, b: int) -> Question:
    answer = f"The answer is {a + b}."
    return Question(f"What is {a} + {b}?", (answer, answer), {"answer": str(a + b)})


def _function(name: str, sign: str, word: str, k: int) -> Question:
    body = f"\n    return x {sign} {k}"
    values = {x: {"+": x + k, "-": x - k, "*": x * k}[sign] for x in (0, 1, 7, -3)}
    return Question(
        f"Write a function {name} that returns x {word} {k}.",
        (f"def {name}(x: int) -> int:{body}", f"def {name}(x):{body}"),
        {"tests": [f"assert {name}({x}) == {value}" for x, value in values.items()]},
    )


def _parted(questions: list[Question], seed: int) -> tuple[list[Question], list[Question]]:
    order = generator(seed, "held out").sample(range(len(questions)), len(questions))
    held = len(questions) // 5
    return [questions[place] for place in order[held:]], [questions[place] for place in order[:held]]
