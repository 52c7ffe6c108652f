"""Brackets of code, and of nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.assist.lexer import CLOSES, OPENS, lexer
from codegem.text.languages import CODE

# In each text the brackets of code are () alone, once; the others stand in strings, comments, characters or patterns.
TEXTS = {
    "python": ["f('[', \"{\") # [", "f(r'[\\'', '''{\n[''')", 'f("""[\n"{""")', "(f'{a[0]}')", "('\\\\') # }"],
    "javascript": ["f('[', \"{\", `{\n[`) // {", "f(/[)\\]}]{2}/g) /* [\n{ */", "f(a / b) // ]", "x = (/\\[/)"],
    "typescript": ["f('[') // {", "(`${a[0]}`)"],
    "java": ["f('[', '\\'', \"{\") // [", 'f("""\n"{ [""") /* } */'],
    "kotlin": ["f('[', \"${a[0]}\") // {", 'f("""[ "quoted" {""")'],
    "go": ["f('[', '\\'', `{\n\"[`) // [", 'f("{\\"[")'],
    "rust": ["fn f<'a>(a: &'a str, b: char) // [", "f('[', '\\'', r#\"{ \"[\"#)", 'f("{\n[") /* { */'],
    "c": ["f('[', '\\'', \"{\\\"[\") // {", "f(1) /* [ */"],
    "cpp": ['f(R"([{ " )")', "f(1'000'000, '[') // {"],
    "csharp": ["f(@\"C:\\{\", '[') // {", 'f($"{a[0]}", """{ "[""")'],
}


@pytest.mark.parametrize(("language", "text"), [(name, text) for name in TEXTS for text in TEXTS[name]])
def test_brackets_of_code(language: str, text: str):
    assert [bracket.kind for bracket in lexer(language).brackets(text)] == ["(", ")"]
    assert lexer(language).open(text) == ("", "")


def test_every_language_is_known():
    assert set(TEXTS) == set(CODE)


@pytest.mark.parametrize(
    ("language", "text", "inside"),
    [
        ("python", "x = 'a", "'"),
        ("python", "x = 'a\n", ""),
        ("python", "x = 'a'", ""),
        ("python", 'x = """a\n"', '"""'),
        ("python", "x = 1  # it's", "#"),
        ("python", 'x = f"{a[', '"'),
        ("javascript", "x = `a\n${b", "`"),
        ("javascript", "/* a\n* b", "/*"),
        ("javascript", "// don't\n", ""),
        ("javascript", "x = a / b", ""),
        ("rust", "fn f<'a>(x: &'a str", ""),
        ("rust", 'x = r#"a"', 'r#"'),
        ("go", "x := `a\n", "`"),
        ("csharp", 'x = @"a\\', '@"'),
        ("cpp", 'x = R"(a\n', 'R"('),
        (None, "it's \"so", '"'),
    ],
)
def test_what_a_text_ends_in(language: str | None, text: str, inside: str):
    assert lexer(language).inside(text) == inside


@pytest.mark.parametrize("language", [*TEXTS, None])
@pytest.mark.parametrize("end", ["", "'", '"', "`", '"""', "/*", "//"])
def test_a_text_goes_on_where_another_ended(language: str | None, end: str):
    known = lexer(language)
    inside = known.inside("f(" + end)
    assert known.brackets("[a]", inside) == ([] if inside else known.brackets("[a]"))


@given(st.text("()[]{}\"'`/*#\\\n ar@R$", max_size=60), st.sampled_from([*TEXTS, None]))
def test_any_text_is_read(text: str, language: str | None):
    known = lexer(language)
    closing, opening = known.open(text)
    assert set(closing) <= set(CLOSES) and set(opening) <= set(OPENS)
    assert all(text[at] == kind for at, kind in known.brackets(text))
    assert len(known.depths(text)) == text.count("\n") + 1
    inside = known.inside(text)
    assert not inside or inside[0] in text
