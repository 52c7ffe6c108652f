"""What a model wrote and what is shown: each case is prefix‸suffix, the model's text, and the result."""

import pytest

from codegem.assist.postprocess import polish

CASES = {
    "nothing to do": ("\n", "return a + b", "return a + b"),
    "white space at the end": ("\nx\n", "return a  \n\n", "return a"),
    "indentation at the beginning stays": ("\n", "\n        return a", "\n        return a"),
    "white space alone": ("\n", "  \n  ", ""),
    "nothing follows": ("", "a = 1\n", "a = 1"),
    "one line in the middle of a line": (" + c\n", "b\nprint(b)", "b"),
    "a space before the rest of the line stays": ("+ c\n", "b ", "b "),
    "a doubled bracket": (")\n", "a, b)", "a, b"),
    "two doubled brackets": ("))\n", "f(a))", "f(a)"),
    "a bracket that closes its own": (")\n", "f(a)", "f(a)"),
    "a doubled quote": ('")\n', 'name")', "name"),
    "the following line again": ("\n    return x\n", "\n    x = 1\n    return x\n", "\n    x = 1"),
    "the following lines again": ("\na = 1\nb = 2\n", "\nz = 0\na = 1\nb = 2", "\nz = 0"),
    "only what follows": ("\nreturn x\n", "\nreturn x", ""),
    "a doubled closing line": ("\n}\n", "\n  go();\n}", "\n  go();"),
    "a block with its own closing line": ("\n}\n", "\n  if (a) {\n  }", "\n  if (a) {\n  }"),
    "the line below the cursor again": ("return x\n", "x = 1\nreturn x", "x = 1"),
    "the end of a name is no repetition": ("\nx = 1\n", "return max", "return max"),
    "the beginning of a name is no repetition": ("\ninterval = 1\n", "\nfor a in", "\nfor a in"),
}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str):
    suffix, text, expected = CASES[case]
    assert polish(text, suffix) == expected
