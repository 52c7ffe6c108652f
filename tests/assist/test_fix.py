"""Syntax errors are mended: each kind that people make, in eight languages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.assist import fix as module
from codegem.assist.context import Window
from codegem.assist.fix import fix
from codegem.assist.fix_code import Code, Patch
from codegem.errors import UserError
from codegem.generate import Chunk, Infill, StopReason
from codegem.text.syntax import parse
from codegem.text.tokenizer import ByteTokenizer

# (path, broken, mended)
CASES = [
    ("a.py", "def f(x:\n    return x\n", "def f(x):\n    return x\n"),
    ("a.py", "def f(x)\n    return x\n", "def f(x):\n    return x\n"),
    ("a.py", "def f(x):\n    retrun x\n", "def f(x):\n    return x\n"),
    ("a.py", "x = ['a', 'b, 'c']\n", "x = ['a', 'b', 'c']\n"),
    ("a.py", 'x = {"a": 1, "b" 2}\n', 'x = {"a": 1, "b": 2}\n'),
    ("a.js", "if (a) {\n  b();\n\nc();\n", "if (a) {\n  b();\n}\n\nc();\n"),
    ("a.js", "const a = f('x);\n", "const a = f('x');\n"),
    ("a.java", "class A {\n    int f() {\n        return 1\n    }\n}\n", "class A {\n    int f() {\n        return 1;\n    }\n}\n"),  # noqa: E501
    ("a.java", "clas A {\n    int f;\n}\n", "class A {\n    int f;\n}\n"),
    ("a.kt", "fun f(a: Int) {\n    g(a\n}\n", "fun f(a: Int) {\n    g(a)\n}\n"),
    ("a.go", "package a\n\nfunc f(a int) int {\n\treturn g(a, 1\n}\n", "package a\n\nfunc f(a int) int {\n\treturn g(a, 1)\n}\n"),  # noqa: E501
    ("a.rs", "fn f(a: i32) -> i32 {\n    let b = a + 1\n    b\n}\n", "fn f(a: i32) -> i32 {\n    let b = a + 1;\n    b\n}\n"),  # noqa: E501
    ("a.cpp", "int f(int a {\n  return a;\n}\n", "int f(int a) {\n  return a;\n}\n"),
    ("a.cs", "class A\n{\n\tint f()\n\t{\n\t\treturn 1;\n\t}\n", "class A\n{\n\tint f()\n\t{\n\t\treturn 1;\n\t}\n}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "broken", "mended"), CASES)
def test_repairs(path: str, broken: str, mended: str):
    found = fix(broken, path)
    assert found.parses and found.after == mended


def test_sound_text_stays():
    found = fix("x = 1\n", "a.py")
    assert (found.after, found.kinds, found.parses, found.diff) == ("x = 1\n", (), True, "")


def test_several_errors():
    found = fix("def f(x:\n    retrun x\n\n\ndef g(\n    pass\n", "a.py")
    assert found.parses and len(found.kinds) >= 2


def test_line_ends_stay():
    found = fix("def f(x):\r\n    retrun x\r\n", "a.py")
    assert found.after == "def f(x):\r\n    return x\r\n"


def test_the_diff_says_what_changes():
    assert fix("a = (1\n", "a.py").diff == "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-a = (1\n+a = (1)\n"
    assert "\\ No newline at end of file" in fix("a = (1", "a.py").diff


@pytest.mark.parametrize(
    ("text", "path", "sentence"),
    [("x", "notes.txt", "knows no grammar"), ("x" * (module.MAX_BYTES + 1), "a.py", "mends files of at most")],
)
def test_what_can_not_be_mended(text: str, path: str, sentence: str):
    with pytest.raises(UserError, match=sentence):
        fix(text, path)


def test_nobody_waits():
    found = fix("def f(x:\n    pass\n", "a.py", cancelled=lambda: True)
    assert found.after == found.before and not found.parses


PROGRAM = "import os\n\n\ndef total(items, start=0):\n    for item in items:\n        start += f(item['n'], [1])\n    return start\n"  # noqa: E501


@settings(max_examples=12)
@given(st.integers(0, len(PROGRAM) - 1), st.sampled_from(["", "(", "}", "'", "x", ":", "\n"]))
def test_what_is_said_to_parse_parses(at: int, put: str):
    found = fix(PROGRAM[:at] + put + PROGRAM[at + 1 :], "a.py")
    tree = parse(found.after.encode(), "a.py")
    assert tree is not None and found.parses == (not tree.root_node.has_error)


@settings(max_examples=12)
@given(st.text(st.sampled_from("ab(){}[]'\":;, \n=+"), max_size=25), st.sampled_from(["a.py", "a.js", "a.rs", "a.go"]))
def test_anything_is_answered(text: str, path: str):
    found = fix(text, path)
    assert found.before == text and (found.parses or found.after is not None)


class Filler:
    """A model that fills every hole with the same text, or as a table of what stands before it says."""

    name = "filler"

    def __init__(self, *texts: str, when: dict[str, str] | None = None):
        self.asked: list[Infill] = []
        self._texts, self._when = texts, when or {}

    def generate(self, requests):
        for index, request in enumerate(requests):
            assert isinstance(request.prompt, Infill)
            text = next((text for end, text in self._when.items() if request.prompt.prefix.endswith(end)), None)
            if text is None:
                text = self._texts[len(self.asked) % len(self._texts)] if self._texts else ""
            self.asked.append(request.prompt)
            yield Chunk(index, text, 1, StopReason.STOP)


WINDOW = Window(ByteTokenizer(), 4000)


class TestWithAModel:
    def test_it_chooses_among_repairs_that_are_alike(self):
        broken = "x = f(a, g(b, c)\n"
        assert fix(broken, "a.py").after == "x = f(a, g(b, c))\n"
        model = Filler(when={"g(b": "), "})
        assert fix(broken, "a.py", model, WINDOW).after == "x = f(a, g(b), c)\n"

    def test_it_fills_what_no_repair_mends(self, monkeypatch: pytest.MonkeyPatch):
        for name in ("likely_repairs", "other_repairs"):
            monkeypatch.setattr(module, name, lambda _: ())
        model = Filler("((", when={"def f(x": ", y):"})
        found = fix("def f(x\n    return x\n", "a.py", model, WINDOW)
        assert (found.after, found.kinds) == ("def f(x, y):\n    return x\n", ("model",))
        assert len(model.asked) > 1

    def test_nonsense_of_a_model_changes_nothing(self):
        assert fix("def f(x:\n    pass\n", "a.py", Filler("\x1b[2J((("), WINDOW).after == "def f(x):\n    pass\n"


class TestCode:
    def test_an_edit_is_parsed_as_the_whole_text_is(self):
        code = Code(b"x = (1\ny = 2\n", "a.py")
        assert code.patched(Patch(6, 6, b")", "bracket"))[0] is not None
        assert code.patched(Patch(6, 6, b"]", "bracket"))[0] is None

    def test_lines(self):
        code = Code(b"a\n\tb\n\n", "a.py")
        assert [code.indentation(line) for line in range(4)] == [0, 8, None, None]
        assert [code.line_at(byte) for byte in (0, 1, 2, 5)] == [0, 0, 1, 2]
