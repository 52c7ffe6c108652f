"""Made exercises about functions and polynomials."""

import random
from collections.abc import Callable, Sequence

from codegem.data.questions.exercise import Exercise, nonzero, polynomial

_NAMES = "xyzntkmpw"


def _evaluate(rng: random.Random) -> Exercise:
    """A polynomial at a point"""
    coefficients = [nonzero(rng, -6, 6), *(rng.randint(-9, 9) for _ in range(rng.randint(2, 3)))]
    x, name = nonzero(rng, -6, 6), rng.choice("fgh")
    ask = rng.choice(["If {0}(x) = {1}, what is {0}({2})?", "Let {0}(x) = {1}. Compute {0}({2})."])
    top = len(coefficients) - 1
    terms = [c * x ** (top - place) for place, c in enumerate(coefficients)]
    total = sum(terms)
    shown = " + ".join(f"({term})" for term in terms)
    return Exercise(
        ask.format(name, polynomial(coefficients, "x"), x),
        (f"Put {x} for x, term by term: {shown} = {total}.",),
        str(total),
        lambda: _horner(coefficients, x) == total,
    )


def _compose(rng: random.Random) -> Exercise:
    """f(g(x))"""
    f, g = [nonzero(rng, -5, 5), rng.randint(-9, 9)], [nonzero(rng, -4, 4), rng.randint(-6, 6), rng.randint(-9, 9)]
    x = rng.randint(-5, 5)
    inner = g[0] * x**2 + g[1] * x + g[2]
    outer = f[0] * inner + f[1]
    ask = rng.choice(
        ["Let f(x) = {0} and g(x) = {1}. What is f(g({2}))?", "If f(x) = {0} and g(x) = {1}, find f(g({2}))."]
    )
    question = ask.format(polynomial(f, "x"), polynomial(g, "x"), x)
    steps = (f"g({x}) = {inner}.", f"f({inner}) = {f[0]} * ({inner}) + ({f[1]}) = {outer}.")
    # The other way: the composed polynomial, at x.
    composed = [f[0] * g[0], f[0] * g[1], f[0] * g[2] + f[1]]
    return Exercise(question, steps, str(outer), lambda: _horner(composed, x) == outer)


def _expand(rng: random.Random) -> Exercise:
    """(a·x + b)(c·x + d) multiplied out"""
    name, a, c = rng.choice(_NAMES), rng.randint(1, 6), nonzero(rng, -5, 5)
    b, d = nonzero(rng, -9, 9), nonzero(rng, -9, 9)
    product = [a * c, a * d + b * c, b * d]
    first, second = polynomial([a, b], name), polynomial([c, d], name)
    ask = rng.choice(["Expand ({0})({1}).", "Multiply out ({0})({1}).", "Write ({0})({1}) without brackets."])
    steps = (f"The terms are {a * c}{name}^2, {a * d}{name}, {b * c}{name} and {b * d}.",)
    return Exercise(
        ask.format(first, second),
        steps,
        polynomial(product, name),
        # Two polynomials of degree 2 are the same if they agree at three points.
        lambda: all(_horner(product, x) == (a * x + b) * (c * x + d) for x in (-1, 2, 5)),
    )


def _line(rng: random.Random) -> Exercise:
    """The line through two points"""
    x1, y1 = rng.randint(-9, 9), rng.randint(-12, 12)
    width, slope = nonzero(rng, -6, 6), rng.randint(-6, 6)
    x2, y2 = x1 + width, y1 + slope * width
    intercept = y1 - slope * x1
    ask = rng.choice(
        [
            "Find the equation of the line through ({0}, {1}) and ({2}, {3}) in the form y = mx + b.",
            "A line passes through the points ({0}, {1}) and ({2}, {3}). Write it as y = mx + b.",
        ]
    )
    steps = (
        f"The slope is ({y2} - ({y1})) / ({x2} - ({x1})) = {y2 - y1} / {width} = {slope}.",
        f"From {y1} = {slope} * ({x1}) + b follows b = {intercept}.",
    )
    answer = f"y = {polynomial([slope, intercept], 'x')}"
    line = (slope, intercept)
    return Exercise(
        ask.format(x1, y1, x2, y2),
        steps,
        answer,
        lambda: _horner(line, x1) == y1 and _horner(line, x2) == y2 and x1 != x2,
    )


def _horner(coefficients: Sequence[int], x: int) -> int:
    total = 0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


# A further kind is one more function and one more row.
KINDS: dict[str, Callable[[random.Random], Exercise]] = {
    "evaluate": _evaluate,
    "compose": _compose,
    "expand": _expand,
    "line": _line,
}
