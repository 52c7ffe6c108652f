"""Python: results are compared by `==`, so a list is no tuple, but 1 is 1.0 and a dict is any kind of dict.

What came back is printed with its kind, as [kind, value], and taken together again outside. Objects of a
subclass become their base (a Counter is a dict); an object of a class of the candidate's own equals nothing.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from codegem.evaluation.babelcode.compare import near, parse
from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.schema import REAL, Type

# What BabelCode's programs import for a candidate.
_HEADER = """\
import array
import bisect
import collections
import datetime
import functools
import heapq
import itertools
import math
import queue
import re
import string
import sys
from typing import Any, Dict, List, Optional, Set
"""

# Names of the library are bound before the candidate runs, which may well call a variable `list`. The exception's
# message is cut, and made one line by JSON.
_DRIVER = """
def _run_NONCE():
    import builtins, json, os
    bool, dict, float, int, list, set, str, tuple = (
        getattr(builtins, name) for name in "bool dict float int list set str tuple".split())
    bytes, bytearray, complex, frozenset, isinstance, type, Exception, hex, repr, len = (
        getattr(builtins, name) for name in "bytes bytearray complex frozenset isinstance type Exception hex repr len"
        .split())
    dumps, write, modules = json.dumps, os.write, sys.modules
    views = (type({}.keys()), type({}.items()))

    def show(value):
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return ["int", hex(int.__index__(value))]
        if isinstance(value, float):
            return ["float", float.__repr__(value)]
        if isinstance(value, list):
            return ["list", [show(each) for each in list.__iter__(value)]]
        if isinstance(value, tuple):
            return ["tuple", [show(each) for each in tuple.__iter__(value)]]
        if isinstance(value, dict):
            return ["dict", [[show(key), show(each)] for key, each in dict.items(value)]]
        if isinstance(value, (set, frozenset, *views)):
            return ["set", [show(each) for each in value]]
        if isinstance(value, (bytes, bytearray)):
            return ["bytes", bytes(value).decode("latin-1")]
        if isinstance(value, complex):
            return ["complex", [float.__repr__(value.real), float.__repr__(value.imag)]]
        for module, name in (("decimal", "Decimal"), ("fractions", "Fraction")):
            if module in modules and isinstance(value, getattr(modules[module], name)):
                return [module, str(value)]
        return ["object", type(value).__name__]

    def run(idx, call):
        try:
            line = "value " + dumps(show(call()))
        except Exception as error:
            line = "raised " + dumps(type(error).__name__ + ": " + str(error)[:200])[1:-1]
        data = ("\\nNONCE %d %s\\n" % (idx, line)).encode()
        while data:
            data = data[write(1, data):]

    return run


_run_NONCE = _run_NONCE()
"""


def program(calls: Calls, candidate: str, nonce: str) -> str:
    """The source of a program that calls a candidate once for each test."""
    lines = []
    for idx, inputs in calls.inputs:
        arguments = ", ".join(literal(kind, each) for kind, each in zip(calls.params, inputs, strict=True))
        lines.append(f"_run_{nonce}({idx}, lambda: {calls.function}({arguments}))\n")
    tests = "".join(lines)
    return f"{_HEADER}{_DRIVER.replace('NONCE', nonce)}\n{candidate}\n\n{tests}sys.exit(0)\n"


def literal(kind: Type, data: Any) -> str:
    """A value in Python's notation, without names that a candidate could take for something else.

    >>> literal(Type("set", (Type("integer"),)), [2, 1]), literal(Type("float"), float("inf"))
    ('{2, 1}', '1e999')
    """
    if kind.kind in ("list", "set"):
        inner = ", ".join(literal(kind.parts[0], item) for item in data)
        return f"[{inner}]" if kind.kind == "list" else f"{{{inner or '*()'}}}"
    if kind.kind == "map":
        key, each = kind.parts
        return "{" + ", ".join(f"{literal(key, name)}: {literal(each, item)}" for name, item in data.items()) + "}"
    if kind.kind in REAL and data is not None:
        return {"inf": "1e999", "-inf": "-1e999", "nan": "(1e999 - 1e999)"}.get(repr(data), repr(data))
    return ascii(data)


def matches(kind: Type, expected: Any, printed: str) -> bool:
    """Whether Python calls the printed value equal to the expected one.

    Raises:
        ValueError: the JSON is no value of Python.
        TypeError, OverflowError: the difference of numbers is asked for and there is none, as of None and None.

    >>> pair = Type("list", (Type("integer"),))
    >>> matches(pair, [1], '["list", [["float", "1.0"]]]'), matches(pair, [1], '["tuple", [["int", "0x1"]]]')
    (True, False)
    """
    actual = _read(parse(printed))
    if kind.kind in REAL:
        return near(kind, expected, actual)
    return bool(actual == _native(kind, expected))


@dataclass(frozen=True, eq=False)
class _Object:
    """Something that equals nothing."""

    name: str


def _read(data: Any) -> Any:
    if data is None or isinstance(data, bool | str):
        return data
    name, inner = data if isinstance(data, list) and len(data) == 2 else (None, None)
    try:
        return _READERS[name](inner)  # type: ignore[index]
    except (KeyError, TypeError, AttributeError, ArithmeticError):
        raise ValueError("no value of Python") from None


_READERS = {
    "int": lambda text: int(text, 16),
    "float": float,
    "list": lambda items: [_read(each) for each in items],
    "tuple": lambda items: tuple(_read(each) for each in items),
    "dict": lambda pairs: {_hashable(_read(key)): _read(each) for key, each in pairs},
    "set": lambda items: {_hashable(_read(each)) for each in items},
    "bytes": lambda text: text.encode("latin-1"),
    "complex": lambda parts: complex(float(parts[0]), float(parts[1])),
    "decimal": Decimal,
    "fractions": Fraction,
    "object": _Object,
}


def _hashable(value: Any) -> Any:
    """An element of a set was hashable, so a set in it was a frozenset; what else is not was an object."""
    return frozenset(value) if isinstance(value, set) else value


def _native(kind: Type, data: Any) -> Any:
    if data is None:
        return None
    if kind.kind == "map":
        return {key: _native(kind.parts[1], each) for key, each in data.items()}
    if kind.kind == "list":
        return [_native(kind.parts[0], each) for each in data]
    return set(data) if kind.kind == "set" else data


def shown(printed: str) -> str:
    """What came back, as Python writes it.

    >>> shown('["tuple", [["int", "0x1"], "a"]]')
    "(1, 'a')"
    """
    return repr(_read(parse(printed)))


LANGUAGE = Language("python", "Python", ("\ndef", "\n#", "\nif", "\nclass"), program, matches, shown=shown)
