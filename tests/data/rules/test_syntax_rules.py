"""How much of a file its grammar makes no sense of."""

import inspect
import json.decoder

import pytest

from codegem.data.rules import syntax_rules
from codegem.data.rules.filter_rules import FilterRules, Verdict
from codegem.data.rules.syntax_rules import parse_errors
from codegem.text.syntax import parse

RULES = FilterRules()
GOOD = "def add(a, b):\n    return a + b\n\n\n"


def judge(text: str, path: str = "a.py", rules: FilterRules = RULES) -> Verdict | None:
    data = text.encode()
    tree = parse(data, path)
    assert tree is not None
    return parse_errors(tree, data, rules)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", inspect.getsource(json.decoder)),
        ("a.js", "export const add = (a, b) => a + b;\n"),
        ("a.ts", "export function add(a: number, b: number): number { return a + b }\n"),
        ("A.java", "class A { int add(int a, int b) { return a + b; } }\n"),
        ("a.kt", "fun add(a: Int, b: Int) = a + b\n"),
        ("a.go", "package a\n\nfunc add(a, b int) int { return a + b }\n"),
        ("a.rs", "fn add(a: i32, b: i32) -> i32 { a + b }\n"),
        ("a.c", "int add(int a, int b) { return a + b; }\n"),
        ("a.cc", "template <typename T> T add(T a, T b) { return a + b; }\n"),
        ("A.cs", "class A { int Add(int a, int b) => a + b; }\n"),
    ],
)
def test_code_that_follows_its_grammar_is_kept(path: str, text: str):
    assert judge(text, path) is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "this is no Python, is it? ((( ;;\n" * 9),
        ("a.h", "@interface Foo : NSObject\n- (void)bar:(int)x;\n@end\n" * 9),
        ("a.js", "%%% {{{ ]]\n" * 9),
        ("a.go", "# This is no Go; is it? ((( ]]\n" * 9),
    ],
)
def test_text_that_is_something_else_is_rejected(path: str, text: str):
    verdict = judge(text, path)
    assert verdict is not None and verdict[0] == "parse errors" and "at most 0.1" in verdict[1]


def test_a_small_mistake_in_a_long_file_is_forgiven():
    text = GOOD * 20 + "x = = 1\n" + GOOD * 20
    assert parse(text.encode(), "a.py").root_node.has_error  # type: ignore[union-attr]
    assert judge(text) is None
    assert judge(text, rules=FilterRules(max_error_share=0.0)) is not None


def test_what_the_parser_saved_from_an_error_does_not_count():
    text = "}\n" + "int add(int a, int b) { return a + b; }\n" * 50
    assert judge(text, "a.c") is None


def test_a_token_that_is_missing_counts_as_a_byte():
    assert judge("int f() { return 1 }\n", "a.c") is None
    verdict = judge("f(\n", "a.c", FilterRules(max_error_share=0.01))
    assert verdict is not None


def test_the_share_is_never_above_one():
    verdict = judge("@interface [ ( { @end @@ " * 300, "a.h")
    assert verdict is not None and float(verdict[1].split()[0]) <= 1


def test_a_tree_of_errors_without_end_is_left(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(syntax_rules, "_MAX_NODES", 100)
    verdict = judge((GOOD + "x = = 1\n") * 200)
    assert verdict is not None
    assert (verdict.detail, verdict.place) == ("in more than 100 nodes", "line 5")


def test_deep_nesting_needs_no_recursion():
    text = "x = " + "(" * 5_000 + "1" + ")" * 4_999 + "\n"
    judge(text)  # rejected or not: it ends
