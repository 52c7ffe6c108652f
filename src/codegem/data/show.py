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
    """Neighbouring tokens of one role; a control token stands alone, under its name."""

    role: str
    text: str
    tokens: int


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
    segments = tuple(
        _spans(example.tokens[example.segment_ids == n], example.roles[example.segment_ids == n], tokenizer)
        for n in numbers
    )
    padding = int(np.count_nonzero(example.segment_ids == 0))
    return Shown(split, index, len(source), segments, len(example.tokens), padding)


def _spans(tokens: np.ndarray, roles: np.ndarray, tokenizer: Tokenizer) -> tuple[Span, ...]:
    names = {getattr(tokenizer.special, field): aliases[0] for field, aliases in NAMES.items()}
    spans: list[Span] = []
    pairs = zip(tokens.tolist(), roles.tolist(), strict=True)
    for role, group in groupby(pairs, key=lambda pair: pair[1]):
        ids = [token for token, _ in group]
        name = Role(role).name.lower()
        for special, part in groupby(ids, key=names.__contains__):
            some = list(part)
            if special:
                spans += [Span(Role.CONTROL.name.lower(), names[token], 1) for token in some]
            else:
                spans.append(Span(name, tokenizer.decode(some), len(some)))
    return tuple(spans)
