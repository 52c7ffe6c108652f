"""A training example for people: its parts with their roles."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from codegem.data.shards import ExampleSource, Split
from codegem.errors import UserError
from codegem.text.fim import Role
from codegem.text.tokenizer import NAMES, Tokenizer, load_tokenizer


@dataclass(frozen=True)
class Span:
    """Neighbouring tokens of one role; a control token stands alone, under its name.

    `masked` says that the loss does not count them.
    """

    role: str
    text: str
    tokens: int
    masked: bool = False


@dataclass(frozen=True)
class Shown:
    """An example of T tokens: the spans of each segment, and how much of it is padding."""

    split: str
    index: int
    examples: int
    segments: tuple[tuple[Span, ...], ...]
    tokens: int
    padding: int


def show(directory: Path, index: int, split: Split = "train") -> Shown:
    """An example of a data set; `dataclasses.asdict` makes it JSON.

    Raises:
        UserError: there is no data set, or no such example.
    """
    source = ExampleSource(directory, split)
    if not 0 <= index < len(source):
        raise UserError(f"There is no {split} example {index}: {directory} has {len(source)}, counted from 0.")
    example = source[index]
    tokenizer = load_tokenizer(directory)
    numbers = range(1, int(example.segment_ids.max()) + 1)
    parts = [np.flatnonzero(example.segment_ids == number) for number in numbers]
    segments = tuple(_spans(example.tokens[at], example.roles[at], ~example.learned[at], tokenizer) for at in parts)
    padding = int(np.count_nonzero(example.segment_ids == 0))
    return Shown(split, index, len(source), segments, len(example.tokens), padding)


def _spans(tokens: np.ndarray, roles: np.ndarray, masked: np.ndarray, tokenizer: Tokenizer) -> tuple[Span, ...]:
    names = {getattr(tokenizer.special, field): aliases[0] for field, aliases in NAMES.items()}
    spans: list[Span] = []
    triples = zip(tokens.tolist(), roles.tolist(), masked.tolist(), strict=True)
    for (role, is_masked), group in groupby(triples, key=lambda triple: triple[1:]):
        for special, part in groupby((token for token, _, _ in group), key=names.__contains__):
            some = list(part)
            if special:
                spans += [Span(Role.CONTROL.name.lower(), names[token], 1, is_masked) for token in some]
            else:
                spans.append(Span(Role(role).name.lower(), tokenizer.decode(some), len(some), is_masked))
    return tuple(spans)
