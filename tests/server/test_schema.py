"""Reading a body by its schema, and the same schema as JSON Schema."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.server.schema import anything, check, either, flag, items, number, record, text, whole

BODY = record(
    {
        "prompt": either(text(), items(text(), most=3), items(whole(0))),
        "n": whole(1, 8, default=1),
        "heat": number(0, 2, default=0.0),
        "on": flag(default=False),
        "kind": text(one_of=("a", "b")),
        "options": record({"seed": whole(), "stop": either(text(most=5), items(text()))}, required=("seed",)),
        "other": anything(),
    },
    required=("prompt",),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10) | st.floats(allow_nan=False) | st.text(max_size=6) | st.just("a"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["seed", "stop"]), inner),
    max_leaves=6,
)
BODIES = st.fixed_dictionaries(
    {}, optional={name: VALUES for name in ("prompt", "n", "heat", "on", "kind", "options", "other", "unknown")}
)


@given(BODIES)
def test_what_is_read_is_what_json_schema_says(body: dict) -> None:
    valid = not list(jsonschema.Draft202012Validator(BODY).iter_errors(body))
    try:
        check(body, BODY)
    except UserError:
        assert not valid
    else:
        assert valid


@given(BODIES)
def test_defaults_are_filled_in_and_null_is_absent(body: dict) -> None:
    try:
        read = check(body, BODY)
    except UserError:
        return
    assert read["n"] == (1 if body.get("n") is None else body["n"]) and isinstance(read["n"], int)
    assert all(read[name] is not None for name in read if name not in ("other", "unknown"))
    assert check(read, BODY) == read


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "The body is []; it must be an object."),
        ({}, "prompt is missing; it must be a text or a list of texts or a list of whole numbers from 0."),
        ({"prompt": ["a", 1]}, "prompt[1] is 1; it must be a text."),
        ({"prompt": list("abcd")}, "prompt has 4 items; it may have 3."),
        ({"prompt": "a", "n": True}, "n is true; it must be a whole number from 1 to 8."),
        ({"prompt": "a", "n": 1.5}, "n is 1.5; it must be a whole number from 1 to 8."),
        ({"prompt": "a", "heat": float("inf")}, "heat is Infinity; it must be a number from 0 to 2."),
        ({"prompt": "a", "kind": "c"}, 'kind is "c"; it must be one of a, b.'),
        ({"prompt": "a", "on": "yes"}, 'on is "yes"; it must be true or false.'),
        ({"prompt": "a", "options": {}}, "options.seed is missing; it must be a whole number."),
        ({"prompt": "a", "options": {"seed": 1, "stop": "abcdef"}}, 'options.stop is "abcdef"; it must be a text of'),
        ({"prompt": {"x": "y" * 99}}, 'prompt is {"x": "' + "y" * 33 + "…; it must be"),
    ],
)
def test_sentences(body: object, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        check(body, BODY)
    assert str(error.value).startswith(sentence)


def test_half_of_a_pair_of_surrogates_becomes_a_replacement_character() -> None:
    body = json.loads('{"prompt": "a\\ud83d", "options": {"seed": 1, "stop": ["\\ude00b", "\\ud83d\\ude00"]}}')
    read = check(body, BODY)
    assert read["prompt"] == "a\ufffd" and read["options"]["stop"] == ["\ufffdb", "😀"]


def test_a_whole_number_may_be_written_as_a_float() -> None:
    assert check({"prompt": "a", "n": 2.0}, BODY)["n"] == 2
