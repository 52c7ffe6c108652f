"""Planted right answers in many notations, and near misses: `pairs.tsv`."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("latex2sympy2_extended", reason="comparing mathematics needs codegem[eval]")

from codegem.evaluation.mathematics.cleaning import LONGEST, bare, cleaned
from codegem.evaluation.mathematics.comparing import equal, same_text
from codegem.evaluation.mathematics.structure import structure
from codegem.evaluation.mathematics.symbolic import Comparison, answers_equal

# Answers that must neither run, nor crash anything, nor be right; all of them are quick.
JUNK = [
    "__import__('os').system('id')",
    "exit()",
    "'; exit",
    '"' * 50,
    "\\" * 50,
    "\x00",
    "\ud800",
    "(" * 500,
    "{" * 39 + "1" + "}" * 39,
    r"\frac{" * 30 + "1",
    "1" * 900,
    "1" * (LONGEST + 1),
    "5\n=\n=",
    "1," * 400 + "1",
    "1e999999999",
    "(x+1)^{5000}",
    "x^{99999999}",
    "٥",
    r"\undefined{5}",
    r"5 \text{",
    "$",
    "=",
    "<5>",
    r"\begin{pmatrix} 5",
]


def planted() -> list[tuple[str, str, str, str]]:
    """(notation, = or !, given, expected) of each line of the file."""
    found, notation = [], ""
    for line in Path(__file__).with_name("pairs.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("# "):
            notation = line[2:]
        else:
            found.append((notation, *line.split("\t")))
    return found


@pytest.fixture(scope="module")
def compared() -> dict[tuple[str, str], Comparison]:
    """All of them and the junk, by one process."""
    pairs = [*((given, expected) for _, _, given, expected in planted()), *((junk, "5") for junk in JUNK)]
    return dict(zip(pairs, answers_equal(pairs, seconds=2.0), strict=True))


def test_planted_answers(compared: dict[tuple[str, str], Comparison]) -> None:
    wrong = [row for row in planted() if compared[row[2], row[3]].equal is not (row[1] == "=")]
    assert wrong == []
    right, missed = (Counter(row[0] for row in planted() if row[1] == sign) for sign in "=!")
    assert len(right) >= 20 and right.total() >= 150 and missed.total() >= 80
    assert all(right[notation] and missed[notation] for notation in (right | missed).keys() - {"nothing at all"})


def test_junk_is_wrong(compared: dict[tuple[str, str], Comparison]) -> None:
    assert [junk for junk in JUNK if compared[junk, "5"].equal is not False] == []


def test_the_expected_answer_decides_what_counts() -> None:
    """Who computes may say so; who was asked for an equation has not given one."""
    assert equal("a + b = 25", "25") and not equal("25", "a + b = 25")


@pytest.mark.parametrize(
    ("answer", "other"),
    [(r"$\frac12$", r"\dfrac{1}{2}"), (r"\text{Monday}", "Monday."), (r"\boxed{3}", "3"), ("( 1,2 )", "(1, 2)")],
)
def test_same_text(answer: str, other: str) -> None:
    assert same_text(answer, other)


def test_texts_that_differ() -> None:
    assert not same_text("0.5", r"\frac{1}{2}") and not same_text("", "") and not same_text("$", "")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=r"\{}()[],;.=<>|&$^_%+-/ 012xyπfrac", max_size=60))
def test_any_text_has_a_structure(text: str) -> None:
    """No text is too odd to be taken apart, and each is the same as itself."""
    clean = cleaned(text)
    assert structure(clean) == structure(clean) and same_text(text, text) == bool(bare(clean))
