import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.evaluation.babelcode.schema import Prompt, Type, parse_type, read_prompts, read_questions, value

from .values import types

ROW: dict[str, Any] = {
    "qid": "7",
    "entry_fn_name": "f",
    "schema": {
        "params": [{"name": "n", "type": "integer"}, {"name": "m", "type": "map<integer;string>"}],
        "return": {"type": "list<float>"},
    },
    "test_list": [
        {"idx": 0, "inputs": {"n": 1, "m": {"5": "a"}}, "outputs": [1, 2.5]},
        {"idx": 3, "inputs": {"n": 2, "m": None}, "outputs": None},
    ],
    "solutions": {"Python": "def f(n, m):\n    return []\n"},
}


def questions(folder: Path, *rows: object) -> Path:
    file = folder / "questions.jsonl.gz"
    file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return file


@given(st.integers(0, 10_000))
def test_a_type_is_what_it_says(seed: int) -> None:
    kind = types(random.Random(seed), 4)
    assert parse_type(str(kind)) == kind


def test_tuples_of_one_type_are_lists() -> None:
    kind = parse_type("tuple<tuple<integer|integer>|tuple<integer|integer|integer>>")
    assert kind == parse_type("list<list<integer>>")
    assert parse_type("map<string;tuple<map<long;float>|map<long;float>>>") == parse_type(
        "map<string;list<map<long;float>>>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int",
        "list",
        "list<>",
        "list<integer",
        "list<integer>>",
        "list<integer>x",
        "list<integer;integer>",
        "map<integer>",
        "map<integer;string;string>",
        "map<integer|string>",
        "tuple<integer|string>",
        "tuple<>",
        "set<a>",
        "list<" * 30 + "integer" + ">" * 30,
        "integer<integer>",
    ],
)
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(ValueError, match=r"no type|different types"):
        parse_type(text)


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("string", None, ""),
        ("character", None, ""),
        ("list<integer>", None, []),
        ("set<integer>", None, []),
        ("map<integer;string>", None, {}),
        ("list<string>", ["a", None], ["a", ""]),
        ("integer", None, None),
        ("double", None, None),
        ("float", 3, 3.0),
        ("set<integer>", [3, 1, 3, 2, 1], [3, 1, 2]),
        ("map<integer;list<long>>", {"-7": [1]}, {-7: [1]}),
        ("map<float;boolean>", {"0.5": True}, {0.5: True}),
        ("map<boolean;string>", {"True": "a", "false": "b"}, {True: "a", False: "b"}),
    ],
)
def test_values(kind: str, data: Any, expected: Any) -> None:
    got = value(parse_type(kind), data)
    assert got == expected and type(got) is type(expected)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("integer", True),
        ("integer", 1.0),
        ("integer", "1"),
        ("float", "1"),
        ("float", True),
        ("boolean", 1),
        ("string", 1),
        ("list<integer>", {"a": 1}),
        ("map<string;integer>", [1]),
        ("map<integer;integer>", {"a": 1}),
    ],
)
def test_values_of_another_type(kind: str, data: Any) -> None:
    with pytest.raises(ValueError):
        value(parse_type(kind), data)


def test_an_empty_value_is_nobody_elses() -> None:
    value(parse_type("list<integer>"), None).append(1)
    assert value(parse_type("list<integer>"), None) == []


def test_questions_are_read(tmp_path: Path) -> None:
    found, data = read_questions(questions(tmp_path, ROW))
    (question,) = found.values()
    assert data.records == 1
    assert question.params == (Type("integer"), parse_type("map<integer;string>"))
    assert [(case.idx, case.inputs, case.output) for case in question.cases] == [
        (0, (1, {5: "a"}), [1.0, 2.5]),
        (3, (2, {}), []),
    ]
    assert question.solution.startswith("def f")


def changed(**fields: Any) -> dict[str, Any]:
    return {**ROW, **fields}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (changed(schema={"params": []}), "'return' is missing"),
        (changed(schema={"params": [{"name": "n", "type": "vector<int>"}], "return": {"type": "integer"}}), "no type"),
        (changed(test_list=[]), "no tests"),
        (changed(test_list=[ROW["test_list"][0]] * 2), "two of one idx"),
        (changed(test_list=[{"idx": 0, "inputs": {"n": 1}, "outputs": []}]), "'m' is missing"),
        (changed(test_list=[{"idx": "0", "inputs": {"n": 1, "m": {}}, "outputs": []}]), "no idx"),
        (changed(test_list=[{"idx": 0, "inputs": {"n": "1", "m": {}}, "outputs": []}]), "not of the type integer"),
        (changed(test_list=[[]]), "damaged"),
        (changed(qid="8", test_list=5), "'test_list' is 5"),
        ({"qid": "8"}, "'entry_fn_name' is missing"),
    ],
)
def test_damaged_questions_are_named_by_file_and_row(tmp_path: Path, row: object, said: str) -> None:
    file = questions(tmp_path, changed(qid="first"), row)
    with pytest.raises(UserError) as error:
        read_questions(file)
    assert str(file) in str(error.value) and " 2:" in str(error.value) and said in str(error.value)


def test_a_file_that_is_cut_short(tmp_path: Path) -> None:
    file = questions(tmp_path, ROW)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(UserError, match="cut short"):
        read_questions(file)


def test_prompts_are_read(tmp_path: Path) -> None:
    row = {
        "language": "C++",
        "qid": "7",
        "signature": "int f() {",
        "signature_with_docstring": "/** g */\nint f() {",
        "entry_fn_name": "f",
        "entry_cls_name": "Solution",
        "arguments": [],
    }
    file = tmp_path / "prompts.jsonl"
    file.write_text(json.dumps(row) + "\n")
    assert read_prompts(file)[0] == [Prompt("C++", "7", "/** g */\nint f() {", "int f() {", "f", "Solution")]
    file.write_text((json.dumps(row) + "\n") * 2)
    with pytest.raises(UserError, match="line 2"):
        read_prompts(file)
