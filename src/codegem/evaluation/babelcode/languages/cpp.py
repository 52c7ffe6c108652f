"""C++: BabelCode's header (all of the standard library, `using namespace std`), results of the declared types."""

import functools
import math
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.babelcode import compare
from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.languages.literals import in_range, real, type_name
from codegem.evaluation.babelcode.schema import Type

_NAMES = {
    "boolean": "bool",
    "integer": "int",
    "long": "long long",
    "float": "float",
    "double": "double",
    "character": "char",
    "string": "string",
    "list": "vector<{}>",
    "set": "set<{}>",
    "map": "map<{},{}>",
}

# What BabelCode's programs include is all in the first two. A precompiled form of the first must come first.
_HEADER = """\
#include <bits/stdc++.h>
#include <assert.h>
#include <math.h>
#include <cxxabi.h>
using namespace std;

"""

_SHOW = {
    "boolean": 'out += value ? "true" : "false";',
    "integer": "out += std::to_string(value);",
    "long": "out += std::to_string(value);",
    "float": "real(out, value, 9);",
    "double": "real(out, value, 17);",
    "character": "show(out, std::string(1, value));",
    "list": 'const char* next = "";'
    ' out += "["; for (const auto& each : value) { out += next; next = ","; show(out, each); } out += "]";',
    "map": 'const char* next = "";'
    ' out += "["; for (const auto& each : value) { out += next; next = ",";'
    ' out += "["; show(out, each.first); out += ","; show(out, each.second); out += "]"; } out += "]";',
}
_SHOW["set"] = _SHOW["list"]

_TEXT = """\
static void show(std::string& out, const std::string& value) {
    char code[8];
    out += '"';
    for (char each : value) {
        if (each == '"' || each == '\\\\') out += '\\\\';
        if ((unsigned char)each >= 32) out += each;
        else { std::snprintf(code, 8, "\\\\u%04x", each); out += code; }
    }
    out += '"';
}
"""

_REAL = """\
static void real(std::string& out, double value, int digits) {
    char text[40];
    std::snprintf(text, 40, "%.*g", digits, value);
    out += std::isnan(value) ? "NaN" : std::isinf(value) ? (value < 0 ? "-Infinity" : "Infinity") : text;
}
"""

# Names of exceptions are those that the compiler gives them.
_RUN = """\
static void run(const char* idx, void (*test)(std::string&)) {
    std::string shown, line = std::string("\\nNONCE ") + idx;
    try {
        test(shown);
        line += " value " + shown;
    } catch (const std::exception& error) {
        int status = 0;
        char* name = abi::__cxa_demangle(typeid(error).name(), nullptr, nullptr, &status);
        line += std::string(" raised ") + (name ? name : "std::exception");
    } catch (...) {
        line += " raised something that is no std::exception";
    }
    line += "\\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
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
        runs.append(f'    judge_{nonce}::run("{idx}", judge_{nonce}::test_{idx});\n')
    driver = "".join([_serializer(calls.returns), *tests, _RUN.replace("NONCE", nonce)])
    main = "".join(["int main() {\n", *runs, "    return 0;\n}\n"])
    return f"{_HEADER}{candidate}\n\nnamespace judge_{nonce} {{\n{driver}}}\n\n{main}"


def literal(kind: Type, data: Any) -> str:
    """A value of the declared type: nested braces alone would mean something else for two strings.

    Raises:
        UserError: the language can't hold it.

    >>> print(literal(Type("list", (Type("string"),)), ["a", "\\u00e9"]))
    vector<string>{string("a"), string("\\303\\251")}
    """
    if kind.kind in ("list", "set"):
        return f"{name(kind)}{{{', '.join(literal(kind.parts[0], each) for each in data)}}}"
    if kind.kind == "map":
        key, each = kind.parts
        pairs = (f"{{{literal(key, word)}, {literal(each, item)}}}" for word, item in data.items())
        return f"{name(kind)}{{{', '.join(pairs)}}}"
    return _SCALARS[kind.kind](kind, data)


def name(kind: Type) -> str:
    """What a type is called."""
    return type_name(kind, _NAMES)


def _test(calls: Calls, idx: int, inputs: tuple[Any, ...]) -> str:
    lines = [f"static void test_{idx}(std::string& out) {{\n"]
    for at, (kind, data) in enumerate(zip(calls.params, inputs, strict=True)):
        lines.append(f"    {name(kind)} input_{at} = {literal(kind, data)};\n")
    arguments = ", ".join(f"input_{at}" for at in range(len(inputs)))
    lines.append(f"    {name(calls.returns)} result = ::{calls.function}({arguments});\n    show(out, result);\n}}\n")
    return "".join(lines)


def _serializer(kind: Type) -> str:
    """A function for each type in the result, the innermost first."""
    kinds = list(dict.fromkeys(kind.walk()))
    needs = {each.kind for each in kinds}
    parts = [_REAL] if needs & {"float", "double"} else []
    if needs & {"string", "character"}:
        parts.append(_TEXT)
    for each in kinds:
        if each.kind != "string":
            parts.append(f"static void show(std::string& out, const {name(each)}& value) {{ {_SHOW[each.kind]} }}\n")
    return "".join(parts)


def _whole(kind: Type, data: Any) -> str:
    number = in_range(kind, data)
    suffix = "LL" if kind.kind == "long" else ""
    # The smallest number has no literal: the minus is no part of one.
    lowest = number == -(1 << (63 if suffix else 31))
    return f"({number + 1}{suffix} - 1)" if lowest else f"{number}{suffix}"


def _real(kind: Type, data: Any) -> str:
    number = real(kind, data)
    if not math.isfinite(number):
        text = "NAN" if math.isnan(number) else "INFINITY" if number > 0 else "-INFINITY"
        return f"({name(kind)}){text}"
    return f"{number!r}f" if kind.kind == "float" else repr(number)


def _character(kind: Type, data: Any) -> str:
    if not isinstance(data, str) or len(data) > 1 or not data.isascii():
        raise UserError(f"A test's input is {data!r}, which is no char of C++.")
    return f"'{_escaped(data or chr(0))}'"


def _string(kind: Type, data: Any) -> str:
    size = len(data.encode("utf-8", "surrogatepass"))
    return f'string("{_escaped(data)}"{f", {size}" if chr(0) in data else ""})'


def _escaped(text: str) -> str:
    """Printable ASCII as it is, all else as bytes of UTF-8 in octal: three digits, so that none follows."""
    data = text.encode("utf-8", "surrogatepass")
    return "".join(chr(each) if 32 <= each < 127 and chr(each) not in "\"'\\?" else f"\\{each:03o}" for each in data)


_SCALARS = {
    "boolean": lambda kind, data: "true" if data else "false",
    "integer": _whole,
    "long": _whole,
    "float": _real,
    "double": _real,
    "character": _character,
    "string": _string,
}

LANGUAGE = Language(
    "cpp", "C++", ("\n}",), program, functools.partial(compare.matches, single=True), closing=("\n}", "\n}")
)
