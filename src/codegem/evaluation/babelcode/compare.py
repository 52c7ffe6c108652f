"""Whether a printed value is the expected one, as a language with static types would say.

Values are of the declared type, so reading them needs no tags. Nested values have to be equal exactly; a result
that is a float or a double by itself may differ by less than BabelCode's 1e-6 or 1e-9.
"""

import json
import struct
from collections.abc import Callable
from typing import Any

from codegem.evaluation.babelcode.schema import REAL, WHOLE, Type

PRECISION = {"float": 1e-6, "double": 1e-9}


def matches(kind: Type, expected: Any, printed: str, *, single: bool = False) -> bool:
    """Whether the JSON that a program printed is the expected value.

    Args:
        expected: as `schema.value` gives it.
        single: the language's float has 32 bits, so both sides are rounded to them.

    Raises:
        ValueError: the JSON is damaged, or can't be of the type.

    >>> matches(Type("float"), 0.3, "0.30000001"), matches(Type("list", (Type("float"),)), [0.3], "[0.30000001]")
    (True, False)
    """
    actual = parse(printed)
    if actual is None:
        return False  # a reference to nothing equals no value
    actual = _plain(kind, actual, single, _from_json)
    if expected is None:
        return False  # a number that is null: no value of the type is
    expected = _plain(kind, expected, single, _from_python)
    if kind.kind in REAL:
        return near(kind, expected, actual, single=single)
    return actual == expected


def near(kind: Type, expected: float, actual: float, *, single: bool = False) -> bool:
    """Whether a scalar result is close enough; nothing is close to NaN or to an infinity, as in BabelCode."""
    difference = actual - expected
    return abs(_rounded(difference) if single and kind.kind == "float" else difference) < PRECISION[kind.kind]


def parse(printed: str, **options: Any) -> Any:
    """JSON, where every fault is a ValueError."""
    try:
        return json.loads(printed, **options)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


_Reader = Callable[[Type, Any], Any]


def _plain(kind: Type, data: Any, single: bool, pairs: _Reader) -> Any:
    """A value in types of Python that compare as those of the language do, and that can be in a set."""
    if data is None:
        return None
    if kind.kind in ("list", "set"):
        items = (_plain(kind.parts[0], item, single, pairs) for item in _of(list, kind, data))
        return tuple(items) if kind.kind == "list" else frozenset(items)
    if kind.kind == "map":
        key, each = kind.parts
        found = [
            (_plain(key, name, single, pairs), _plain(each, item, single, pairs)) for name, item in pairs(kind, data)
        ]
        if len(dict(found)) < len(found):
            raise ValueError("a map has a key twice")
        return frozenset(found)
    if kind.kind in REAL:
        number = float(_of((int, float), kind, data))
        return _rounded(number) if single and kind.kind == "float" else number
    return _of({"boolean": bool, **dict.fromkeys(WHOLE, int)}.get(kind.kind, str), kind, data)


def _from_python(kind: Type, data: Any) -> list[Any]:
    return list(data.items())


def _from_json(kind: Type, data: Any) -> list[Any]:
    if not isinstance(data, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in data):
        raise ValueError(f"no pairs of {kind}")
    return data


def _of(wanted: Any, kind: Type, data: Any) -> Any:
    if not isinstance(data, wanted) or (isinstance(data, bool) and kind.kind != "boolean"):
        raise ValueError(f"{str(data)[:60]!r} is not of the type {kind}")
    return data


def _rounded(number: float) -> float:
    """To the nearest number of 32 bits; beyond the largest, to an infinity."""
    try:
        return struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
