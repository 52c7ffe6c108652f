"""Natural points: in ten languages as a reader marks them, and as a slow walk over every node finds them."""

import ast
import random
import tokenize
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.text import boundaries
from codegem.text.boundaries import KINDS, MAX_DEPTH, Kind, is_natural, natural_end, whole_node
from codegem.text.languages import language_of
from codegem.text.syntax import TooHardToParse, parse

from .natural import MARKED, natural_points

pytest.importorskip("tree_sitter")

SNIPPETS = tuple((path, marked.replace("¦", "")) for path, marked in MARKED)


@cache
def tree_of(path: str, code: str):
    tree = parse(code.encode(), path)
    assert tree is not None
    return tree


def marked(code: str, path: str) -> str:
    tree = tree_of(path, code)
    data = code.encode()
    return b"".join(
        ("¦".encode() if is_natural(tree, end) else b"") + data[end : end + 1] for end in range(len(data) + 1)
    ).decode()


@pytest.mark.parametrize(("path", "expected"), MARKED)
def test_natural_points_are_where_a_reader_marks_them(path: str, expected: str):
    assert marked(expected.replace("¦", ""), path) == expected


def test_ten_languages_have_marked_pieces():
    languages = [language_of(path) for path, _ in MARKED]
    assert len(languages) >= 40
    assert len(set(languages)) == 10
    assert min(languages.count(language) for language in languages) >= 3


BROKEN = (
    ("a.py", "if a and b:\nreturn [x for x in c if x]\nelse:\n    pass"),
    ("a.c", "f(png_structp png_ptr, int x)\n{\n   for (pass = 0; pass < n\n"),
    ("a.js", "let a = f(b, [c, {d\nlet e = 1"),
)


@pytest.mark.parametrize(("path", "code"), SNIPPETS + BROKEN)
def test_a_slow_walk_finds_the_same_points(path: str, code: str):
    tree = tree_of(path, code)
    assert {end for end in range(len(code) + 1) if is_natural(tree, end)} == set(natural_points(tree))


@given(piece=st.sampled_from(SNIPPETS), data=st.data())
def test_and_in_broken_code(piece: tuple[str, str], data: st.DataObject):
    path, code = piece
    first, last = sorted((data.draw(st.integers(0, len(code))), data.draw(st.integers(0, len(code)))))
    broken = (code[:first] + data.draw(st.text(max_size=5)) + code[last:]).encode()
    tree = parse(broken, path)
    assert tree is not None
    expected = natural_points(tree)
    assert {end for end in range(len(broken) + 1) if is_natural(tree, end)} == set(expected)
    for byte in range(1, len(broken) + 1):
        for kind in KINDS:
            end = natural_end(tree, byte, kind)
            assert end is None or (end >= byte and end in expected)


def sources() -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(boundaries.__file__).parents[1].rglob("*.py"))]


def test_python_agrees_about_its_statements_and_tokens():
    for source in sources()[::4]:
        tree = parse(source, "a.py")
        assert tree is not None
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.stmt):
                assert is_natural(tree, starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0))
        lines = source.decode().splitlines(keepends=True)
        ends = {
            starts[row - 1] + len(lines[row - 1][:column].encode())
            for token in tokenize.tokenize(BytesIO(source).readline)
            for row, column in [token.end]
            if row <= len(lines)
        }
        # Python 3.11 takes an f-string as one token: points within one follow what it holds.
        inside = [end for end in natural_points(tree) if end not in ends and end != len(source)]
        assert all(b"{" in source[source.rfind(b"\n", 0, end) + 1 : end] for end in inside)


@pytest.mark.parametrize(
    ("path", "code", "wholes"),
    [
        ("a.py", "def f():\n    g(^a, b)\n    h()\n", ("g(a", "g(a, b)", "h()")),
        ("a.py", "def f():\n    ^g(a, b)\n    h()\n\ny = 1", ("g(a, b)", "g(a, b)", "h()")),
        ("a.py", "x = a.b(^c).d + e\ny = 2", ("x = a.b(c", "x = a.b(c).d + e", "x = a.b(c).d + e")),
        ("a.py", "x = a.^b(c).d + e\ny = 2", ("x = a.b(c).d + e",) * 3),
        ("A.java", "class A { int f() { return ^a + 1; } int x; }", ("a + 1", "a + 1;", "a + 1; }")),
        ("a.ts", "f(x => { g(^1); h(); }, y);", ("g(1", "g(1);", "h(); }")),
        ("a.go", "package a\nfunc f() {\n\tx := a[^i]\n\ty()\n}\n", ("a[i", "a[i]", "y()\n}")),
        ("a.rs", "fn f() { g(&^a, b); h() }", ("g(&a", "g(&a, b);", "h() }")),
        ("a.c", "int f(int ^a, int b) { return a; }\nint x;", ("f(int a", "return a; }", "return a; }")),
        ("a.kt", "fun f() {\n    a(^b)\n    c()\n}\n", ("a(b", "a(b)", "c()\n}")),
        ("A.cs", "class A { void F() { G(^a); H(); } }", ("G(a", "G(a);", "H(); }")),
        ("a.cpp", "void f() { if (^a) { b(); } c(); }", ("if (a", "b(); }", "c(); }")),
        # Nothing but hidden line ends stands there.
        ("a.go", "package a\n^\n\nvar x = f(1)\n\nvar y = 2\n", ("var x = f(1)",) * 3),
        ("a.js", "if (a) {\n  ^b();\n}\nc();", ("b()", "b();", "b();\n}")),
    ],
)
def test_the_code_at_a_place_is_whole(path: str, code: str, wholes: tuple[str, ...]):
    byte = code.index("^")
    code = code.replace("^", "")
    for kind, whole in zip(KINDS, wholes, strict=True):
        end = natural_end(tree_of(path, code), byte + 1, kind)
        assert end is not None
        assert code[:end].endswith(whole), kind


@given(piece=st.sampled_from(SNIPPETS), at=st.floats(0, 1), room=st.integers(0, 60), kind=st.sampled_from(KINDS))
def test_no_end_is_beyond_the_limit(piece: tuple[str, str], at: float, room: int, kind: Kind):
    path, code = piece
    byte = 1 + int(at * (len(code) - 1))
    tree = tree_of(path, code)
    free, end = natural_end(tree, byte, kind), natural_end(tree, byte, kind, byte + room)
    assert free is not None
    assert end == free if free <= byte + room else end is None or byte <= end <= byte + room


def test_a_place_behind_the_file_has_no_end():
    assert natural_end(tree_of("a.py", "x = 1"), 6) is None
    assert not is_natural(tree_of("a.py", "x = 1"), 6)
    assert not is_natural(tree_of("a.py", ""), 0)


@given(piece=st.sampled_from(SNIPPETS), seed=st.integers(0, 1000), natural=st.booleans())
def test_whole_nodes_are_nodes(piece: tuple[str, str], seed: int, natural: bool):
    path, code = piece
    tree, rng = tree_of(path, code), random.Random(seed)
    start, end = sorted((rng.randrange(len(code) + 1), rng.randrange(len(code) + 1)))
    size, byte = rng.randint(1, 40), rng.randrange(start, max(end, start + 1))
    span = whole_node(tree, byte, size, start, end, natural=natural)
    if span is None:
        return
    assert start <= span[0] < span[1] <= end
    node = tree.root_node.named_descendant_for_byte_range(span[0], span[1])
    assert node is not None and (node.start_byte, node.end_byte) == span
    assert not natural or span[1] in natural_points(tree)


def test_the_whole_node_is_the_largest_that_fits():
    code = "f(a + b, c)\nd"
    nodes = [whole_node(tree_of("a.py", code), 2, size, 0, 13) for size in (1, 4, 5, 9, 10, 11, 99)]
    # The a is the left of an operator: alone it is not whole.
    whole = [code[slice(*node)] if node else None for node in nodes]
    assert whole == ["a + b", "a + b", "a + b", "a + b", "(a + b, c)", "f(a + b, c)", "f(a + b, c)"]
    assert whole_node(tree_of("a.py", code), 2, 1, 0, 13, natural=False) == (2, 3)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("a.py", "x = " + "(" * 5000 + "1" + ")" * 5000),
        ("a.py", "a+" * 5000 + "a"),
        ("a.rs", "f!(" + "(" * 5000),
        ("a.kt", "a " * 5000),
        ("a.go", "package a\n" + "\n" * 50_000),
        ("a.c", "}" * 5000),
        ("a.java", "a b c " * 3000),
    ],
)
def test_strange_trees_take_bounded_steps(path: str, code: str, monkeypatch: pytest.MonkeyPatch):
    try:
        tree = tree_of(path, code)
    except TooHardToParse:
        return
    looked_at = []
    kind_of = boundaries._kind
    monkeypatch.setattr(boundaries, "_kind", lambda *step: looked_at.append(step) or kind_of(*step))
    for byte in (1, len(code) // 3, len(code) // 2, len(code) - 1):
        for kind in KINDS:
            looked_at.clear()
            end = natural_end(tree, byte, kind)
            assert end is None or end >= byte
            assert len(looked_at) < MAX_DEPTH
        is_natural(tree, byte)
        assert whole_node(tree, byte, 10, 0, len(code)) is None or len(looked_at) < MAX_DEPTH**2
