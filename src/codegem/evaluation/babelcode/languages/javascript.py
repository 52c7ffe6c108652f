"""JavaScript: results are equal where BabelCode finds them so: where JSON.stringify gives the same text.

So a Map is an empty object, and NaN is null. Only the order of an object's keys and of a Set's elements does not
count here, as in every other language. A number by itself is compared by the precision after JavaScript's own
conversion, so "0.5" is 0.5.
"""

import json
from typing import Any

from codegem.evaluation.babelcode.compare import near, parse
from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.schema import REAL, Type

_DRIVER = """
const run_NONCE = (() => {
    const { writeSync } = require('fs');
    const show = value => JSON.stringify(value, (_, each) => each instanceof Set ? Array.from(each) : each);
    return (idx, call) => {
        let line;
        try {
            line = 'value ' + show(call());
        } catch (error) {
            const said = error instanceof Error ? error.name + ': ' + error.message : 'no Error';
            line = 'raised ' + JSON.stringify(said.slice(0, 200)).slice(1, -1);
        }
        let data = Buffer.from(`\\nNONCE ${idx} ${line}\\n`);
        while (data.length) data = data.subarray(writeSync(1, data));
    };
})();
"""


def program(calls: Calls, candidate: str, nonce: str) -> str:
    """The source of a program that calls a candidate once for each test."""
    minus = " - 0" if calls.returns.kind in REAL else ""
    lines = []
    for idx, inputs in calls.inputs:
        arguments = ", ".join(literal(kind, each) for kind, each in zip(calls.params, inputs, strict=True))
        lines.append(f"run_{nonce}({idx}, () => {calls.function}({arguments}){minus});\n")
    return f"{candidate}\n{_DRIVER.replace('NONCE', nonce)}\n{''.join(lines)}process.exit(0);\n"


def literal(kind: Type, data: Any) -> str:
    """A value in JavaScript's notation; maps are plain objects.

    >>> literal(Type("map", (Type("integer"), Type("string"))), {1: "a"})
    '{["1"]: "a"}'
    """
    if kind.kind in ("list", "set"):
        inner = ", ".join(literal(kind.parts[0], item) for item in data)
        return f"[{inner}]" if kind.kind == "list" else f"new Set([{inner}])"
    if kind.kind == "map":
        pairs = (f"[{json.dumps(_key(key))}]: {literal(kind.parts[1], item)}" for key, item in data.items())
        return "{" + ", ".join(pairs) + "}"
    return json.dumps(data)  # NaN and Infinity have the same names in both


def matches(kind: Type, expected: Any, printed: str) -> bool:
    """Whether JSON.stringify would give the same text for the printed value and the expected one.

    >>> matches(Type("map", (Type("integer"), Type("long"))), {2: 1}, '{"2":1.0}'), matches(Type("integer"), 1, "true")
    (True, False)
    """
    if printed == "undefined":
        return False
    actual = parse(printed, parse_int=float, parse_constant=_no_constant)
    if kind.kind in REAL:
        return isinstance(actual, float) and expected is not None and near(kind, expected, actual)
    return _same(kind, expected, actual)


def _same(kind: Type, expected: Any, actual: Any) -> bool:
    if expected is None:
        return actual is None
    if kind.kind == "map":
        if not isinstance(actual, dict) or len(actual) != len(expected):
            return False
        pairs = ((_key(key), each) for key, each in expected.items())
        return all(key in actual and _same(kind.parts[1], each, actual[key]) for key, each in pairs)
    if kind.kind in ("list", "set"):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return False
        if kind.kind == "set":
            return all(any(_same(kind.parts[0], each, item) for item in actual) for each in expected)
        return all(map(_same, [kind.parts[0]] * len(expected), expected, actual))
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        return isinstance(actual, float) and float(expected) == actual
    return type(actual) is type(expected) and actual == expected


def _key(key: Any) -> str:
    """A property's name. The data have no other keys than texts and whole numbers."""
    return key if isinstance(key, str) else json.dumps(key)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


LANGUAGE = Language("javascript", "Javascript", ("\nfunction ", "\n/*", "\n//"), program, matches)
