"""What BabelCode publishes gives the same questions and prompts as its own programs make of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from codegem.errors import UserError
from codegem.evaluation.babelcode.asserts import LeftOut, consolidated, joined, read_asserts
from codegem.evaluation.babelcode.benchmark import load, load_public
from codegem.evaluation.babelcode.prompts import STYLES, translated
from codegem.evaluation.babelcode.public import read_public
from codegem.evaluation.babelcode.schema import Type, parse_type, read_prompts, read_questions

ROW = {
    "id": "9",
    "title": "Own/9",
    "testing_code": "assert countDict({'a': [1]}, 'b') == 2.5\nassert countDict({}, 'bc') == 3",
    "solution": "def countDict(dict, String):\n    return len(dict)",
    "text": 'Write a python function that counts a list, an array or a dict/map; count_dict({}, """x""") */.',
    "entry_fn_name": "countDict",
}


def raw(folder: Path, *rows: dict[str, Any], name: str = "raw.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize(
    ("made", "published", "corrections"),
    [
        ("bc_humaneval", "human_eval", "dataset_fixes_human_eval.jsonl.gz"),
        ("bc_mbpp_sanitized", "sanitized_mbpp", None),
        ("bc_mbpp_full", "mbpp", None),
    ],
)
def test_nothing_differs(made: str, published: str, corrections: str | None, shared_data: Path) -> None:
    folder = shared_data / "babelcode"
    fixes = folder / "raw" / corrections if corrections else None
    questions, prompts, _ = read_public(folder / "raw" / f"{published}_questions.jsonl.gz", fixes)
    wanted, _ = read_questions(folder / f"{made}_questions.jsonl.gz")
    assert list(questions) == list(wanted)
    assert [qid for qid in wanted if repr(questions[qid]) != repr(wanted[qid])] == []
    texts, _ = read_prompts(folder / f"{made}_prompts.jsonl.gz")
    assert len(texts) == len(prompts) == len(wanted) * len(STYLES)
    assert set(texts) == set(prompts)


def test_both_ways_of_loading_agree(shared_data: Path) -> None:
    folder = shared_data / "babelcode"
    made = load("bc-mbpp", *(folder / f"bc_mbpp_sanitized_{each}.jsonl.gz" for each in ("questions", "prompts")))
    public = load_public("bc-mbpp", folder / "raw" / "sanitized_mbpp_questions.jsonl.gz")
    assert made.problems == public.problems and len(public.data) == 1


def test_a_question(tmp_path: Path) -> None:
    questions, prompts, files = read_public(raw(tmp_path, ROW))
    question = questions["9"]
    assert question.params == (parse_type("map<string;list<integer>>"), Type("string"))
    assert question.returns == Type("float")
    assert [(case.inputs, case.output) for case in question.cases] == [(({"a": [1]}, "b"), 2.5), (({}, "bc"), 3.0)]
    assert question.solution == "def count_dict(dict, String):\n    return len(dict)"
    asked = {prompt.language: prompt for prompt in prompts}
    assert asked["Rust"].signature == "pub fn count_dict(dict: HashMap<String, Vec<i32>>, string_arg1: String) -> f32 {"
    assert (
        asked["CSharp"]
        .text.splitlines()[-1]
        .startswith("    public float CountDict(Dictionary<string, List<int>> dict,")
    )
    assert asked["Python"].text.splitlines()[1].startswith('    """Write a python function that counts a list, list or')
    assert 'count_dict({}, \\\\"\\\\"\\\\"x' in asked["Python"].text
    assert "counts vector, vector or a dict" in asked["C++"].text and "\\\\*\\\\/" in asked["C++"].text
    assert files[0].records == 1


def test_corrections_take_the_place_of_fields(tmp_path: Path) -> None:
    fixes = raw(
        tmp_path,
        {"id": "9", "text": "First."},
        {"id": "9", "testing_code": "assert countDict({1: 2}, 'b') == 2"},
        {"id": "absent", "text": "Nothing."},
        name="fixes.jsonl",
    )
    questions, prompts, files = read_public(raw(tmp_path, ROW), fixes)
    assert questions["9"].params[0] == parse_type("map<integer;integer>") and len(files) == 2
    assert all("countDict({}, " in each.text for each in prompts if each.language == "Go")  # the last correction counts


@pytest.mark.parametrize(
    "changed",
    [
        {"testing_code": "assert countDict(1) == 2"},
        {"testing_code": "assert countDict(1, 2) == (1, 'ab')"},
        {"testing_code": "assert countDict(1, 2) == {(1, 2)}"},
        {"testing_code": "assert countDict(None, 2) == 3\nassert countDict(4, 2) == 3"},
        {"testing_code": "assert countDict(None, 2) == 3"},
        {"testing_code": "assert countDict(1, 2) == 3\nassert countDict('a', 2) == 3"},
        {"testing_code": "assert abs(countDict(1, 2) - 3) < 1"},
        {"testing_code": "assert countDict(countDict(1, 2), 2) == 3"},
        {"testing_code": "import math\nassert countDict(1, 2) == 3"},
        {"testing_code": "x = 1"},
        {"testing_code": "assert countDict({1.5: 2}, 2) == 3"},
        {"solution": "def other(a, b): pass"},
        {"solution": "def countDict(a, b=1): pass"},
        {"solution": "def countDict(*a): pass"},
        {"solution": "def countDict(a: str, b): pass", "testing_code": "assert countDict(1, 2) == 3"},
    ],
)
def test_questions_that_are_left_out(changed: dict[str, str], tmp_path: Path) -> None:
    kept, _, _ = read_public(raw(tmp_path, ROW, {**ROW, **changed, "id": "10"}))
    assert list(kept) == ["9"]
    with pytest.raises(UserError, match="holds no question"):
        read_public(raw(tmp_path, {**ROW, **changed}))


@pytest.mark.parametrize(
    "changed", [{"testing_code": "assert countDict(1, 2"}, {"solution": "def countDict(a, b"}, {"text": 5}]
)
def test_damage_is_not_left_out(changed: dict[str, Any], tmp_path: Path) -> None:
    file = raw(tmp_path, ROW, {**ROW, **changed, "id": "10"})
    with pytest.raises(UserError) as error:
        read_public(file)
    assert str(file) in str(error.value) and " 2:" in str(error.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("1", "integer"),
        ("-1234567890", "long"),
        ("123456789", "integer"),
        ("2.5", "float"),
        ("-0.12345678", "double"),
        ("'a'", "character"),
        ("''", "string"),
        ("(not 1)", "boolean"),
        ("[1, 2.0]", "list<float>"),
        ("['a', 'bc']", "list<string>"),
        ("[[], [1]]", "list<list<integer>>"),
        ("{'a': {'b': 1}}", "map<string;map<string;integer>>"),
        ("{True: 'ab'}", "map<boolean;string>"),
        ("{1, 2}", "set<integer>"),
        ("[(1, 2), (3, 4, 5)]", "list<list<integer>>"),
    ],
)
def test_types_of_values(code: str, kind: str) -> None:
    ((_, (_, found)),) = read_asserts(f"assert f(1) == {code}")
    assert consolidated([found], None) == parse_type(kind)


def test_types_that_do_not_join() -> None:
    for one, other in (("long", "float"), ("boolean", "integer"), ("list<integer>", "set<float>")):
        with pytest.raises(LeftOut, match="different types"):
            joined(parse_type(one), parse_type(other))
    assert joined(Type("integer"), Type("double")) == Type("double")
    annotated = consolidated([Type("integer")], Type("float"))
    assert annotated == Type("float") and consolidated([Type("null")], Type("string")) == Type("string")


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("C++", "A List of lists. list", "A Vector of vectors. list"),
        ("Java", "a vector and a list.", "an array and array."),
        ("C++", "Given an array.", "Given vector."),
        ("Rust", "a dict, dictionaries.", "a set, sets."),
        ("CSharp", "PYTHON, Python; python", "C#, C#; c#"),
    ],
)
def test_words_of_languages(language: str, text: str, expected: str) -> None:
    assert translated(STYLES[language], text, "no such name") == expected
