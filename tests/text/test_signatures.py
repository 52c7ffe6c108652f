from codegem.text.declarations import signatures
from codegem.text.signatures import Signature, offered, render

FOUND = [
    Signature("a", "def a(): "),
    Signature("b", "def b():", "What b does."),
    Signature("C", "class C:", members=()),
]


def test_what_is_wanted_comes_first_and_alone() -> None:
    assert [each.name for each in offered(FOUND, {"C", "b", "elsewhere"})] == ["b", "C"]


def test_a_file_that_declares_nothing_wanted_is_shown_whole_what_is_used_first() -> None:
    assert [each.name for each in offered(FOUND, {"x"}, used={"C"})] == ["C", "a", "b"]
    assert [each.name for each in offered(FOUND, set())] == ["a", "b", "C"]


def test_documentation_is_a_choice() -> None:
    assert render(FOUND[1:2], "a.py") == 'def b():\n    """What b does."""\n'
    assert render(FOUND[1:2], "a.py", docs=False) == "def b(): ...\n"


def test_what_python_shows_is_python() -> None:
    text = 'class A:\n    """Doc \\"quoted\\"."""\n    def f(self): return 1\n\ndef g(a, *, b=(1,)): pass\n'
    compile(render(signatures(text, "a.py"), "a.py"), "a.py", "exec")
