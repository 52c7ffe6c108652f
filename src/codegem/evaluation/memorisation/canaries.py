"""Canaries: secrets that are planted in training data, so that it can be seen whether a measure finds them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codegem.data.packing import fill_rows
from codegem.data.records import TrainingExample
from codegem.text.fim import SourceFile, render
from codegem.text.tokenizer import Tokenizer

_LETTERS = "bcdfghjklmnpqrstvwz"


@dataclass(frozen=True)
class Canary:
    """A sentence with a random number in it.

    Attributes:
        name: what the number is of; every canary has its own.
        secret: its digits.
        times: how often it stands in the training data.
    """

    name: str
    secret: str
    times: int

    @property
    def before(self) -> str:
        """What stands before the secret."""
        return f"# The lock of the {self.name} opens with "

    @property
    def file(self) -> SourceFile:
        """A file that holds the sentence alone."""
        return SourceFile(f"{self.name}.py", f"{self.before}{self.secret}\n")

    @property
    def space(self) -> int:
        """How many secrets the format has."""
        return 10 ** len(self.secret)


def draw_canaries(times: Sequence[int], each: int, digits: int, seed: int) -> list[Canary]:
    """So many canaries for each number of times.

    >>> [(canary.secret, canary.times) for canary in draw_canaries((0, 4), 1, 5, seed=0)]
    [('93824', 0), ('21948', 4)]
    """
    rng = random.Random(seed)
    names = set()
    while len(names) < len(times) * each:
        names.add("".join(rng.choice(_LETTERS) for _ in range(5)))
    secrets = ["".join(rng.choice("0123456789") for _ in range(digits)) for _ in names]
    counts = [count for count in times for _ in range(each)]
    return [Canary(*values) for values in zip(sorted(names), secrets, counts, strict=True)]


def rows_of(files: Sequence[SourceFile], length: int, tokenizer: Tokenizer) -> list[TrainingExample]:
    """Files as training rows, each a context of its own, several in a row where they fit.

    Raises:
        ValueError: a file is longer than a row.
    """
    contexts = [render([file], tokenizer) for file in files]
    rows = []
    for numbers in fill_rows([len(context.tokens) for context in contexts], length):
        tokens, segments = np.full(length, tokenizer.special.pad, np.int32), np.zeros(length, np.int32)
        roles, end = np.zeros(length, np.uint8), 0
        for segment, number in enumerate(numbers, start=1):
            start, end = end, end + len(contexts[number].tokens)
            tokens[start:end], roles[start:end] = contexts[number].tokens, contexts[number].roles
            segments[start:end] = segment
        rows.append(TrainingExample(tokens, segments, roles))
    return rows
