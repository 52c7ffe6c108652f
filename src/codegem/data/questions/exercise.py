"""One made exercise, and the writing of numbers and formulas in it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Exercise:
    """A question with its way to the answer.

    Attributes:
        steps: of the solution, one a line.
        answer: as the last line says it.
        is_right: computes in another way whether the answer is right.
    """

    question: str
    steps: tuple[str, ...]
    answer: str
    is_right: Callable[[], bool]


def nonzero(rng: random.Random, least: int, most: int) -> int:
    """A whole number of a range, but not 0."""
    return rng.choice([n for n in range(least, most + 1) if n])


def number(value: Fraction | int) -> str:
    """A number as people write it.

    >>> number(Fraction(-3, 4)), number(Fraction(6, 3))
    ('-3/4', '2')
    """
    return str(Fraction(value))


def decimal(value: Fraction | int) -> str:
    """A number with a finite decimal expansion, written so.

    >>> decimal(Fraction(5, 2)), decimal(-7), decimal(Fraction(-1, 8))
    ('2.5', '-7', '-0.125')
    """
    value = Fraction(value)
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
        if places > 12:
            raise ValueError(f"{value} has no finite decimal expansion of at most 12 places")
    digits = str(abs(value * 10**places)).rjust(places + 1, "0")
    whole, rest = digits[: len(digits) - places], digits[len(digits) - places :]
    return ("-" if value < 0 else "") + whole + ("." + rest if rest else "")


def polynomial(coefficients: Sequence[int], name: str) -> str:
    """A polynomial, the highest power first.

    >>> polynomial([2, -1, 0], "x"), polynomial([-1, 7], "t"), polynomial([0, 0], "x")
    ('2x^2 - x', '-t + 7', '0')
    """
    text = ""
    for place, coefficient in enumerate(coefficients):
        power = len(coefficients) - 1 - place
        if not coefficient:
            continue
        symbol = "" if not power else name if power == 1 else f"{name}^{power}"
        size = "" if abs(coefficient) == 1 and symbol else str(abs(coefficient))
        sign = (" - " if coefficient < 0 else " + ") if text else ("-" if coefficient < 0 else "")
        text += sign + size + symbol
    return text or "0"


def combination(terms: Sequence[tuple[int, str]]) -> str:
    """A sum of names with factors.

    >>> combination([(3, "x"), (-1, "y")])
    '3x - y'
    """
    text = ""
    for factor, name in terms:
        if factor:
            sign = (" - " if factor < 0 else " + ") if text else ("-" if factor < 0 else "")
            text += sign + ("" if abs(factor) == 1 else str(abs(factor))) + name
    return text or "0"
