r"""What final answers are made of; `structure` takes them apart, `comparing` compares them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    r"""One expression.

    Attributes:
        latex: without its unit and percent sign.
        unit: of `units.UNITS`, or "".
        percent: whether it had that sign.
    """

    latex: str
    unit: str = ""
    percent: bool = False


@dataclass(frozen=True)
class Digits:
    """A whole number that is written in a base."""

    digits: str
    base: str


@dataclass(frozen=True)
class Words:
    """Words, in small letters and without marks."""

    letters: str


@dataclass(frozen=True)
class Several:
    """Parts between brackets; "" and "{}" are in any order, others are tuples and intervals."""

    brackets: str
    parts: "tuple[Answer, ...]"


@dataclass(frozen=True)
class Union:
    """Intervals and sets that are put together, in any order."""

    parts: "tuple[Answer, ...]"


@dataclass(frozen=True)
class Matrix:
    """Rows, from the top."""

    rows: "tuple[tuple[Answer, ...], ...]"


@dataclass(frozen=True)
class Named:
    """A value, with the name of what has it."""

    name: str
    value: "Answer"


@dataclass(frozen=True)
class Relation:
    """Two sides; "=" or "<" or "<=" or "!=" stands between them (and never ">", by turning them)."""

    sign: str
    left: Term
    right: Term


Answer = Term | Digits | Words | Several | Union | Matrix | Named | Relation
