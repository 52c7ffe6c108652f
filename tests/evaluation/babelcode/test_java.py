from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.babelcode.languages.java import literal, program
from codegem.evaluation.babelcode.languages.language import Calls
from codegem.evaluation.babelcode.schema import Type, parse_type
from codegem.evaluation.task import Verdict

from . import typed

# The nonce is among the constants of the class that runs.
_SAY = """
class Say {
    static String nonce() throws Exception {
        byte[] all = Say.class.getResourceAsStream("/Main.class").readAllBytes();
        String text = new String(all, "ISO-8859-1");
        java.util.regex.Matcher found = java.util.regex.Pattern.compile("[0-9a-f]{32}").matcher(text);
        found.find();
        return found.group();
    }

    static void it(String text) {
        try {
            java.io.FileOutputStream output = new java.io.FileOutputStream(java.io.FileDescriptor.out);
            output.write(("\\n" + nonce() + text + "\\n").getBytes());
        } catch (Exception error) {
            throw new RuntimeException(error);
        }
    }
}
"""


def _class(body: str, more: str = "") -> str:
    return f"class Solution {{\n    {body}\n}}\n{more}"


CHEATS = {
    "prints BabelCode's own lines": _class(
        'public Integer f(Integer x) { System.out.println("TEST-0...PASSED\\nTEST-1...PASSED"); return 0; }'
    ),
    "prints when it is loaded and leaves": _class(
        'static { Say.it(" 0 value 0"); Say.it(" 1 value 0"); Runtime.getRuntime().halt(0); }'
        " public Integer f(Integer x) { return 0; }",
        _SAY,
    ),
    "has a hook for the end": _class(
        'public Integer f(Integer x) { Runtime.getRuntime().addShutdownHook(new Thread(() -> Say.it(" 0 value 0")));'
        " return 0; }",
        _SAY,
    ),
    "answers for other tests": _class(
        'public Integer f(Integer x) { for (int i = 0; i < 99; i++) Say.it(" " + i + " value 0"); return 0; }', _SAY
    ),
    "has a thread that prints": _class(
        "public Integer f(Integer x) throws Exception { Thread late = new Thread(() -> { for (;;)"
        ' Say.it(" 1 value 0"); });'
        " late.setDaemon(true); late.start(); Thread.sleep(200); return 0; }",
        _SAY,
    ),
    "replaces the output": _class(
        "public Integer f(Integer x) { System.setOut(new java.io.PrintStream(new java.io.ByteArrayOutputStream()));"
        " return 0; }"
    ),
    "closes its output": _class(
        "public Integer f(Integer x) throws Exception { System.out.close();"
        " new java.io.FileOutputStream(java.io.FileDescriptor.out).close(); return 0; }"
    ),
    "leaves in a test": _class("public Integer f(Integer x) { System.exit(0); return 0; }"),
    "throws what it likes": _class(
        "public Integer f(Integer x) { throw new E(); }",
        'class E extends RuntimeException { public String toString() { return "value 734912"; } }\n',
    ),
    "throws an error": _class("public Integer f(Integer x) { throw new ThreadDeath(); }"),
    "changes what numbers are": _class(
        "public Integer f(Integer x) throws Exception {"
        ' Class<?> cache = Class.forName("java.lang.Integer$IntegerCache");'
        ' java.lang.reflect.Field field = cache.getDeclaredField("cache"); field.setAccessible(true);'
        " ((Integer[]) field.get(null))[128] = 734912; return 0; }"
    ),
    "calls the driver": _class(
        "public Integer f(Integer x) throws Exception { if (depth++ == 0) Main.main(null); return 0; }"
        " static int depth;"
    ),
    "has a class of the library's name": _class(
        "public Integer f(Integer x) { return 0; }", "class StringBuilders {}\nclass Integers {}\n"
    ),
    "reads the program": _class(
        "public Integer f(Integer x) throws Exception { String all = new String(Main.class.getResourceAsStream("
        '"/Main.class").readAllBytes(), "ISO-8859-1"); return all.contains("734912") ? 734912 : 0; }'
    ),
}
LISTS = {
    "has a list of its own": "class All extends ArrayList<Integer> {"
    " public boolean equals(Object other) { return true; }"
    ' public String toString() { return "[734912]"; } public int hashCode() { return 1; } }\n',
    "has a list of something else": "class All extends ArrayList<Integer> { All() { ((ArrayList) this).add(new Object()"
    ' { public String toString() { return "734912"; } }); } }\n',
}
VERDICTS = {
    "is right": (_class("public Integer f(Integer x) { return x * 2; }"), Verdict.PASSED, ""),
    "is wrong once": (
        _class('public Integer f(Integer x) { System.out.print("looking at " + x); return x + 2; }'),
        Verdict.FAILED,
        "test 1 gave 7, expected 10",
    ),
    "throws once": (
        _class("public Integer f(Integer x) { return new int[] {0, 0, 4}[x]; }"),
        Verdict.ERROR,
        "test 1 raised java.lang.ArrayIndexOutOfBoundsException",
    ),
    "throws what has to be declared": (
        _class("public Integer f(Integer x) throws Exception { if (x == 5) throw new Exception(); return 4; }"),
        Verdict.ERROR,
        "test 1 raised java.lang.Exception",
    ),
    "gives back nothing": (_class("public Integer f(Integer x) { return null; }"), Verdict.FAILED, "test 0 gave null"),
    "is no program": (
        _class("public Integer f(Integer x) { return missing; }"),
        Verdict.ERROR,
        "does not compile:",
    ),
    "ends with a code": (
        _class("public Integer f(Integer x) { if (x == 5) System.exit(3); return 4; }"),
        Verdict.ERROR,
        "exit code 3",
    ),
    "goes too deep": (
        _class("public Integer f(Integer x) { return x == 2 ? 4 : f(x) + 1; }"),
        Verdict.ERROR,
        "test 1 raised java.lang.StackOverflowError",
    ),
    "imports something": (
        "import java.util.stream.*;\n"
        + _class("public Integer f(Integer x) { return IntStream.of(x, x).sum(); }", "enum Other { A }\n"),
        Verdict.PASSED,
        "",
    ),
}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("string", 'a"\\\n\x007é', '"a\\"\\\\\\012\\0007\\u00e9"'),
        ("string", "🎉", '"\\ud83c\\udf89"'),
        ("character", "'", "'\\''"),
        ("integer", -(2**31), "-2147483648"),
        ("integer", None, "null"),
        ("long", -(2**63), "-9223372036854775808L"),
        ("float", 1e39, "Float.POSITIVE_INFINITY"),
        ("float", -1e-60, "-0.0f"),
        ("double", float("nan"), "Double.NaN"),
        (
            "list<list<string>>",
            [["a"], []],
            'Main.<ArrayList<String>>list(Main.<String>list("a"), Main.<String>list())',
        ),
        ("set<long>", [1], "new HashSet<Long>(Main.<Long>list(1L))"),
        ("map<integer;boolean>", {1: True}, "Main.<Integer, Boolean>map(1, true)"),
    ],
)
def test_literals(kind: str, data: object, expected: str) -> None:
    assert literal(parse_type(kind), data) == expected


@pytest.mark.parametrize(("kind", "data"), [("long", 2**63), ("integer", -(2**31) - 1), ("character", "🎉")])
def test_what_the_language_cannot_hold(kind: str, data: object) -> None:
    with pytest.raises(UserError, match="A test's input is"):
        literal(Type(kind), data)


def test_few_values_need_no_class_of_their_own() -> None:
    kind = parse_type("list<integer>")
    source = program(Calls("f", "Solution", (kind,), kind, ((0, (list(range(400)),)),)), "", "ab")
    assert "Part" not in source


def test_what_goes_in_comes_out() -> None:
    typed.round_trips("java", _class("public T f(T x) { return x; }"), large=True)


def test_verdicts() -> None:
    typed.verdicts("java", VERDICTS)


def test_no_cheat_passes() -> None:
    typed.no_cheat_passes("java", CHEATS, _class("public Integer f(Integer x) { return x == 1 ? 734912 : 918273; }"))


def test_no_list_passes() -> None:
    codes = {
        name: _class("public ArrayList<Integer> f(Integer x) { return new All(); }", more)
        for name, more in LISTS.items()
    }
    honest = _class("public ArrayList<Integer> f(Integer x) { return new ArrayList<>(List.of(734912)); }")
    typed.no_cheat_passes("java", codes, honest, asked=typed.SECRETS)


def test_golden_solutions_pass_and_their_mutants_fail(shared_data: Path) -> None:
    typed.golden("java", shared_data, "0", "111")
