"""Made exercises about numbers: fractions, percentages, sequences, divisors, remainders."""

import math
import random
from collections.abc import Callable
from fractions import Fraction

from codegem.data.questions.exercise import Exercise, decimal, nonzero, number


def _fractions(rng: random.Random) -> Exercise:
    """A sum, difference, product or quotient of two fractions"""
    a, b = Fraction(rng.randint(1, 11), rng.randint(2, 15)), Fraction(rng.randint(1, 11), rng.randint(2, 15))
    sign = rng.choice("+-*/")
    p, q, r, s = a.numerator, a.denominator, b.numerator, b.denominator
    if sign in "+-":
        common = math.lcm(q, s)
        left, right = p * common // q, r * common // s
        top, bottom = (left + right if sign == "+" else left - right), common
        steps = [f"Over the common denominator {common}: {left}/{common} {sign} {right}/{common} = {top}/{bottom}."]
    elif sign == "*":
        top, bottom = p * r, q * s
        steps = [f"Multiply the numerators and the denominators: {top}/{bottom}."]
    else:
        top, bottom = p * s, q * r
        steps = [f"Multiply by the reciprocal: {number(a)} * {s}/{r} = {top}/{bottom}."]
    value = Fraction(top, bottom)
    if value.denominator != bottom:
        steps.append(f"In lowest terms: {number(value)}.")
    ask = rng.choice(["Compute {}.", "What is {}? Give the answer in lowest terms.", "Simplify {}."])
    checks = {"+": a + b, "-": a - b, "*": a * b, "/": a / b}
    return Exercise(
        ask.format(f"({number(a)}) {sign} ({number(b)})"), tuple(steps), number(value), lambda: checks[sign] == value
    )


def _percent_of(rng: random.Random) -> Exercise:
    """p% of n"""
    p, n = rng.randint(1, 150), rng.randint(2, 900)
    value = Fraction(p * n, 100)
    ask = rng.choice(["What is {0}% of {1}?", "Compute {0}% of {1}.", "Find {0} percent of {1}."])
    steps = (f"{p}% is {p}/100, and {p}/100 * {n} = {p * n}/100 = {decimal(value)}.",)
    return Exercise(ask.format(p, n), steps, decimal(value), lambda: value * 100 / n == p)


def _percent_change(rng: random.Random) -> Exercise:
    """How much larger or smaller, in percent"""
    old = rng.choice([10, 20, 25, 40, 50, 80, 100, 120, 125, 160, 200, 250, 400, 500, 640, 800])
    percent = nonzero(rng, -95, 150)
    new = old * Fraction(100 + percent, 100)
    word = "increase" if percent > 0 else "decrease"
    thing = rng.choice(["price", "population", "number of visitors", "weight", "length", "number of members", "output"])
    ask = rng.choice(
        [
            "The {3} changes from {0} to {1}. What is the percent {2}?",
            "By what percent does the {3} {2} when it goes from {0} to {1}?",
        ]
    )
    difference = abs(new - old)
    steps = (
        f"The change is {decimal(difference)}.",
        f"{decimal(difference)} / {old} = {decimal(difference / old)}, which is {abs(percent)}%.",
    )
    right = (lambda: old + old * Fraction(percent, 100) == new) if percent > 0 else (lambda: old - new == difference)
    return Exercise(ask.format(old, decimal(new), word, thing), steps, f"{abs(percent)}%", right)


def _arithmetic_term(rng: random.Random) -> Exercise:
    """The n-th number of an arithmetic sequence"""
    first, step, n = rng.randint(-30, 40), nonzero(rng, -12, 12), rng.randint(8, 60)
    shown = ", ".join(str(first + step * i) for i in range(4))
    value = first + (n - 1) * step
    ask = rng.choice(
        [
            "What is the {0}th term of the arithmetic sequence {1}, ...?",
            "The sequence {1}, ... is arithmetic. Find term number {0}.",
        ]
    )
    steps = (f"The common difference is {step}.", f"Term {n} is {first} + {n - 1} * ({step}) = {value}.")
    return Exercise(_ordinal(ask.format(n, shown)), steps, str(value), lambda: _counted(first, step, n)[-1] == value)


def _arithmetic_sum(rng: random.Random) -> Exercise:
    """The sum of an arithmetic sequence"""
    first, step, n = rng.randint(-20, 40), nonzero(rng, -9, 12), rng.randint(6, 50)
    last = first + (n - 1) * step
    value = n * (first + last) // 2
    question = rng.choice(
        [
            "An arithmetic sequence begins with {0} and goes on in steps of {1}. What do its first {2} terms sum to?",
            "Add the first {2} terms of the arithmetic sequence with first term {0} and common difference {1}.",
        ]
    ).format(first, step, n)
    steps = (
        f"The last of these terms is {first} + {n - 1} * ({step}) = {last}.",
        f"The sum is {n} * ({first} + ({last})) / 2 = {value}.",
    )
    return Exercise(question, steps, str(value), lambda: sum(_counted(first, step, n)) == value)


def _geometric(rng: random.Random) -> Exercise:
    """A term of a geometric sequence"""
    first, ratio, n = nonzero(rng, -9, 12), rng.choice([2, 3, -2, -3, 4, 5]), rng.randint(4, 8)
    shown = ", ".join(str(first * ratio**i) for i in range(3))
    value = first * ratio ** (n - 1)

    def right() -> bool:
        term = first
        for _ in range(n - 1):
            term *= ratio
        return term == value

    ask = rng.choice(
        [
            "Find the {0}th term of the geometric sequence {1}, ...",
            "The sequence {1}, ... is geometric. What is its {0}th term?",
        ]
    )
    steps = (
        f"The common ratio is {ratio}.",
        f"Term {n} is {first} * ({ratio})^{n - 1} = {first} * {ratio ** (n - 1)} = {value}.",
    )
    return Exercise(_ordinal(ask.format(n, shown)), steps, str(value), right)


def _divisor(rng: random.Random) -> Exercise:
    """The greatest common divisor, by Euclid's steps"""
    g = rng.randint(2, 30)
    a, b = g * rng.randint(2, 40), g * rng.randint(2, 40)
    ask = rng.choice(["What is the greatest common divisor of {0} and {1}?", "Find gcd({0}, {1})."])
    steps, u, v = [], max(a, b), min(a, b)
    while v:
        steps.append(f"{u} = {u // v} * {v} + {u % v}.")
        u, v = v, u % v
    value = u
    # Every candidate tried, where the steps divide.
    return Exercise(
        ask.format(a, b),
        tuple(steps),
        str(value),
        lambda: max(d for d in range(1, min(a, b) + 1) if a % d == b % d == 0) == value,
    )


def _multiple(rng: random.Random) -> Exercise:
    """The least common multiple"""
    a, b = rng.randint(4, 60), rng.randint(4, 60)
    divisor = math.gcd(a, b)
    value = a * b // divisor
    ask = rng.choice(["What is the least common multiple of {0} and {1}?", "Find lcm({0}, {1})."])
    steps = (f"gcd({a}, {b}) = {divisor}.", f"lcm({a}, {b}) = {a} * {b} / {divisor} = {value}.")
    return Exercise(
        ask.format(a, b), steps, str(value), lambda: next(m for m in range(a, a * b + 1, a) if m % b == 0) == value
    )


def _power_remainder(rng: random.Random) -> Exercise:
    """base^n mod m, by squaring"""
    base, n, m = rng.randint(2, 20), rng.randint(5, 60), rng.randint(5, 40)
    steps, value, square = [], 1, base % m
    for place in range(n.bit_length()):
        steps.append(f"{base}^{2**place} leaves {square}.")
        if n >> place & 1:
            value = value * square % m
        square = square * square % m
    used = " * ".join(f"{base}^{2**p}" for p in range(n.bit_length()) if n >> p & 1)
    steps.append(f"{base}^{n} = {used}, which leaves {value} on division by {m}.")
    ask = rng.choice(["What is the remainder when {0}^{1} is divided by {2}?", "Compute {0}^{1} mod {2}."])
    return Exercise(ask.format(base, n, m), tuple(steps), str(value), lambda: base**n % m == value)


def _congruence(rng: random.Random) -> Exercise:
    """a·x = b modulo m"""
    m = rng.choice([7, 11, 13, 17, 19, 23, 29, 31, 37])
    a, x = rng.randint(2, m - 1), rng.randint(0, m - 1)
    b = a * x % m
    inverse = pow(a, -1, m)
    ask = rng.choice(
        [
            "Find the smallest non-negative x with {0}x ≡ {1} (mod {2}).",
            "Solve {0}x ≡ {1} (mod {2}) for x with 0 <= x < {2}.",
        ]
    )
    steps = (
        f"The inverse of {a} modulo {m} is {inverse}, since {a} * {inverse} = {a * inverse} leaves 1.",
        f"x ≡ {inverse} * {b} = {inverse * b}, which leaves {x}.",
    )
    return Exercise(
        ask.format(a, b, m), steps, f"x = {x}", lambda: [y for y in range(m) if (a * y - b) % m == 0] == [x]
    )


def _counted(first: int, step: int, count: int) -> list[int]:
    terms = [first]
    while len(terms) < count:
        terms.append(terms[-1] + step)
    return terms


def _ordinal(text: str) -> str:
    """`21th` as it is written."""
    for wrong, right in (
        ("11th", "11th"),
        ("12th", "12th"),
        ("13th", "13th"),
        ("1th", "1st"),
        ("2th", "2nd"),
        ("3th", "3rd"),
    ):
        if wrong in text:
            return text.replace(wrong, right)
    return text


# A further kind is one more function and one more row.
KINDS: dict[str, Callable[[random.Random], Exercise]] = {
    "fractions": _fractions,
    "percent of": _percent_of,
    "percent change": _percent_change,
    "arithmetic term": _arithmetic_term,
    "arithmetic sum": _arithmetic_sum,
    "geometric": _geometric,
    "common divisor": _divisor,
    "common multiple": _multiple,
    "power remainder": _power_remainder,
    "congruence": _congruence,
}
