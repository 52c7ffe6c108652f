"""Made word problems."""

import random
from collections.abc import Callable
from fractions import Fraction

from codegem.data.questions.exercise import Exercise, decimal, number

# fmt: off
_PEOPLE = (
    "Ada", "Amir", "Beatriz", "Chen", "Dmitri", "Elif", "Fatou", "Grace", "Hana",
    "Ines", "Jonas", "Kofi", "Lena", "Mateo", "Nadia", "Omar", "Priya", "Quinn",
    "Rosa", "Samir", "Tomas", "Uma", "Vera", "Wen", "Yara", "Zoe",
)
# fmt: on
_THINGS = ("pencils", "apples", "stickers", "notebooks", "marbles", "stamps", "buttons", "shells", "cards", "seeds")


def _ages(rng: random.Random) -> Exercise:
    one, other = rng.sample(_PEOPLE, 2)
    factor, young, later = rng.randint(2, 4), rng.randint(3, 14), rng.randint(2, 11)
    old = factor * (young + later) - later
    question = rng.choice(
        [
            "{0} is {2} years old and {1} is {3}. In how many years will {0} be {4} times as old as {1}?",
            "Today {1} is {3} and {0} is {2}. After how many years is {0}'s age {4} times {1}'s?",
        ]
    ).format(one, other, old, young, factor)
    steps = (
        f"After t years the ages are {old} + t and {young} + t, and {old} + t = {factor}({young} + t).",
        f"So {old} - {factor * young} = {factor - 1}t, which gives t = {later}.",
    )
    return Exercise(
        question, steps, str(later), lambda: [t for t in range(200) if old + t == factor * (young + t)] == [later]
    )


def _tickets(rng: random.Random) -> Exercise:
    adult, child = rng.randint(7, 25), rng.randint(2, 6)
    adults, children = rng.randint(5, 120), rng.randint(5, 120)
    total, money = adults + children, adult * adults + child * children
    place = rng.choice(["theatre", "museum", "zoo", "cinema", "swimming pool", "fair"])
    question = rng.choice(
        [
            "A {0} sold {1} tickets for {2} dollars. An adult ticket costs {3} dollars and a child ticket {4}. "
            "How many adult tickets were sold?",
            "At a {0}, adults pay {3} dollars and children {4} dollars. {1} people paid {2} dollars in all. "
            "How many of them were adults?",
        ]
    ).format(place, total, money, adult, child)
    steps = (
        f"If all {total} were children, they had paid {child * total} dollars, {money - child * total} too few.",
        f"An adult pays {adult - child} more, so {money - child * total} / {adult - child} = {adults} were adults.",
    )
    return Exercise(
        question,
        steps,
        str(adults),
        lambda: [a for a in range(total + 1) if adult * a + child * (total - a) == money] == [adults],
    )


def _travel(rng: random.Random) -> Exercise:
    hours, fast, slow = rng.randint(2, 9), rng.randint(45, 95), rng.randint(10, 44)
    distance = (fast + slow) * hours
    unit = rng.choice(["km", "miles"])
    question = rng.choice(
        [
            "Two towns are {0} {3} apart. A car leaves one at {1} {3} per hour and at the same time a bicycle leaves "
            "the other at {2} {3} per hour. After how many hours do they meet?",
            "A train goes {1} {3} per hour and a boat {2} {3} per hour, in opposite directions from the same place. "
            "After how many hours are they {0} {3} apart?",
        ]
    ).format(distance, fast, slow, unit)
    steps = (
        f"Together they cover {fast} + {slow} = {fast + slow} {unit} in an hour.",
        f"{distance} / {fast + slow} = {hours} hours.",
    )
    return Exercise(question, steps, str(hours), lambda: fast * hours + slow * hours == distance)


def _work(rng: random.Random) -> Exercise:
    one, other = rng.sample(_PEOPLE, 2)
    a, b = rng.sample(range(2, 25), 2)
    job = rng.choice(
        ["paint a fence", "sort the mail", "clean the hall", "fill a tank", "weed a garden", "copy a book"]
    )
    together = Fraction(a * b, a + b)
    question = rng.choice(
        [
            "{0} needs {2} hours to {4}, and {1} needs {3} hours. How many hours do they need together?",
            "Alone, {0} would {4} in {2} hours and {1} in {3} hours. How long in hours does it take both?",
        ]
    ).format(one, other, a, b, job)
    question += " Give a whole number or a fraction in lowest terms."
    steps = (
        f"In an hour they do 1/{a} + 1/{b} = {number(Fraction(1, a) + Fraction(1, b))} of the work.",
        f"So they need {number(together)} hours.",
    )
    return Exercise(question, steps, number(together), lambda: together / a + together / b == 1)


def _mixture(rng: random.Random) -> Exercise:
    weak, strong = rng.randint(5, 30), rng.randint(45, 90)
    x, y = rng.randint(1, 30), rng.randint(1, 30)
    wanted = Fraction(weak * x + strong * y, x + y)
    if wanted.denominator not in (1, 2, 4, 5, 8, 10, 20):
        y, wanted = x, Fraction(weak + strong, 2)
    total = x + y
    stuff = rng.choice(["acid", "salt", "alcohol", "juice", "sugar"])
    question = rng.choice(
        [
            "How many litres of {0}% {1} solution must be mixed with {2}% solution to get {3} litres of {4}% solution?",
            "{3} litres of a {4}% {1} solution are mixed from a {0}% and a {2}% solution. "
            "How many litres of the {0}% solution are in it?",
        ]
    ).format(strong, stuff, weak, total, decimal(wanted))
    steps = (
        f"Let y be the litres of the {strong}% solution: {strong}y + {weak}({total} - y) = {decimal(wanted * total)}.",
        f"So {strong - weak}y = {decimal(wanted * total - weak * total)} and y = {y}.",
    )
    return Exercise(question, steps, str(y), lambda: (wanted - weak) / (strong - weak) * total == y)


def _interest(rng: random.Random) -> Exercise:
    person, principal, rate, years = (
        rng.choice(_PEOPLE),
        50 * rng.randint(4, 200),
        rng.randint(1, 12),
        rng.randint(2, 10),
    )
    value = Fraction(principal * rate * years, 100)
    question = rng.choice(
        [
            "{0} lends {1} dollars at {2}% simple interest a year. How much interest is paid after {3} years?",
            "An account pays {2}% simple interest a year, and {0} puts {1} dollars into it. How much interest is there "
            "after {3} years?",
        ]
    ).format(person, principal, rate, years)
    yearly = Fraction(principal * rate, 100)
    steps = (
        f"A year gives {principal} * {rate} / 100 = {decimal(yearly)} dollars.",
        f"{years} years give {decimal(value)} dollars.",
    )
    return Exercise(question, steps, f"{decimal(value)} dollars", lambda: sum([yearly] * years) == value)


def _discount(rng: random.Random) -> Exercise:
    percent, price = rng.choice([5, 10, 15, 20, 25, 30, 40, 50, 60, 75]), rng.randint(4, 400)
    paid = Fraction(price * (100 - percent), 100)
    thing = rng.choice(["coat", "lamp", "bicycle", "chair", "radio", "tent", "guitar", "desk", "kettle"])
    question = rng.choice(
        [
            "After a discount of {0}%, a {2} costs {1} dollars. What did it cost before?",
            "A {2} is sold for {1} dollars, {0}% below its old price. What was the old price in dollars?",
        ]
    ).format(percent, decimal(paid), thing)
    steps = (
        f"{decimal(paid)} dollars are {100 - percent}% of the old price.",
        f"{decimal(paid)} * 100 / {100 - percent} = {price}.",
    )
    return Exercise(question, steps, f"{price} dollars", lambda: price - Fraction(price * percent, 100) == paid)


def _consecutive(rng: random.Random) -> Exercise:
    count, step, first = rng.choice([3, 4, 5]), rng.choice([1, 2]), rng.randint(2, 200)
    kind = {1: "", 2: "even " if first % 2 == 0 else "odd "}[step]
    terms = [first + step * i for i in range(count)]
    wanted = rng.choice(["smallest", "largest"])
    value = min(terms) if wanted == "smallest" else max(terms)
    question = rng.choice(
        [
            "The sum of {0} consecutive {1}integers is {2}. What is the {3} of them?",
            "{0} consecutive {1}integers add up to {2}. Find the {3}.",
        ]
    ).format(count, kind, sum(terms), wanted)
    extra = step * count * (count - 1) // 2
    steps = (
        f"Call the smallest n: the sum is {count}n + {extra} = {sum(terms)}.",
        f"So n = {first}, and the {wanted} is {value}.",
    )
    found = (n for n in range(1, sum(terms)) if sum(range(n, n + step * count, step)) == sum(terms))
    return Exercise(
        question, steps, str(value), lambda: next(found) == first and value in (first, first + step * (count - 1))
    )


def _shares(rng: random.Random) -> Exercise:
    people, thing = rng.sample(_PEOPLE, 3), rng.choice(_THINGS)
    parts = [rng.randint(1, 9) for _ in range(3)]
    unit = rng.randint(2, 30)
    total, asked = unit * sum(parts), rng.randrange(3)
    question = rng.choice(
        [
            "{0}, {1} and {2} share {3} {4} in the ratio {5}. How many does {6} get?",
            "{3} {4} are divided among {0}, {1} and {2} in the ratio {5}. How many {4} are {6}'s?",
        ]
    ).format(*people, total, thing, ":".join(map(str, parts)), people[asked])
    value = unit * parts[asked]
    steps = (f"There are {sum(parts)} parts of {total} / {sum(parts)} = {unit}.", f"{parts[asked]} * {unit} = {value}.")
    return Exercise(question, steps, str(value), lambda: Fraction(parts[asked], sum(parts)) == Fraction(value, total))


def _rectangle(rng: random.Random) -> Exercise:
    width, more = rng.randint(2, 60), rng.randint(1, 40)
    length = width + more
    around = 2 * (width + length)
    place = rng.choice(["garden", "field", "room", "yard", "playground"])
    question = rng.choice(
        [
            "The perimeter of a rectangular {0} is {2} m, and its length {1} m more than its width. Find its area in "
            "square metres.",
            "A rectangular {0} has a perimeter of {2} m and is {1} m longer than wide. Find its area in square metres.",
        ]
    ).format(place, more, around)
    area = width * length
    steps = (
        f"With the width w: 2(w + w + {more}) = {around}, so 4w = {around - 2 * more} and w = {width}.",
        f"The length is {length} m and the area {width} * {length} = {area} square metres.",
    )
    sizes = [(w, w + more) for w in range(1, around) if 2 * (w + w + more) == around]
    return Exercise(question, steps, f"{area} square metres", lambda: [w * h for w, h in sizes] == [area])


# A further kind is one more function and one more row.
KINDS: dict[str, Callable[[random.Random], Exercise]] = {
    "ages": _ages,
    "tickets": _tickets,
    "travel": _travel,
    "work": _work,
    "mixture": _mixture,
    "interest": _interest,
    "discount": _discount,
    "consecutive": _consecutive,
    "shares": _shares,
    "rectangle": _rectangle,
}
