"""Parsing, and what it may cost."""

import contextlib
import gc
import itertools
import sys
import threading
import tracemalloc

import pytest

from codegem.errors import UserError
from codegem.text import syntax
from codegem.text.languages import LANGUAGES, grammar_of
from codegem.text.syntax import TooHardToParse, parse, parse_sound

pytest.importorskip("tree_sitter")

SAMPLES = {
    "a.py": "def f(x):\n    return x\n",
    "a.js": "export const f = (x) => x;\n",
    "a.ts": "export const f = (x: number): number => x;\n",
    "a.tsx": "const a = <b c={1}>d</b>;\n",
    "A.java": "class A { int f(int x) { return x; } }\n",
    "a.kt": "fun f(x: Int): Int = x\n",
    "a.go": "package a\n\nfunc f(x int) int { return x }\n",
    "a.rs": "fn f(x: i32) -> i32 { x }\n",
    "a.c": "int f(int x) { return x; }\n",
    "a.h": "namespace a { class B; }\n",
    "a.cpp": "template <class T> T f(T x) { return x; }\n",
    "A.cs": "class A { int F(int x) => x; }\n",
}


@pytest.mark.parametrize("path", SAMPLES)
def test_every_grammar_reads_its_language(path: str):
    tree = parse(SAMPLES[path].encode(), path)
    assert tree is not None and not tree.root_node.has_error
    broken = parse((SAMPLES[path] + ")){{ ??").encode(), path)
    assert broken is not None and broken.root_node.has_error


def test_every_programming_language_has_a_sample():
    grammars = {grammar for language in LANGUAGES if language.grammar for grammar in [language.grammar]}
    assert grammars == {language.grammar for language in LANGUAGES if language.group == "code"}
    assert {grammar_of(path) for path in SAMPLES} >= grammars


def test_prose_has_no_tree():
    assert parse(b"# A title", "README.md") is None


@pytest.mark.parametrize("text", [b"a=" * 20_000, b"a=\n" * 20_000, (b"a = " * 20 + b"\n") * 800, b"a=" * 499_000])
def test_text_that_is_too_hard_is_given_up(text: bytes):
    with pytest.raises(TooHardToParse, match=f"{len(text)} bytes"):
        parse(text, "a.kt")
    tree = parse(SAMPLES["a.kt"].encode(), "a.kt")  # the parser is fit for use again
    assert tree is not None and not tree.root_node.has_error


@pytest.mark.parametrize(("path", "text"), [("a.kt", b"a=" * 4000), ("a.kt", b"/*" * 2000), ("a.js", b"->" * 2000)])
def test_short_text_that_is_too_hard_is_given_up(path: str, text: bytes):
    with pytest.raises(TooHardToParse, match="steps"):
        parse(text, path)


@pytest.mark.parametrize("path", SAMPLES)
def test_text_that_somebody_waits_for_is_given_up_after_its_time(path: str, monkeypatch: pytest.MonkeyPatch):
    clock = itertools.count()
    monkeypatch.setattr(syntax.time, "thread_time", lambda: next(clock))
    text = SAMPLES[path].encode() * 100
    assert parse(text, path) is not None and next(clock) == 0  # nobody waits: the clock isn't looked at
    with pytest.raises(TooHardToParse, match="time"):
        parse(text, path, seconds=2.5)
    assert next(clock) == 5  # the beginning, and three reports of the parser
    assert parse_sound(SAMPLES["a.py"].encode() * 100, "a.py", seconds=2.5)[0] is None
    tree = parse(text, path, seconds=1e6)  # the parser is fit for use again
    assert tree is not None and not tree.root_node.has_error


@pytest.mark.parametrize(
    ("path", "text"),
    [("A.java", b"a=>" * 400), ("a.c", b"a=>\n" * 400), ("A.cs", b"<a " * 400), ("a.ts", b"a<b," * 400)],
)
def test_a_statement_that_takes_one_long_step_is_given_up_where_somebody_waits(path: str, text: bytes):
    assert parse(text, path) is not None
    with pytest.raises(TooHardToParse, match="a statement of more than 300 parts"):
        parse(text, path, seconds=1e6)
    assert parse_sound(text, path, seconds=1e6) == (None, 0)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.c", "enum e {" + "".join(f"A{i} = {i},\n" for i in range(2000)) + "};"),
        ("a.h", "#define A(x) ((x) == 1)\n" * 2000),
        ("A.java", "class A { void f(int n) {" + "for (int i = 0; i < n; i++) { g(i); }\n" * 2000 + "}}"),
        ("a.c", "/* " + "=" * 5000 + " */ int a;"),
        ("a.tsx", "const a = <p>" + "<b c={1} d='e'/>" * 1000 + "</p>;"),
    ],
)
def test_long_source_code_is_read_where_somebody_waits(path: str, text: str):
    tree = parse(text.encode(), path, seconds=1e6)
    assert tree is not None and not tree.root_node.has_error


@pytest.mark.parametrize("path", SAMPLES)
@pytest.mark.parametrize("text", ["(" * 50_000, "[" * 50_000 + "]" * 50_000, "{" * 50_000])
def test_deep_nesting_is_a_tree_or_given_up(path: str, text: str):
    with contextlib.suppress(TooHardToParse):
        assert parse(text.encode(), path) is not None


def test_text_longer_than_one_piece_is_read_whole():
    text = "x = 1  # é\n" * 20_000
    tree = parse(text.encode(), "a.py")
    assert tree is not None and tree.root_node.end_byte == len(text.encode())


def test_java_full_of_open_angles_is_given_up_before_it_is_parsed():
    with pytest.raises(TooHardToParse, match="too many `<`"):
        parse(b"a<" * 300_000, "A.java")
    loops = "class A { void f(int n) {" + "for (int i = 0; i < n; i++) { g(i); }\n" * 2000 + "}}"
    tree = parse(loops.encode(), "A.java")
    assert tree is not None and not tree.root_node.has_error


@pytest.mark.parametrize("path", [path for path in SAMPLES if not path.endswith(".kt")])
def test_parsing_leaves_nothing_in_memory(path: str):
    text = SAMPLES[path].encode() * 3000
    parse(text, path)
    gc.collect()
    tracemalloc.start()
    for _ in range(20):
        parse(bytes(bytearray(text)), path)
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < len(text)  # 20 times as much was read


@pytest.mark.parametrize("copies", [1, 3000])
@pytest.mark.parametrize("path", SAMPLES)
def test_the_tree_knows_its_text(path: str, copies: int):
    text = SAMPLES[path].encode() * copies
    tree = parse(text, path)
    assert tree is not None
    parse(b"# other text\n" * 3000, "b.py")  # which takes the same memory
    node = tree.root_node.named_children[-1]
    assert node.text == text[node.start_byte : node.end_byte]


def test_a_missing_parser_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    monkeypatch.setattr(syntax, "_THREAD", threading.local())
    syntax.language.cache_clear()
    with pytest.raises(UserError, match="needs tree_sitter, a part of codegem: install codegem again"):
        parse(b"x = 1", "a.py")
    monkeypatch.undo()
    syntax.language.cache_clear()
    assert parse(b"x = 1", "a.py") is not None
