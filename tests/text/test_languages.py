"""The table of languages."""

from collections import Counter

import pytest

from codegem.text.languages import LANGUAGES, grammar_of, language_of


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"),
        ("src/pkg/a.PYI", "python"),
        ("app.test.tsx", "typescript"),
        ("types.d.ts", "typescript"),
        ("A.java", "java"),
        ("main.rs", "rust"),
        ("x.h", "c"),
        ("x.hpp", "cpp"),
        ("README.md", "markdown"),
        ("photo.png", None),
        ("Makefile", None),
        (".py", None),
        ("dir.py/data", None),
        ("", None),
    ],
)
def test_language_of(path: str, language: str | None):
    assert language_of(path) == language


def test_no_extension_has_two_languages():
    count = Counter(extension for language in LANGUAGES for extension in language.extensions)
    assert max(count.values()) == 1
    assert all(extension.startswith(".") and extension == extension.lower() for extension in count)


def test_a_dialect_has_a_grammar_of_its_own():
    assert grammar_of("a.ts") == ("tree_sitter_typescript", "language_typescript")
    assert grammar_of("a.TSX") == ("tree_sitter_typescript", "language_tsx")
    assert grammar_of("a.h") == grammar_of("a.hpp") != grammar_of("a.c")
    assert grammar_of("README.md") is None
