"""Algebra made by a seeded generator, every answer checked.

CodeGemma was tuned on "programmatically generated" algebra; its kinds are not published, and these are ours:
see the tables in `algebra_equations`, `_functions`, `_numbers` and `_words`. A kind draws the answer first and
builds the question around it; then the answer is checked by a computation of another way, in exact
fractions: put into the equation, counted out step by step, or tried against every candidate.
"""

import random
from collections.abc import Callable, Iterator

from codegem.data.fim_sampling import generator
from codegem.data.questions.algebra_equations import KINDS as EQUATIONS
from codegem.data.questions.algebra_functions import KINDS as FUNCTIONS
from codegem.data.questions.algebra_numbers import KINDS as NUMBERS
from codegem.data.questions.algebra_words import KINDS as WORDS
from codegem.data.questions.conversations import Pair
from codegem.data.questions.exercise import Exercise
from codegem.errors import UserError

SOURCE = "algebra"
KINDS: dict[str, Callable[[random.Random], Exercise]] = EQUATIONS | FUNCTIONS | NUMBERS | WORDS
_DRAWS = 50  # for a question that has not been asked yet


def make_algebra(count: int, seed: int) -> Iterator[Pair]:
    """`count` different questions, the kinds in turn; the first n of a larger count are the same.

    A kind that has no new questions is left out from there on.

    Raises:
        UserError: so many different questions can't be made.
    """
    asked: set[str] = set()
    kinds = dict(KINDS)
    made = 0
    while made < count:
        for kind in list(kinds):
            exercise = _draw(kind, made, seed, asked)
            if exercise is None:
                del kinds[kind]
            elif made < count:
                asked.add(exercise.question)
                answer = "\n".join([*exercise.steps, f"The answer is {exercise.answer}."])
                yield Pair(SOURCE, f"{kind}:{made}", exercise.question, answer)
                made += 1
        if not kinds:
            raise UserError(
                f"There are no more than {made:,} different questions of algebra for seed {seed}, not {count:,}."
            )


def _draw(kind: str, number: int, seed: int, asked: set[str]) -> Exercise | None:
    """A checked exercise that has not been asked yet, or None."""
    for attempt in range(_DRAWS):
        exercise = KINDS[kind](generator(seed, SOURCE, number, attempt))
        if not exercise.is_right():
            raise RuntimeError(f"{kind}: {exercise.question!r} is not answered by {exercise.answer}")
        if exercise.question not in asked:
            return exercise
    return None
