import json
import math
import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.evaluation.babelcode.compare import matches
from codegem.evaluation.babelcode.languages import javascript, python
from codegem.evaluation.babelcode.schema import Type, parse_type

from .values import types, values


def printed(kind: Type, data: Any) -> Any:
    """A value as a program in a language with static types prints it, before it is JSON."""
    if kind.kind in ("list", "set"):
        return [printed(kind.parts[0], each) for each in data]
    if kind.kind == "map":
        return [[printed(part, each) for part, each in zip(kind.parts, pair, strict=True)] for pair in data.items()]
    return data


@given(st.integers(0, 10_000))
def test_a_value_equals_itself_in_any_order_of_its_keys(seed: int) -> None:
    chance = random.Random(seed)
    kind = types(chance)
    value = values(chance, kind)
    told = printed(kind, value)
    if kind.kind in ("map", "set"):
        told.reverse()
    assert matches(kind, value, json.dumps(told))
    assert matches(kind, value, json.dumps(told), single=True)


@given(st.integers(0, 10_000))
def test_a_value_equals_no_other(seed: int) -> None:
    chance = random.Random(seed)
    kind = types(chance)
    one, other = values(chance, kind), values(chance, kind)
    same = set(one) == set(other) if kind.kind == "set" else one == other
    if kind.kind in ("float", "double") and not same:
        same = abs(one - other) < 1e-6
    if "set<" in str(kind) and kind.kind != "set":
        return  # the order in inner sets does not count, and lists of Python are what is compared here
    assert matches(kind, one, json.dumps(printed(kind, other))) == same


@pytest.mark.parametrize(
    ("kind", "expected", "told", "right"),
    [
        ("double", 1.0, "1.0000000009", True),
        ("double", 1.0, "1.000000002", False),
        ("float", 1.0, "1.0000009", True),
        ("float", 1.0, "1.000002", False),
        ("float", 0.3, "0.3", True),
        ("list<float>", [0.3], "[0.30000000000000004]", False),
        ("list<double>", [1.0], "[1]", True),
        ("double", math.inf, "Infinity", False),  # BabelCode subtracts, and the difference is no number
        ("double", 1.0, "NaN", False),
        ("list<double>", [math.inf], "[Infinity]", True),
        ("list<double>", [0.0], "[-0.0]", True),
        ("integer", 1, "1", True),
        ("integer", None, "null", False),
        ("list<integer>", [], "null", False),
        ("list<integer>", [1, 2], "[2,1]", False),
        ("set<integer>", [1, 2], "[2,1]", True),
        ("set<integer>", [1, 2], "[2,1,3]", False),
        ("set<list<integer>>", [[1], []], "[[],[1]]", True),
        ("map<string;integer>", {"a": 1, "b": 2}, '[["b",2],["a",1]]', True),
        ("map<string;integer>", {"a": 1}, '[["a",1],["b",2]]', False),
        ("map<integer;list<string>>", {1: ["a"]}, '[[1,["a"]]]', True),
        ("map<integer;list<string>>", {1: ["a"]}, "[[1,null]]", False),
        ("character", "ä", '"\\u00e4"', True),
        ("string", "🎉", '"\\ud83c\\udf89"', True),
        ("boolean", True, "true", True),
        ("boolean", True, "false", False),
    ],
)
def test_equality(kind: str, expected: Any, told: str, right: bool) -> None:
    assert matches(parse_type(kind), expected, told) is right


def test_floats_of_32_bits() -> None:
    floats = parse_type("list<float>")
    third = struct.unpack("f", struct.pack("f", 1 / 3))[0]
    assert third != 1 / 3
    assert matches(floats, [1 / 3], f"[{third!r}]", single=True) and matches(
        floats, [1 / 3], "[0.33333334]", single=True
    )
    assert not matches(floats, [1 / 3], "[0.33333334]") and not matches(floats, [1 / 3], "[0.3333334]", single=True)
    assert matches(floats, [1e39], "[Infinity]", single=True)
    # Near 1e9 neighbours lie 64 apart, so what is 20 away is the same number; a double stays one.
    assert matches(Type("float"), 1e9, "1000000020", single=True)
    assert not matches(Type("double"), 1e9, "1000000020", single=True)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("integer", "1.0"),
        ("integer", "true"),
        ("integer", '"1"'),
        ("boolean", "1"),
        ("double", '"1"'),
        ("double", "true"),
        ("string", "1"),
        ("list<integer>", '{"a":1}'),
        ("list<integer>", "[true]"),
        ("map<integer;integer>", "[1,2]"),
        ("map<integer;integer>", "[[1,2,3]]"),
        ("map<integer;integer>", "[[1,2],[1,3]]"),
        ("integer", ""),
        ("integer", "1 2"),
        ("integer", "1" * 5000),
        ("list<integer>", "[" * 100_000),
    ],
)
def test_what_is_not_of_the_type(kind: str, told: str) -> None:
    with pytest.raises(ValueError):
        matches(parse_type(kind), {"integer": 1}.get(kind), told)


@pytest.mark.parametrize(
    ("kind", "expected", "told", "right"),
    [
        ("list<integer>", [1], '["list",[["int","0x1"]]]', True),
        ("list<integer>", [1], '["tuple",[["int","0x1"]]]', False),
        ("list<integer>", [1], '["list",[true]]', True),
        ("list<integer>", [1], '["list",[["float","1.0"]]]', True),
        ("list<integer>", [1], '["list",[["decimal","1"]]]', True),
        ("list<integer>", [1], '["list",["1"]]', False),
        ("list<integer>", [1], '["set",[["int","0x1"]]]', False),
        ("set<integer>", [1, 2], '["set",[["int","0x2"],["int","0x1"]]]', True),
        ("set<integer>", [1], '["list",[["int","0x1"]]]', False),
        ("map<integer;string>", {1: "a"}, '["dict",[[["int","0x1"],"a"]]]', True),
        ("map<integer;string>", {1: "a"}, '["dict",[["1","a"]]]', False),
        ("boolean", True, '["int","0x1"]', True),
        ("integer", None, "null", True),
        ("character", "", "null", False),
        ("double", 1.0, '["int","0x1"]', True),
        ("double", 1.0, "true", True),
        ("double", 1.0, '["fractions","1/1"]', True),
        ("double", 1.0, '["complex",["1.0","0.0"]]', True),
        ("string", "a", '["object","Anything"]', False),
        ("string", "a", '["bytes","a"]', False),
    ],
)
def test_python_keeps_kinds_apart(kind: str, expected: Any, told: str, right: bool) -> None:
    assert python.matches(parse_type(kind), expected, told) is right


@pytest.mark.parametrize(
    ("expected", "told"),
    [(None, "null"), (1.0, '["decimal","1"]'), (1.0, '"1.0"'), (1.0, '["list",[]]'), (1.0, f'["int","0x{"f" * 400}"]')],
)
def test_numbers_of_python_without_a_difference(expected: float | None, told: str) -> None:
    with pytest.raises((TypeError, OverflowError)):
        python.matches(Type("double"), expected, told)


@pytest.mark.parametrize(
    "told",
    [
        "1",
        "[]",
        '["int",1]',
        '["int"]',
        '["file","x"]',
        '{"a":1}',
        '["dict",[1]]',
        '["set",[["list",[]]]]',
        '["bytes",1]',
    ],
)
def test_what_is_no_value_of_python(told: str) -> None:
    with pytest.raises(ValueError):
        python.matches(parse_type("integer"), 1, told)


@pytest.mark.parametrize(
    ("kind", "expected", "told", "right"),
    [
        ("integer", 1, "1", True),
        ("integer", 1, "true", False),
        ("integer", 1, '"1"', False),
        ("integer", 1, "undefined", False),
        ("integer", None, "null", True),
        ("integer", None, "undefined", False),
        ("long", 2**53 + 1, str(2**53), True),  # they are one number in JavaScript
        ("double", 0.1, "0.10000000000000002", True),
        ("double", 0.1, "null", False),
        ("list<double>", [0.1], "[0.10000000000000002]", False),
        ("list<double>", [1.0], "[1]", True),
        ("boolean", True, "1", False),
        ("map<integer;integer>", {1: 2, 3: 4}, '{"3":4,"1":2}', True),
        ("map<integer;integer>", {1: 2}, "{}", False),
        ("map<integer;integer>", {1: 2}, "[2]", False),
        ("set<string>", ["a", "b"], '["b","a"]', True),
        ("list<string>", [], "{}", False),
        ("string", "", "null", False),
    ],
)
def test_javascript_compares_texts_of_json(kind: str, expected: Any, told: str, right: bool) -> None:
    assert javascript.matches(parse_type(kind), expected, told) is right
