"""What is worked out of a place."""

import pytest

from codegem.assist.place import Place

FILE = "".join(f"def function{number}(a):\n    return [a, {{'b': (a,)}}]\n\n\n" for number in range(2000))


@pytest.mark.parametrize(
    ("prefix", "suffix", "missing"),
    [
        ("f(a, ", ")\n", ""),
        ("f(a, ", "\n", ")"),
        ("f(g(h[", "\n", "]))"),
        ("f(g(h[", "])\n", ""),  # the outermost is to be closed behind
        ("if (a) {\n  f(b, ", "\n}\n", ")"),
        ("if (a) {\n  f(b, ", "\n", ")}"),
        ("if (a) {\n  b();\n} else {\n  ", "\n}\n", ""),
        ("if (f(a", "\n  b();\n}\n", "))"),  # the brace behind is that of a block which is to be opened
        ("f(')', ", "\n", ")"),
        ("// ((\nf(", ")\n", ""),
        ("f('", "')\n", ""),
        ("", ")))\n", ""),
    ],
)
def test_missing_closers(prefix: str, suffix: str, missing: str):
    assert Place(prefix, suffix, "a.js").missing == missing


@pytest.mark.parametrize(("cursor", "missing"), [("f([", "])"), ("", "")])
def test_missing_closers_in_a_long_file(cursor: str, missing: str):
    assert Place(FILE + "    x = " + cursor, "\n" + FILE, "a.py").missing == missing


def test_missing_closers_where_the_end_is_far_away():
    inner = "    if (a) {\n        b();\n    }\n"
    text = "class A {\n" + inner * 9 + "    while (c) {\n        if (d) {\n            "
    place = Place(text, "\n    }\n" + inner * 4000 + "}\n", "A.java")
    assert place.missing == "}"


@pytest.mark.parametrize(
    ("text", "indented_with", "step"),
    [
        ("\n    a\n        b\n", " ", 4),
        ("\n  a\n    b\n      c\n", " ", 2),
        ("\n\ta\n\t\tb\n", "\t", 4),
        ("\n\ta\n    b\n", "", 4),
        ("a\nb\n", "", 4),
    ],
)
def test_indentation_of_a_file(text: str, indented_with: str, step: int):
    place = Place(text, "")
    assert (place.indented_with, place.step) == (indented_with, step)


@pytest.mark.parametrize(
    ("prefix", "suffix", "one_line"),
    [
        ("x = ", "", False),
        ("x = ", " ", False),
        ("x = ", "+ 1", True),
        ("f(", ")", False),  # a function may come, over several lines
        ("f('", "')", True),
        ("    ", "x = 1", False),  # a line above it
    ],
)
def test_one_line(prefix: str, suffix: str, one_line: bool):
    assert Place(prefix, suffix, "a.py").one_line is one_line
    assert Place(prefix, suffix, "a.py", "one").one_line
    assert not Place(prefix, suffix, "a.py", "many").one_line


def test_the_word_at_the_cursor():
    assert [Place(prefix, "").word for prefix in ("x = self.na", "x = ", "größe", "\n")] == ["na", "", "größe", ""]
