"""C#, as Mono compiles it (no C# 8): a `double` is a decimal, and a result's map is compared by what is in it.

BabelCode itself compares the texts that JavaScriptSerializer makes, where the order of a dictionary counts and
whole numbers as its keys are refused; those are no parts of a question.
"""

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from codegem.evaluation.babelcode import compare
from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.languages.literals import character, decimal, in_range, real, type_name, utf16
from codegem.evaluation.babelcode.schema import Type

_NAMES = {
    "boolean": "bool",
    "integer": "int",
    "long": "long",
    "float": "float",
    "double": "decimal",
    "character": "char",
    "string": "string",
    "list": "List<{}>",
    "set": "HashSet<{}>",
    "map": "Dictionary<{}, {}>",
}

# What BabelCode's programs use.
_HEADER = """\
using System;
using System.Numerics;
using System.Diagnostics;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Security.Cryptography;
using System.Web.UI;
using System.Web.Script.Serialization;

"""

_DRIVER = """

namespace Judge_NONCE {
    static class Driver {
        static readonly System.IO.Stream output = System.Console.OpenStandardOutput();
        static readonly System.IFormatProvider plain = System.Globalization.CultureInfo.InvariantCulture;

        static void Show(System.Text.StringBuilder line, object value) {
            if (value == null) line.Append("null");
            else if (value is string) Quote(line, (string)value);
            else if (value is char) Quote(line, value.ToString());
            else if (value is bool) line.Append((bool)value ? "true" : "false");
            else if (value is float) line.Append(((float)value).ToString("G9", plain));
            else if (value is System.IFormattable) line.Append(((System.IFormattable)value).ToString("G", plain));
            else if (value is System.Collections.IDictionary) Pairs(line, (System.Collections.IDictionary)value);
            else Items(line, (System.Collections.IEnumerable)value);
        }

        static void Items(System.Text.StringBuilder line, System.Collections.IEnumerable items) {
            string next = "[";
            foreach (object each in items) {
                line.Append(next);
                next = ",";
                Show(line, each);
            }
            line.Append(next == "[" ? "[]" : "]");
        }

        static void Pairs(System.Text.StringBuilder line, System.Collections.IDictionary items) {
            string next = "[[";
            foreach (System.Collections.DictionaryEntry each in items) {
                line.Append(next);
                next = "],[";
                Show(line, each.Key);
                line.Append(",");
                Show(line, each.Value);
            }
            line.Append(next == "[[" ? "[]" : "]]");
        }

        static void Quote(System.Text.StringBuilder line, string text) {
            line.Append('"');
            foreach (char each in text) {
                if (each < ' ' || each > '~') line.Append("\\\\u").Append(((int)each).ToString("x4"));
                else if (each == '"' || each == '\\\\') line.Append('\\\\').Append(each);
                else line.Append(each);
            }
            line.Append('"');
        }

        static void Run(string idx, System.Func<object> test) {
            var line = new System.Text.StringBuilder("\\nNONCE ").Append(idx);
            int start = line.Length;
            try {
                Show(line.Append(" value "), test());
            } catch (System.Exception error) {
                line.Length = start;
                line.Append(" raised ").Append(error.GetType().FullName);
            }
            byte[] data = System.Text.Encoding.ASCII.GetBytes(line.Append('\\n').ToString());
            output.Write(data, 0, data.Length);
            output.Flush();
        }

"""


def program(calls: Calls, candidate: str, nonce: str) -> str:
    """The source of a program that calls a candidate once for each test.

    Raises:
        UserError: a value that the language can't hold.
    """
    tests, runs = [], []
    for idx, inputs in calls.inputs:
        tests.append(_test(calls, idx, inputs))
        runs.append(f'            Run("{idx}", Test_{idx});\n')
    main = "        static void Main() {\n" + "".join(runs) + "        }\n"
    return f"{_HEADER}{candidate}{_DRIVER.replace('NONCE', nonce)}{''.join(tests)}{main}    }}\n}}\n"


def literal(kind: Type, data: Any) -> str:
    """A value of the declared type.

    Raises:
        UserError: the language can't hold it.

    >>> print(literal(Type("map", (Type("character"), Type("double"))), {"'": 0.5}))
    new Dictionary<char, decimal>{{'\\'', 0.5m}}
    """
    if kind.kind in ("list", "set"):
        return f"new {name(kind)}{{{', '.join(literal(kind.parts[0], each) for each in data)}}}"
    if kind.kind == "map":
        key, each = kind.parts
        pairs = (f"{{{literal(key, word)}, {literal(each, item)}}}" for word, item in data.items())
        return f"new {name(kind)}{{{', '.join(pairs)}}}"
    return _SCALARS[kind.kind](kind, data)


def name(kind: Type) -> str:
    """What a type is called."""
    return type_name(kind, _NAMES)


def matches(kind: Type, expected: Any, printed: str) -> bool:
    """Whether the JSON that a program printed is the expected value.

    Raises:
        ValueError: the JSON is damaged, or can't be of the type.

    >>> doubles = Type("list", (Type("double"),))
    >>> matches(doubles, [0.5], "[0.50]"), matches(doubles, [1 / 3], "[0.3333333333333333333333333333]")
    (True, False)
    """
    if kind.kind == "double" or not any(each.kind == "double" for each in kind.walk()):
        return compare.matches(kind, expected, printed, single=True)
    actual = json.dumps(_exact(kind, compare.parse(printed, parse_float=Decimal)))
    return compare.matches(_texts(kind), _exact(kind, expected), actual, single=True)


def _texts(kind: Type) -> Type:
    """The type with texts where it has doubles."""
    return Type("string") if kind.kind == "double" else Type(kind.kind, tuple(_texts(part) for part in kind.parts))


def _exact(kind: Type, data: Any) -> Any:
    """A value with its doubles as texts that are the same for equal numbers; what is no value stays as it is."""
    if kind.kind == "double" and isinstance(data, int | float | Decimal) and not isinstance(data, bool):
        return str(Fraction(decimal(kind, data) if isinstance(data, float) else data))
    if isinstance(data, Decimal):
        return float(data)
    if isinstance(data, dict):
        return {_exact(kind.parts[0], key): _exact(kind.parts[1], each) for key, each in data.items()}
    if not isinstance(data, list) or not kind.parts:
        return data
    if kind.kind == "map":
        paired = all(isinstance(pair, list) and len(pair) == 2 for pair in data)
        return [[_exact(*each) for each in zip(kind.parts, pair, strict=True)] for pair in data] if paired else data
    return [_exact(kind.parts[0], each) for each in data]


def _test(calls: Calls, idx: int, inputs: tuple[Any, ...]) -> str:
    lines = [f"        static object Test_{idx}() {{\n"]
    for at, (kind, data) in enumerate(zip(calls.params, inputs, strict=True)):
        lines.append(f"            {name(kind)} input_{at} = {literal(kind, data)};\n")
    call = f"new {calls.class_name}().{calls.function}({', '.join(f'input_{at}' for at in range(len(inputs)))})"
    lines.append(f"            {name(calls.returns)} result = {call};\n            return result;\n        }}\n\n")
    return "".join(lines)


def _whole(kind: Type, data: Any) -> str:
    return f"{in_range(kind, data)}{'L' if kind.kind == 'long' else ''}"


def _float(kind: Type, data: Any) -> str:
    number = real(kind, data)
    if not math.isfinite(number):
        return "float.NaN" if math.isnan(number) else f"float.{'Positive' if number > 0 else 'Negative'}Infinity"
    return f"{number!r}f"


def _quoted(text: str) -> str:
    return utf16(text, {'"': '\\"', "'": "\\'", "\\": "\\\\"})


_SCALARS = {
    "boolean": lambda kind, data: "true" if data else "false",
    "integer": _whole,
    "long": _whole,
    "float": _float,
    "double": lambda kind, data: f"{decimal(kind, data)}m",
    "character": lambda kind, data: f"'{_quoted(character(data))}'",
    "string": lambda kind, data: f'"{_quoted(data)}"',
}

LANGUAGE = Language("csharp", "CSharp", ("\n    }\n",), program, matches, closing=("\n}", "\n    }\n}"))
