"""Parts of a file to be written again, and what is said to an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.assist.exercise import Exercise, Verdict, check, make_exercise
from codegem.errors import UserError
from codegem.text.syntax import parse

PYTHON = 'import os\n\n\ndef f(items):\n    """Add."""\n    # comment\n    total = 0\n    for item in items:\n        total += item\n    return total\n'  # noqa: E501
GO = "package a\n\nfunc f(items []int) int {\n\ttotal := 0\n\tfor _, item := range items {\n\t\ttotal += item\n\t}\n\treturn total\n}\n"  # noqa: E501


@given(st.integers(0, 50), st.sampled_from([("a.py", PYTHON), ("a.go", GO)]))
def test_the_parts_are_the_file(seed: int, file: tuple[str, str]):
    path, text = file
    made = make_exercise(text, path, seed)
    assert made.prefix + made.answer + made.suffix == text
    assert made.answer.strip() == made.answer and "import" not in made.answer and '"""' not in made.answer
    assert check(made, made.answer) is Verdict.SAME
    assert made.infill.prefix + made.infill.suffix == made.prefix + made.suffix


def test_a_seed_chooses():
    assert make_exercise(PYTHON, "a.py", 1) == make_exercise(PYTHON, "a.py", 1)
    assert len({make_exercise(PYTHON, "a.py", seed).answer for seed in range(20)}) > 1


def test_what_is_shown():
    made = Exercise("a.py", "def f(x):\n    ", "y = x\n    return y", "\n\nf(1)\n")
    assert made.shown() == "def f(x):\n    # … your 2 lines …\n\nf(1)\n"
    assert (made.line, made.lines, made.hint(2)) == (2, 2, "y = …")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("return x + 1", "same"),
        ("return x+1  # more", "same"),
        ("return (x + 1)", "parses"),
        ("return 'x  + 1'", "parses"),
        ("return x +", "broken"),
        (" \n", "empty"),
    ],
)
def test_verdicts(answer: str, verdict: str):
    assert check(Exercise("a.py", "def f(x):\n    ", "return x + 1", "\n"), answer) == verdict


def test_white_space_in_a_string_counts():
    made = Exercise("a.py", "x = ", "'a b'", "\n")
    assert check(made, "'a  b'") is Verdict.PARSES


@pytest.mark.parametrize(
    ("path", "text", "sentence"),
    [
        ("a.txt", "hello", "its grammar is unknown"),
        ("a.py", "def f(:\n    return 1\n", "or it has a syntax error"),
        ("a.py", "x = 1\n", "has no statement of 1 to 8 lines"),
    ],
)
def test_no_exercise(path: str, text: str, sentence: str):
    with pytest.raises(UserError, match=sentence):
        make_exercise(text, path)


def test_the_holes_of_an_exercise_parse_when_filled():
    for seed in range(20):
        made = make_exercise(GO, "a.go", seed)
        tree = parse((made.prefix + made.answer + made.suffix).encode(), "a.go")
        assert tree is not None and not tree.root_node.has_error
