"""Values as bytes: everything comes back as it was, and nothing else comes out of hostile bytes."""

import contextlib
import math
from collections import Counter, OrderedDict, namedtuple
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.evaluation.harness import wire
from codegem.evaluation.harness.wire import MOST_DEPTH, WireError, decode, encode, receive

_KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False)
_VALUES = st.recursive(
    _KEYS | st.complex_numbers(allow_nan=False) | st.decimals(allow_nan=False) | st.fractions() | st.builds(bytearray),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(_KEYS, inner)
        | st.sets(_KEYS)
        | st.frozensets(_KEYS)
    ),
    max_leaves=20,
)


def _same(one: object, other: object) -> bool:
    """Equal, and of the same types at every depth."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return all(_same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return _same(list(one.items()), list(other.items()))
    return True


@settings(max_examples=50)
@given(_VALUES)
def test_a_value_comes_back_as_it_was(value: object):
    assert _same(decode(encode(value)), value)


def test_whole_numbers_of_any_size():
    numbers = [0, -1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**5000, -(10**5000)]
    assert decode(encode(numbers)) == numbers


def test_numbers_keep_what_equality_does_not_tell():
    assert math.isnan(decode(encode(float("nan"))))  # type: ignore[arg-type]
    assert math.copysign(1, decode(encode(-0.0))) == -1  # type: ignore[arg-type]
    assert decode(encode([True, 1, 1.0])) == [True, 1, 1.0]
    assert [type(part) for part in decode(encode([True, 1, 1.0]))] == [bool, int, float]  # type: ignore[union-attr]
    assert decode(encode("\ud800")) == "\ud800"
    assert type(decode(encode(range(1, 9, 3)))) is range


def test_subclasses_become_what_they_are_made_of():
    class Equal(int):
        def __eq__(self, other: object) -> bool:
            return True

        def __index__(self) -> int:
            return 7

        __int__ = __pos__ = __index__
        __hash__ = int.__hash__

    class Liar(list):
        def __iter__(self):
            return iter([1, 2, 3])

        def __len__(self) -> int:
            return 3

    point = namedtuple("point", "x y")
    values = [Equal(3), Liar([0]), point(1, 2), Counter("ab"), OrderedDict(a=1)]
    assert _same(decode(encode(values)), [3, [0], (1, 2), {"a": 1, "b": 1}, {"a": 1}])


def test_views_stay_views():
    keys, items, values = decode(encode([{2: 1, 1: 2}.keys(), {2: 1}.items(), {2: 1}.values()]))  # type: ignore[misc]
    assert keys == {1, 2} and list(keys) == [2, 1] and keys != [2, 1]
    assert items == {(2, 1)}
    assert list(values) == [1] and values != [1]


def test_what_is_no_data_needs_a_number():
    with pytest.raises(WireError, match="a value of type object"):
        encode(object())
    data = encode([len, iter([])], lambda value: 7)
    assert decode(data, lambda number, kind: (number, kind)) == [
        (7, "builtin_function_or_method"),
        (7, "list_iterator"),
    ]
    with pytest.raises(WireError):
        decode(data)


def test_depth_and_size_have_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "MOST_BYTES", 1 << 16)
    deep: list = []
    for _ in range(MOST_DEPTH + 1):
        deep = [deep]
    with pytest.raises(WireError, match="containers within each other"):
        encode(deep)
    with pytest.raises(WireError):
        decode(b"l\x00\x00\x00\x01" * 100_000 + b"N")
    doubled: list = [0]
    for _ in range(40):
        doubled = [doubled, doubled]
    with pytest.raises(WireError, match="bytes"):
        encode(doubled)
    with pytest.raises(WireError):
        receive(lambda size: b"\xff" * size)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_malformed(data: bytes):
    try:
        value = decode(data)
    except WireError:
        return
    again = decode(encode(value))
    assert again == value or again != again or repr(again) == repr(value)


@settings(max_examples=50)
@given(_VALUES, st.data())
def test_a_damaged_value_is_a_value_or_malformed(value: object, data: st.DataObject):
    whole = bytearray(encode(value))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WireError):
        decode(bytes(whole))
    with pytest.raises(WireError):
        decode(encode(value)[:-1])


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"?",
        b"l\xff\xff\xff\xff",
        b"s\x00\x00\x00\x05abc",
        b"s\x00\x00\x00\x01\xff",
        b"x\x00\x00\x00\x02zz",
        b"D\x00\x00\x00\x01?",
        b"r\x00\x00\x00\x01N",
        b"Q\x00\x00\x00\x02" + encode(1) + encode(0),
        b"Q\x00\x00\x00\x01" + encode("1e999999999"),
        b"e\x00\x00\x00\x01" + encode([]),
        b"d\x00\x00\x00\x01" + encode(1),
        b"K\x00\x00\x00\x01" + encode({}),
        b"I\x00\x00\x00\x01" + encode(1),
        b"NN",
        b"o\x00\x00\x00\x01\x00\x00\x00\x00",
    ],
)
def test_forged_bytes_are_malformed(forged: bytes):
    with pytest.raises(WireError):
        decode(forged)


def test_decimals_and_fractions_are_exact():
    assert _same(decode(encode([Decimal("0.10"), Fraction(1, 3)])), [Decimal("0.10"), Fraction(1, 3)])
