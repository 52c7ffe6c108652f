"""Made exercises about equations and inequalities."""

import random
from collections.abc import Callable
from fractions import Fraction

from codegem.data.questions.exercise import Exercise, combination, nonzero, number, polynomial

_NAMES = "xyzntkmpw"


def _linear(rng: random.Random) -> Exercise:
    """a·x + b = c·x + d"""
    name = rng.choice(_NAMES)
    x = Fraction(nonzero(rng, -20, 20), rng.choice([1, 1, 1, 2, 3, 4, 5]))
    c = rng.randint(-9, 9)
    a = c + x.denominator * nonzero(rng, -6, 6)
    b = rng.randint(-40, 40)
    d = int((a - c) * x) + b
    left, right = polynomial([a, b], name), polynomial([c, d], name)
    ask = rng.choice(["Solve for {0}: {1}.", "Find {0} if {1}.", "What value of {0} makes {1} true?"])
    steps = [f"Bring the terms with {name} to one side: {polynomial([a - c, 0], name)} = {d - b}."] * bool(c or b)
    steps.append(f"Divide by {a - c}: {name} = {number(x)}.")
    return Exercise(
        ask.format(name, f"{left} = {right}"),
        tuple(steps),
        f"{name} = {number(x)}",
        lambda: a != c and a * x + b == c * x + d,
    )


def _brackets(rng: random.Random) -> Exercise:
    """a·(x + b) + c = d"""
    name, x, a = rng.choice(_NAMES), rng.randint(-15, 15), rng.choice([2, 3, 4, 5, 6, 7, 8, -2, -3, -4, -5])
    b, c = nonzero(rng, -12, 12), nonzero(rng, -30, 30)
    d = a * (x + b) + c
    left = f"{a}({polynomial([1, b], name)}) {'-' if c < 0 else '+'} {abs(c)}"
    ask = rng.choice(["Solve {1} = {2} for {0}.", "If {1} = {2}, what is {0}?", "Find the value of {0}: {1} = {2}."])
    steps = (
        f"Take {c} from both sides: {a}({polynomial([1, b], name)}) = {d - c}.",
        f"Divide by {a}: {polynomial([1, b], name)} = {x + b}.",
        f"So {name} = {x + b} - ({b}) = {x}.",
    )
    # The other way: multiplied out, it is a·x = d - c - a·b.
    return Exercise(ask.format(name, left, d), steps, f"{name} = {x}", lambda: Fraction(d - c - a * b, a) == x)


def _system(rng: random.Random) -> Exercise:
    """Two equations in x and y"""
    x, y = rng.randint(-12, 12), rng.randint(-12, 12)
    a, b = nonzero(rng, -7, 7), nonzero(rng, -7, 7)
    c, d = nonzero(rng, -7, 7), nonzero(rng, -7, 7)
    if a * d == b * c:
        d += 1 if d != -1 else 2
    if a * d == b * c:
        c += 1 if c != -1 else 2
    e, f, determinant = a * x + b * y, c * x + d * y, a * d - b * c
    first = f"{combination([(a, 'x'), (b, 'y')])} = {e}"
    second = f"{combination([(c, 'x'), (d, 'y')])} = {f}"
    ask = rng.choice(
        [
            "Solve the system of equations {0} and {1}.",
            "Find x and y such that {0} and {1}.",
            "Two numbers x and y satisfy {0} and {1}. Find both.",
        ]
    )
    steps = (
        f"Multiply the first equation by {d} and the second by {b}, and subtract: y drops out.",
        f"({a * d} - ({b * c}))x = {e * d} - ({f * b}), so {determinant}x = {determinant * x} and x = {x}.",
        f"Put x = {x} into the first equation: {combination([(b, 'y')])} = {e} - ({a * x}) = {b * y}, so y = {y}.",
    )
    return Exercise(
        ask.format(first, second),
        steps,
        f"x = {x} and y = {y}",
        # Cramer's rule, where the steps eliminate.
        lambda: Fraction(e * d - b * f, determinant) == x and Fraction(a * f - e * c, determinant) == y,
    )


def _quadratic(rng: random.Random) -> Exercise:
    """a·x² + b·x + c = 0 with rational roots"""
    name = rng.choice(_NAMES)
    p, r = rng.choice([1, 1, 1, 2, 3]), rng.choice([1, 1, 2])
    q, s = nonzero(rng, -9, 9), nonzero(rng, -9, 9)
    roots = sorted({Fraction(q, p), Fraction(s, r)})
    a, b, c = p * r, -(p * s + q * r), q * s
    equation = f"{polynomial([a, b, c], name)} = 0"
    ask = rng.choice(["Solve {0}.", "Find all solutions of {0}.", "What are the roots of the equation {0}?"])
    answer = " or ".join(f"{name} = {number(root)}" for root in roots)
    steps = (
        f"Factor the left side: ({polynomial([p, -q], name)})({polynomial([r, -s], name)}) = 0.",
        f"A product is zero when one of its factors is: {answer}.",
    )
    # Sum and product of the roots (Vieta), a double root counted twice.
    both = roots * (3 - len(roots))
    return Exercise(
        ask.format(equation),
        steps,
        answer,
        lambda: sum(both) == Fraction(-b, a) and both[0] * both[1] == Fraction(c, a),
    )


def _absolute(rng: random.Random) -> Exercise:
    """|a·x + b| = c"""
    name, a, b, c = rng.choice(_NAMES), rng.randint(1, 6), nonzero(rng, -20, 20), rng.randint(1, 30)
    roots = sorted({Fraction(c - b, a), Fraction(-c - b, a)})
    inner = polynomial([a, b], name)
    answer = " or ".join(f"{name} = {number(root)}" for root in roots)
    ask = rng.choice(["Solve |{0}| = {1}.", "For which values of {2} is |{0}| = {1}?"])
    steps = (f"Either {inner} = {c} or {inner} = -{c}.", f"The two cases give {answer}.")
    return Exercise(
        ask.format(inner, c, name),
        steps,
        answer,
        lambda: all(abs(a * root + b) == c for root in roots) and len(roots) == 2,
    )


def _inequality(rng: random.Random) -> Exercise:
    """a·x + b < c, with any of the four signs"""
    name, a, b = rng.choice(_NAMES), nonzero(rng, -8, 8), rng.randint(-20, 20)
    bound = rng.randint(-15, 15)
    c, sign = a * bound + b, rng.choice(["<", ">", "<=", ">="])
    turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}[sign] if a < 0 else sign
    left = polynomial([a, b], name)
    ask = rng.choice(["Solve the inequality {0} {1} {2}.", "For which {3} does {0} {1} {2} hold?"])
    note = " and turn the sign round, since it is negative" if a < 0 else ""
    steps = (f"{polynomial([a, 0], name)} {sign} {c - b}.", f"Divide by {a}{note}: {name} {turned} {bound}.")
    holds: dict[str, Callable[[int, int], bool]] = {
        "<": lambda u, v: u < v,
        ">": lambda u, v: u > v,
        "<=": lambda u, v: u <= v,
        ">=": lambda u, v: u >= v,
    }
    return Exercise(
        ask.format(left, sign, c, name),
        steps,
        f"{name} {turned} {bound}",
        lambda: all(holds[sign](a * x + b, c) == holds[turned](x, bound) for x in range(bound - 9, bound + 10)),
    )


def _proportion(rng: random.Random) -> Exercise:
    """a/b = x/d"""
    name, a, b, k = rng.choice(_NAMES), rng.randint(1, 15), rng.randint(2, 15), rng.randint(2, 12)
    d, x = b * k, a * k
    ask = rng.choice(["Solve the proportion {0}/{1} = {2}/{3} for {2}.", "Find {2} if {0}/{1} = {2}/{3}."])
    steps = (f"Multiply both sides by {d}: {name} = {a} * {d} / {b} = {a * d} / {b} = {x}.",)
    return Exercise(ask.format(a, b, name, d), steps, f"{name} = {x}", lambda: Fraction(a, b) == Fraction(x, d))


def _power(rng: random.Random) -> Exercise:
    """base^(a·x + b) = value"""
    base, a, x, b = rng.choice([2, 3, 5]), rng.randint(1, 3), rng.randint(1, 4), nonzero(rng, -3, 4)
    exponent, name = a * x + b, rng.choice(_NAMES)
    power = polynomial([a, b], name)
    ask = rng.choice(["Solve {0}^({1}) = {2} for {3}.", "Find {3} if {0}^({1}) = {2}."])
    value = number(Fraction(base) ** exponent)
    steps = (f"{value} = {base}^{exponent}, so {power} = {exponent}.", f"Then {name} = {x}.")
    return Exercise(
        ask.format(base, power, value, name),
        steps,
        f"{name} = {x}",
        lambda: number(Fraction(base) ** (a * x + b)) == value,
    )


# A further kind is one more function and one more row.
KINDS: dict[str, Callable[[random.Random], Exercise]] = {
    "linear": _linear,
    "brackets": _brackets,
    "system": _system,
    "quadratic": _quadratic,
    "absolute": _absolute,
    "inequality": _inequality,
    "proportion": _proportion,
    "power": _power,
}
