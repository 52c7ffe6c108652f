"""E-mail and IP addresses, phone numbers and names that the code can't know, planted by a seeded generator.

As in `test_safety_planted`, the forms of `HELD_OUT` were written before they were first run, and no rule was changed in
their view after (`mail link`, in which that run found a fault, stands with the developed ones since). Nothing here is
shared with the implementation.
"""

import random
import string
from collections import Counter
from collections.abc import Callable

import pytest

from codegem.data.safety.rules import SafetyRules
from codegem.data.safety.safe import make_safe

pytest.importorskip("detect_secrets")

Make = Callable[[random.Random], str]
FIRST = ["Anna", "Bjørn", "Chloé", "Dmitri", "Fatima", "Giorgos", "Hiroshi", "Inés", "Jürgen", "Liam", "Noah", "Priya"]
LAST = ["Almeida", "Brown", "Castillo", "Dubois", "García", "Haddad", "Ivanova", "Kowalski", "Nakamura", "Öztürk"]
PEOPLE = {"email", "ip address", "phone", "name"}


def letters(rng: random.Random, n: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=n))


def digits(rng: random.Random, n: int) -> str:
    return "".join(rng.choices("23456789", k=n))


def person(rng: random.Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def mail(rng: random.Random) -> str:
    box = rng.choice([letters(rng, 6), f"{letters(rng, 4)}.{letters(rng, 6)}", f"{letters(rng, 5)}+{letters(rng, 3)}"])
    return f"{box}@{letters(rng, rng.randrange(4, 9))}.{rng.choice(['com', 'org', 'de', 'co.uk', 'io', 'edu', 'fr'])}"


def address(rng: random.Random) -> str:
    first = rng.choice([23, 34, 52, 65, 78, 93, 104, 142, 151, 185, 212])
    return f"{first}.{rng.randrange(40, 250)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def plus_phone(rng: random.Random) -> str:
    return f"+{rng.choice(['49', '33', '44', '81', '61'])} {digits(rng, 2)} {digits(rng, 4)} {digits(rng, 3)}"


def american_phone(rng: random.Random) -> str:
    a, b, c = digits(rng, 3), digits(rng, 3), digits(rng, 4)
    return rng.choice([f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"+1-{a}-{b}-{c}", f"{a}.{b}.{c}"])


# kind: (what makes the value, lines that hold it); `#` stands for the comment sign of the language.
Kinds = dict[str, tuple[Make, list[str]]]
DEVELOPED: Kinds = {
    "mail": (mail, ["# send to {}", "# Jane <{}>", 'to = "{}"', "# see {}, please"]),
    "address": (address, ['host = "{}"', 'url = "http://{}:8080/x"', "# seen from {}"]),
    "plus phone": (plus_phone, ["# call {}", 'phone = "{}"']),
    "author": (person, ["# Author: {}", "# @author {}", "# Written by {}", "# Maintainer: {} (since 2019)"]),
    "todo": (lambda r: letters(r, 6), ["# TODO({}): later", "# FIXME({}) wrong"]),
    "mail link": (mail, ['link = "mailto:{}"', "# {}", 'users = ["{}", "b"]', "# Reported-by: X <{}>"]),
}
HELD_OUT: Kinds = {
    "address and port": (address, ['peer = "{}:6881"', "# ssh admin@{} first", 'hosts = ["{}", "localhost"]']),
    "cidr": (address, ['net = "{}/32"', "# allow {}."]),
    "six": (
        lambda r: f"2a0{r.randrange(1, 10)}:{r.randrange(4096, 9999)}::{r.randrange(1000, 9999)}",
        ['ip = "{}"', "# {}"],
    ),
    "american phone": (american_phone, ["# Phone: {}", "# Call {} at night", 'contact = "{}"']),
    "closed phone": (lambda r: f"+{digits(r, 12)}", ['tel = "{}"', 'number = "{}"']),
    "created": (person, ["# Created by {} on 2021-03-04", "# Co-authored-by: {} <x@y>", "# Developer: {}"]),
    "initials": (lambda r: f"{r.choice('ABCDEF')}. {r.choice(LAST)}", ["# Author: {}", "# implemented by {}"]),
    "handle": (lambda r: letters(r, 7), ["# author: {}", "# @author {}"]),
}
NEGATIVES: list[Make] = [
    lambda r: f'version = "{r.randrange(9)}.{r.randrange(30)}.{r.randrange(99)}.{r.randrange(999)}"',
    lambda r: f'host = "{r.choice(["127.0.0.1", "10.1.2.3", "192.168.0.7", "172.16.9.9", "203.0.113.5", "0.0.0.0"])}"',
    lambda r: f"# {letters(r, 5)}@example.{r.choice(['com', 'org'])}",
    lambda r: (
        f'date = "20{r.randrange(10, 30)}-{r.randrange(10, 13)}-{r.randrange(10, 29)} 10:{r.randrange(10, 60)}:00"'
    ),
    lambda r: f'image = "{letters(r, 5)}@2x.png"',
    lambda r: f'package = "{letters(r, 5)}@{r.randrange(9)}.{r.randrange(30)}.{r.randrange(99)}"',
    lambda r: f"x = [{', '.join(str(r.randrange(1000)) for _ in range(8))}]",
    lambda r: f"# RFC {r.randrange(1000, 9999)}, section {r.randrange(9)}.{r.randrange(9)}.{r.randrange(99)}.3",
    lambda r: f"# ISBN 978-3-{digits(r, 2)}-{digits(r, 6)}-{digits(r, 1)}",
    lambda r: "# Authors: see the file AUTHORS",
    lambda r: "# Written by hand, and created by the build",
    lambda r: f"# TODO(#{r.randrange(1000)}): later",
    lambda r: f'mac = "{":".join(f"{r.randrange(256):02x}" for _ in range(6))}"',
    lambda r: f'time = "{r.randrange(24)}:{r.randrange(10, 60)}:{r.randrange(10, 60)}"',
    lambda r: f"# since {r.randrange(10**9, 2 * 10**9)}",
    lambda r: f'clone = "git@github.com:{letters(r, 5)}/{letters(r, 5)}.git"',
    lambda r: f"y = {r.randrange(10**6)}.{r.randrange(10**6)} + {r.randrange(10**9, 10**10)}",
    lambda r: f"# {r.choice(FIRST)} is a name in no author line",
]


def measure(kinds: Kinds, seed: int, count: int) -> tuple[float, float, Counter[str], list[str]]:
    rng = random.Random(seed)
    texts: list[str] = []
    planted: list[dict[int, tuple[str, str]]] = []
    for _ in range(count):
        rows: list[tuple[str, tuple[str, str] | None]] = [(make(rng), None) for make in rng.sample(NEGATIVES, 8)]
        for kind in rng.sample(sorted(kinds), 3):
            value = kinds[kind][0](rng)
            rows.append((rng.choice(kinds[kind][1]).replace("{}", value), (kind, value)))
        rng.shuffle(rows)
        texts.append("\n".join(row for row, _ in rows) + "\n")
        planted.append({line: secret for line, (_, secret) in enumerate(rows, 1) if secret})
    missed: Counter[str] = Counter()
    wrong: list[str] = []
    found = 0
    for text, secrets, outcome in zip(texts, planted, make_safe(texts, ["a.py"] * count, SafetyRules()), strict=True):
        after = outcome.text.split("\n")
        hit = {finding.line for finding in outcome.findings if finding.kind in PEOPLE}
        for line, (kind, value) in secrets.items():
            is_gone = value not in after[line - 1]
            found += is_gone
            missed[kind] += not is_gone
        wrong += [text.split("\n")[line - 1] for line in sorted(hit - set(secrets))]
    total = sum(map(len, planted))
    return found / total, found / max(1, found + len(wrong)), +missed, wrong


@pytest.mark.parametrize(("kinds", "seed"), [(DEVELOPED, 1), (HELD_OUT, 20261123)], ids=["developed", "held out"])
def test_planted_people_are_found_and_others_left(kinds: Kinds, seed: int):
    recall, precision, missed, wrong = measure(kinds, seed, 400)
    print(f"recall {recall:.4f}, precision {precision:.4f}, missed {dict(missed)}")
    assert recall >= 0.95 and precision >= 0.9, (recall, precision, missed, wrong[:20])
