"""Java 17: boxed types, the header of BabelCode, a program whose class is `Main`."""

import functools
from collections.abc import Sequence
from typing import Any

from codegem.evaluation.babelcode import compare
from codegem.evaluation.babelcode.languages.jvm import Literals, Notation, plain
from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.languages.literals import character, in_range, type_name, utf16
from codegem.evaluation.babelcode.schema import Type

_NAMES = {
    "boolean": "Boolean",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "character": "Character",
    "string": "String",
    "list": "ArrayList<{}>",
    "set": "HashSet<{}>",
    "map": "Map<{}, {}>",
}

# What BabelCode's programs import.
_HEADER = """\
import static java.util.Map.entry;
import java.util.*;
import java.lang.*;

"""

# No lambdas and no `+` of texts: the first of each takes tens of milliseconds to be set up. What is generic is
# given its types, which the compiler would take long to find in nested literals.
_DRIVER = """

public class Main {
    static final java.io.FileOutputStream OUTPUT = new java.io.FileOutputStream(java.io.FileDescriptor.out);

    @SafeVarargs
    static <T> ArrayList<T> list(T... items) {
        return new ArrayList<T>(java.util.Arrays.asList(items));
    }

    @SuppressWarnings("unchecked")
    static <K, V> Map<K, V> map(Object... items) {
        Map<K, V> made = new java.util.LinkedHashMap<K, V>();
        for (int at = 0; at < items.length; at += 2) made.put((K) items[at], (V) items[at + 1]);
        return made;
    }

    static void show(StringBuilder line, Object value) {
        if (value == null || value instanceof Boolean || value instanceof Number) {
            line.append(value);
        } else if (value instanceof String || value instanceof Character) {
            quote(line, value.toString());
        } else if (value instanceof java.util.Map) {
            String next = "[[";
            for (java.util.Map.Entry<?, ?> each : ((java.util.Map<?, ?>) value).entrySet()) {
                line.append(next);
                next = "],[";
                show(line, each.getKey());
                line.append(',');
                show(line, each.getValue());
            }
            line.append(next == "[[" ? "[]" : "]]");
        } else {
            String next = "[";
            for (Object each : (Iterable<?>) value) {
                line.append(next);
                next = ",";
                show(line, each);
            }
            line.append(next == "[" ? "[]" : "]");
        }
    }

    static void quote(StringBuilder line, String text) {
        line.append('"');
        for (int at = 0; at < text.length(); at++) {
            char each = text.charAt(at);
            if (each < ' ' || each > '~') {
                String digits = Integer.toHexString(each);
                line.append("\\\\u0000", 0, 6 - digits.length()).append(digits);
            } else {
                if (each == '"' || each == '\\\\') line.append('\\\\');
                line.append(each);
            }
        }
        line.append('"');
    }

    static void run(int idx) throws java.io.IOException {
        StringBuilder line = new StringBuilder("\\nNONCE ").append(idx);
        int start = line.length();
        try {
            show(line.append(" value "), test(idx));
        } catch (Throwable error) {
            line.setLength(start);
            line.append(" raised ").append(error.getClass().getName());
        }
        OUTPUT.write(line.append('\\n').toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    public static void main(String[] arguments) throws java.io.IOException {
        for (int idx : new int[] {INDICES}) run(idx);
    }

    static Object test(int idx) throws Throwable {
        switch (idx) {
CASES            default: return null;
        }
    }

"""


def program(calls: Calls, candidate: str, nonce: str) -> str:
    """The source of a program that calls a candidate once for each test.

    Raises:
        UserError: a value that the language can't hold.
    """
    literals = Literals(_NOTATION, nonce)
    tests = [_test(calls, idx, inputs, literals) for idx, inputs in calls.inputs]
    cases = [f"            case {idx}: return test{idx}();\n" for idx, _ in calls.inputs]
    indices = ", ".join(str(idx) for idx, _ in calls.inputs)
    driver = _DRIVER.replace("NONCE", nonce).replace("INDICES", indices).replace("CASES", "".join(cases))
    return "".join([_HEADER, candidate, driver, *tests, "}\n", *literals.classes])


def literal(kind: Type, data: Any) -> str:
    """A value of the declared type, if it needs no class of its own.

    >>> print(literal(Type("list", (Type("string"),)), ["\\n"]))
    Main.<String>list("\\012")
    """
    return Literals(_NOTATION, "").of(kind, data)


def name(kind: Type) -> str:
    """What a type is called."""
    return type_name(kind, _NAMES)


def _test(calls: Calls, idx: int, inputs: tuple[Any, ...], literals: Literals) -> str:
    lines = [f"    static Object test{idx}() throws Throwable {{\n"]
    for at, (kind, data) in enumerate(zip(calls.params, inputs, strict=True)):
        lines.append(f"        {name(kind)} input{at} = {literals.of(kind, data)};\n")
    call = f"new {calls.class_name}().{calls.function}({', '.join(f'input{at}' for at in range(len(inputs)))})"
    lines.append(f"        {name(calls.returns)} result = {call};\n        return result;\n    }}\n\n")
    return "".join(lines)


def _scalar(kind: Type, data: Any) -> str:
    if data is None:
        return "null"
    if kind.kind in ("integer", "long"):
        return f"{in_range(kind, data)}{'L' if kind.kind == 'long' else ''}"
    if kind.kind == "character":
        return f"'{_escaped(character(data))}'"
    return plain(kind, data, name(kind))


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return utf16(text, {'"': '\\"', "'": "\\'", "\\": "\\\\"}, "\\{:03o}")


def _container(kind: Type, words: Sequence[str]) -> str:
    parts = ", ".join(map(name, kind.parts))
    made = f"Main.<{parts}>{'map' if kind.kind == 'map' else 'list'}({', '.join(words)})"
    return f"new {name(kind)}({made})" if kind.kind == "set" else made


def _filler(called: str, kind: Type, statements: Sequence[str]) -> str:
    body = "".join(f"        {each}\n" for each in statements)
    return f"class {called} {{\n    static void fill({name(kind)} to) {{\n{body}    }}\n}}\n"


def _maker(called: str, kind: Type, fillers: Sequence[str]) -> str:
    body = "".join(f"        {each}.fill(to);\n" for each in fillers)
    made = f"        {name(kind)} to = {_container(kind, ())};\n{body}        return to;\n"
    return f"class {called} {{\n    static {name(kind)} make() {{\n{made}    }}\n}}\n"


_NOTATION = Notation(
    scalar=_scalar,
    quoted=_quoted,
    joined=lambda pieces: f'String.join("", {", ".join(pieces)})',
    container=_container,
    add=lambda words: f"to.{'put' if len(words) == 2 else 'add'}({', '.join(words)});",
    filler=_filler,
    maker=_maker,
)

LANGUAGE = Language(
    "java",
    "Java",
    ("\n    }\n",),
    program,
    functools.partial(compare.matches, single=True),
    closing=("\n}", "\n    }\n}"),
)
