import json
import re
from pathlib import Path

import pytest

from codegem.evaluation.babelcode.languages.language import completed, open_braces
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.babelcode.schema import Prompt


def asked(text: str) -> Prompt:
    return Prompt("", "1", text, text, "f", "Solution")


JAVA = "class Solution {\n    /**\n     * It's {\n     */\n    public Integer f(Integer x) {"


@pytest.mark.parametrize(
    ("language", "prompt", "text", "expected"),
    [
        ("python", "def f(x):", "\n    return x\n\ndef g():\n    pass", "\n    return x\n"),
        ("python", "def f(x):", "\n    return x\n# end", "\n    return x"),
        ("python", "def f(x):", "\n    return x\nif True:", "\n    return x"),
        ("python", "def f(x):", "\n    # why\n    return x", "\n    # why\n    return x"),
        ("javascript", "function f(x) {", "\n  return x;\n}\nfunction g() {", "\n  return x;\n}"),
        ("go", "func f(x int) int {", "\n\treturn x\n}\nfunc main() {}", "\n\treturn x\n}"),
        # What the source has cut at a stop is put back; so is it where the whole text is there.
        ("rust", "pub fn f(x: i32) -> i32 {", "\n    x", "\n    x\n}"),
        ("rust", "pub fn f(x: i32) -> i32 {", "\n    x\n}\nfn main() {}", "\n    x\n}"),
        ("rust", "pub fn f(x: &'a str) -> i32 {", "\n    '}' as i32", "\n    '}' as i32\n}"),
        ("rust", "pub fn f(x: i32) -> i32 {", " x }", " x }"),
        ("cpp", "int f(int x) {", '\n    return x; // "}"', '\n    return x; // "}"\n}'),
        ("java", JAVA, "\n        return x;", "\n        return x;\n    }\n}"),
        ("java", JAVA, "\n        return x;\n    }\n\n    int g() {\n    }\n}", "\n        return x;\n    }\n}"),
        ("java", JAVA, " return x; }", " return x; }\n}"),
        ("java", JAVA, " return x; }\n}", " return x; }\n}"),
        ("csharp", JAVA, "\n        return x;", "\n        return x;\n    }\n}"),
        ("kotlin", "fun f(x: Int): Int {", "\n    return x", "\n    return x\n}"),
    ],
)
def test_completions(language: str, prompt: str, text: str, expected: str) -> None:
    got = completed(LANGUAGES[language], asked(prompt), text)
    assert got.rstrip() == expected.rstrip()
    assert completed(LANGUAGES[language], asked(prompt), got).rstrip() == expected.rstrip()
    if LANGUAGES[language].closing:
        assert open_braces(prompt + got) == 0


def test_braces_in_texts_do_not_count() -> None:
    assert open_braces('{ "}" \'}\' // }\n/* } \n } */ "\\"}"') == 1
    assert open_braces("fn f<'a>(x: &'a str) { '\\'' '\\u{7d}' }") == 0
    assert open_braces("'" * 10_000) == 0


@pytest.mark.parametrize("name", LANGUAGES)
def test_names_agree(name: str) -> None:
    language = LANGUAGES[name]
    assert language.name == name and language.stop
    # A stop that ends the function has to be put back.
    assert bool(language.closing) == any(re.fullmatch(r"\n *}\n?", stop) for stop in language.stop)


def test_stop_words_are_those_that_are_published(shared_data: Path) -> None:
    published = json.loads((shared_data / "babelcode" / "language_stop_words.json").read_text())
    ours = {each.babelcode: list(each.stop) for each in LANGUAGES.values()}
    assert "Kotlin" not in published and ours.pop("Kotlin")
    assert ours == {name: published[name] for name in ours}
