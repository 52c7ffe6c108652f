"""Go: results are equal by reflect.DeepEqual, so a nil slice is not an empty one. All floats have 64 bits."""

from typing import Any

from codegem.evaluation.babelcode.compare import matches
from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.schema import REAL, Type

# What BabelCode's programs import for a candidate; it uses each of them once, as Go demands.
_HEADER = """\
package main

import (
    "fmt"
    "reflect"
    "math"
    "sort"
)
import os_NONCE "os"
import strconv_NONCE "strconv"
import strings_NONCE "strings"
"""
_DRIVER = """
var _ = reflect.DeepEqual
var _ = math.Abs
var _ = sort.Sort

func run_NONCE(idx int, call func() string) {
    line := ""
    func() {
        defer func() {
            if said := recover(); said != nil {
                text := []rune(fmt.Sprint(said))
                if len(text) > 200 {
                    text = text[:200]
                }
                line = "raised " + strings_NONCE.Trim(text_NONCE(string(text)), "\\"")
            }
        }()
        line = "value " + call()
    }()
    fmt.Fprintf(os_NONCE.Stdout, "\\nNONCE %d %s\\n", idx, line)
}

func text_NONCE(value string) string {
    var out strings_NONCE.Builder
    out.WriteByte('"')
    for _, each := range value {
        if each == '"' || each == '\\\\' {
            out.WriteByte('\\\\')
            out.WriteRune(each)
        } else if each >= 32 && each < 127 {
            out.WriteRune(each)
        } else if each < 0x10000 {
            fmt.Fprintf(&out, "\\\\u%04x", each)
        } else {
            fmt.Fprintf(&out, "\\\\u%04x\\\\u%04x", 0xd800+(each-0x10000)>>10, 0xdc00+(each-0x10000)&0x3ff)
        }
    }
    out.WriteByte('"')
    return out.String()
}

func number_NONCE(value float64) string {
    switch {
    case math.IsNaN(value):
        return "NaN"
    case math.IsInf(value, 1):
        return "Infinity"
    case math.IsInf(value, -1):
        return "-Infinity"
    }
    return strconv_NONCE.FormatFloat(value, 'g', -1, 64)
}
"""
_PRIMITIVES = {
    "boolean": ("bool", "strconv_NONCE.FormatBool(value)"),
    "integer": ("int", "strconv_NONCE.Itoa(value)"),
    "long": ("int64", "strconv_NONCE.FormatInt(value, 10)"),
    "float": ("float64", "number_NONCE(value)"),
    "double": ("float64", "number_NONCE(value)"),
    "character": ("rune", "text_NONCE(string(value))"),
    "string": ("string", "text_NONCE(value)"),
}
_LIST = """    if value == nil {
        return "null"
    }
    out := []string{}
    for _, each := range value {
        out = append(out, show0_NONCE(each))
    }
    return "[" + strings_NONCE.Join(out, ",") + "]"
"""
# A key that a set says it does not have makes it another map, so it is shown as null, which no element is.
_SET = """    if value == nil {
        return "null"
    }
    out := []string{}
    for key, has := range value {
        if has {
            out = append(out, show0_NONCE(key))
        } else {
            out = append(out, "null")
        }
    }
    return "[" + strings_NONCE.Join(out, ",") + "]"
"""
_MAP = """    if value == nil {
        return "null"
    }
    out := []string{}
    for key, each := range value {
        out = append(out, "["+show0_NONCE(key)+","+show1_NONCE(each)+"]")
    }
    return "[" + strings_NONCE.Join(out, ",") + "]"
"""
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def program(calls: Calls, candidate: str, nonce: str) -> str:
    """The source of a program that calls a candidate once for each test."""
    kinds = list(dict.fromkeys(calls.returns.walk()))
    shown = "\n".join(_show(kind, kinds) for kind in kinds)
    lines = []
    for idx, inputs in calls.inputs:
        arguments = ", ".join(literal(kind, each) for kind, each in zip(calls.params, inputs, strict=True))
        last = f"show{kinds.index(calls.returns)}_NONCE({calls.function}({arguments}))"
        lines.append(f"    run_NONCE({idx}, func() string {{ return {last} }})\n")
    main = f"func main() {{\n{''.join(lines)}}}\n"
    ours = (text.replace("NONCE", nonce) for text in (_HEADER, _DRIVER + shown))
    return f"\n{candidate}\n".join(ours) + main.replace("_NONCE", f"_{nonce}")


def type_name(kind: Type) -> str:
    """A type in Go.

    >>> type_name(Type("map", (Type("string"), Type("list", (Type("character"),)))))
    'map[string][]rune'
    """
    inner = [type_name(part) for part in kind.parts]
    if kind.kind == "list":
        return f"[]{inner[0]}"
    if kind.kind == "set":
        return f"map[{inner[0]}]bool"
    return f"map[{inner[0]}]{inner[1]}" if kind.kind == "map" else _PRIMITIVES[kind.kind][0]


def literal(kind: Type, data: Any) -> str:
    """A value in Go's notation.

    >>> literal(Type("list", (Type("character"),)), ["a"])
    '[]rune{rune(97)}'
    """
    if kind.kind == "list":
        inner = ", ".join(literal(kind.parts[0], item) for item in data)
    elif kind.kind == "set":
        inner = ", ".join(f"{literal(kind.parts[0], item)}: true" for item in data)
    elif kind.kind == "map":
        key, each = kind.parts
        inner = ", ".join(f"{literal(key, name)}: {literal(each, item)}" for name, item in data.items())
    elif kind.kind == "character":
        return f"rune({ord(data or chr(0))})"
    else:
        return _scalar(kind, data)
    return f"{type_name(kind)}{{{inner}}}"


def _scalar(kind: Type, data: Any) -> str:
    if kind.kind == "string":
        return '"' + "".join(_escaped(each) for each in data) + '"'
    if kind.kind == "boolean":
        return "true" if data else "false"
    if kind.kind in REAL:
        special = {"inf": "math.Inf(1)", "-inf": "math.Inf(-1)", "nan": "math.NaN()", "-0.0": "math.Copysign(0, -1)"}
        return special.get(repr(data), repr(data))
    return str(data)


def _escaped(character: str) -> str:
    if character in _ESCAPES or character.isprintable():
        return _ESCAPES.get(character, character)
    return f"\\U{ord(character):08x}"


def _show(kind: Type, kinds: list[Type]) -> str:
    """A function that writes values of a type as JSON."""
    body = {"list": _LIST, "set": _SET, "map": _MAP}.get(kind.kind)
    if body is None:
        body = f"    return {_PRIMITIVES[kind.kind][1]}\n"
    for at, part in enumerate(kind.parts):
        body = body.replace(f"show{at}_NONCE", f"show_part{kinds.index(part)}_NONCE")
    body = body.replace("show_part", "show")
    return f"func show{kinds.index(kind)}_NONCE(value {type_name(kind)}) string {{\n{body}}}\n"


LANGUAGE = Language("go", "Go", ("\nfunc", "struct", "\n// "), program, matches)
