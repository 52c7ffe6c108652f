"""Kotlin: functions at top level, a program that is one file with a `main`."""

import functools
from collections.abc import Sequence
from typing import Any

from codegem.evaluation.babelcode import compare
from codegem.evaluation.babelcode.languages.jvm import Literals, Notation, plain
from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.languages.literals import INTEGER_BITS, character, in_range, type_name, utf16
from codegem.evaluation.babelcode.schema import Type

_NAMES = {
    "boolean": "Boolean",
    "integer": "Int",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "character": "Char",
    "string": "String",
    "list": "ArrayList<{}>",
    "set": "MutableSet<{}>",
    "map": "Map<{}, {}>",
}
_MAKERS = {"list": "arrayListOf", "set": "hashSetOf", "map": "linkedMapOf"}

# What BabelCode's programs import.
_HEADER = """\
import kotlin.text.*
import kotlin.math.*

"""

# A candidate may well have a `main` without arguments of its own. Names end in the nonce, so that none of a
# candidate's is hidden.
_DRIVER = """

private fun show_NONCE(line: StringBuilder, value: Any?) {
    if (value == null || value is Boolean || value is Number) line.append(value)
    else if (value is String || value is Char) quote_NONCE(line, value.toString())
    else if (value is Map<*, *>) {
        var next = "[["
        for (each in value.entries) {
            line.append(next)
            next = "],["
            show_NONCE(line, each.key)
            line.append(',')
            show_NONCE(line, each.value)
        }
        line.append(if (next == "[[") "[]" else "]]")
    } else {
        var next = "["
        for (each in value as Iterable<*>) {
            line.append(next)
            next = ","
            show_NONCE(line, each)
        }
        line.append(if (next == "[") "[]" else "]")
    }
}

private fun quote_NONCE(line: StringBuilder, text: String) {
    line.append('"')
    for (each in text) {
        if (each < ' ' || each > '~') {
            val digits = Integer.toHexString(each.code)
            line.append("\\\\u0000", 0, 6 - digits.length).append(digits)
        } else {
            if (each == '"' || each == '\\\\') line.append('\\\\')
            line.append(each)
        }
    }
    line.append('"')
}

private fun run_NONCE(output: java.io.OutputStream, idx: Int) {
    val line = StringBuilder("\\nNONCE ").append(idx)
    val start = line.length
    try {
        show_NONCE(line.append(" value "), test_NONCE(idx))
    } catch (error: Throwable) {
        line.setLength(start)
        line.append(" raised ").append(error.javaClass.name)
    }
    output.write(line.append('\\n').toString().toByteArray())
}

fun main(arguments: Array<String>) {
    val output = java.io.FileOutputStream(java.io.FileDescriptor.out)
    for (idx in intArrayOf(INDICES)) run_NONCE(output, idx)
}

private fun test_NONCE(idx: Int): Any? = when (idx) {
CASES    else -> null
}

"""


def program(calls: Calls, candidate: str, nonce: str) -> str:
    """The source of a program that calls a candidate once for each test.

    Raises:
        UserError: a value that the language can't hold.
    """
    literals = Literals(_NOTATION, nonce)
    tests = [_test(calls, idx, inputs, literals, nonce) for idx, inputs in calls.inputs]
    cases = [f"    {idx} -> test{idx}_{nonce}()\n" for idx, _ in calls.inputs]
    indices = ", ".join(str(idx) for idx, _ in calls.inputs)
    driver = _DRIVER.replace("NONCE", nonce).replace("INDICES", indices).replace("CASES", "".join(cases))
    return "".join([_HEADER, candidate, driver, *tests, *literals.classes])


def literal(kind: Type, data: Any) -> str:
    """A value of the declared type, if it needs no class of its own.

    >>> print(literal(Type("map", (Type("string"), Type("long"))), {"$": -1}))
    linkedMapOf<String, Long>(Pair("\\$", -1L))
    """
    return Literals(_NOTATION, "").of(kind, data)


def name(kind: Type) -> str:
    """What a type is called."""
    return type_name(kind, _NAMES)


def _test(calls: Calls, idx: int, inputs: tuple[Any, ...], literals: Literals, nonce: str) -> str:
    lines = [f"private fun test{idx}_{nonce}(): Any? {{\n"]
    for at, (kind, data) in enumerate(zip(calls.params, inputs, strict=True)):
        lines.append(f"    val input{at}: {name(kind)} = {literals.of(kind, data)}\n")
    call = f"{calls.function}({', '.join(f'input{at}' for at in range(len(inputs)))})"
    lines.append(f"    val result: {name(calls.returns)} = {call}\n    return result\n}}\n\n")
    return "".join(lines)


def _scalar(kind: Type, data: Any) -> str:
    if kind.kind in INTEGER_BITS:
        number = in_range(kind, data)
        if number == -(1 << (INTEGER_BITS[kind.kind] - 1)):
            return f"{name(kind)}.MIN_VALUE"  # it has no literal: the minus is no part of one
        return f"{number}{'L' if kind.kind == 'long' else ''}"
    if kind.kind == "character":
        return f"'{_escaped(character(data))}'"
    return plain(kind, data, name(kind))


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return utf16(text, {'"': '\\"', "'": "\\'", "\\": "\\\\", "$": "\\$"})


def _container(kind: Type, words: Sequence[str]) -> str:
    parts = ", ".join(map(name, kind.parts))
    if kind.kind == "map":
        words = [f"Pair({key}, {each})" for key, each in zip(words[::2], words[1::2], strict=True)]
    return f"{_MAKERS[kind.kind]}<{parts}>({', '.join(words)})"


def _held(kind: Type) -> str:
    """The type of a container while it is filled."""
    return f"Mutable{name(kind)}" if kind.kind == "map" else name(kind)


def _filler(called: str, kind: Type, statements: Sequence[str]) -> str:
    body = "".join(f"        {each}\n" for each in statements)
    return f"private object {called} {{\n    fun fill(to: {_held(kind)}) {{\n{body}    }}\n}}\n"


def _maker(called: str, kind: Type, fillers: Sequence[str]) -> str:
    body = "".join(f"        {each}.fill(to)\n" for each in fillers)
    made = f"        val to = {_container(kind, ())}\n{body}        return to\n"
    return f"private object {called} {{\n    fun make(): {_held(kind)} {{\n{made}    }}\n}}\n"


_NOTATION = Notation(
    scalar=_scalar,
    quoted=_quoted,
    joined=lambda pieces: f'arrayOf({", ".join(pieces)}).joinToString("")',
    container=_container,
    add=lambda words: f"to.{'put' if len(words) == 2 else 'add'}({', '.join(words)})",
    filler=_filler,
    maker=_maker,
)

# BabelCode publishes no stop for Kotlin; a function ends as in C++ and Rust.
LANGUAGE = Language(
    "kotlin", "Kotlin", ("\n}",), program, functools.partial(compare.matches, single=True), closing=("\n}", "\n}")
)
