from codegem.assist.index import Index
from codegem.assist.nearby import Nearby, SimilarRules, around
from codegem.assist.similar import Windows
from codegem.assist.sources import Limits

PARSE = "def parse(text, grammar):\n    tree = grammar.read(text)\n    return tree.root\n"
LEX = "def lex(source, rules):\n    words = rules.split(source)\n    return words.first\n"


def nearby(files: dict[str, str], rules: SimilarRules) -> Nearby:
    windows = Windows(rules.lines, rules.lines // 2)
    index = Index(None, windows, Limits(), lambda path, text: None)
    index.start()
    assert index.read.wait(20)
    for path, text in files.items():
        index.put(path, text)
        index.settle(path)
    return Nearby(index, windows, rules)


def test_the_lines_around_without_the_line_itself() -> None:
    prefix, suffix = "".join(f"{number}\n" for number in range(10)) + "half", "line\na\nb\nc\nd\n"
    assert around(prefix, suffix, 6) == "7\n8\n9\na\nb"
    assert around("x", "y", 6) == ""


def test_the_choice_stays_while_a_line_is_typed_and_until_another_is_clearly_better() -> None:
    found = nearby({"parse.py": PARSE, "lex.py": LEX}, SimilarRules(lines=12, least=0.2, most=1, clearly=2.0))
    first = found.snippets("a.py", PARSE, "")
    assert [each.path for each in first] == ["parse.py"]
    assert found.snippets("a.py", PARSE + "words, source, rules, split", "") is first
    between = PARSE.replace("    return tree.root\n", "    words = rules.split(source)\n    return words.first\n")
    assert [each.path for each in found.snippets("a.py", between + "\n", "")] == ["parse.py"]
    assert [each.path for each in found.snippets("a.py", LEX + "\n\n", "")] == ["lex.py"]


def test_what_is_hardly_alike_is_not_taken() -> None:
    found = nearby({"parse.py": PARSE}, SimilarRules(least=0.5))
    assert found.snippets("a.py", LEX + "\n", "") == ()
    assert found.snippets("parse.py", PARSE + "\n", "") == ()


def test_windows_that_overlap_are_one_piece() -> None:
    text = "".join(f"name_{number} = value_{number}\n" for number in range(12))
    found = nearby({"b.py": text}, SimilarRules(lines=6, least=0.05, most=4))
    (piece,) = found.snippets("a.py", text[: text.index("name_10")], "")
    assert (piece.text, piece.kind) == (text[text.index("name_3") :], "similar")


def test_a_choice_follows_its_file() -> None:
    found = nearby({"parse.py": PARSE}, SimilarRules(lines=6, least=0.2))
    assert found.snippets("a.py", PARSE, "")[0].text == PARSE
    found.index.put("parse.py", PARSE + "parse(text)\n")
    found.index.settle("parse.py")
    assert found.snippets("a.py", PARSE, "")[0].text == PARSE + "parse(text)\n"
    found.index.put("parse.py", "nothing = 1\n")
    found.index.settle("parse.py")
    assert found.snippets("a.py", PARSE, "") == ()
