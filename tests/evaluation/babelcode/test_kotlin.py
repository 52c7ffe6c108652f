from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.babelcode.languages.kotlin import literal
from codegem.evaluation.babelcode.schema import Type, parse_type
from codegem.evaluation.task import Verdict

from . import typed

# Functions of the driver's have the nonce in their names.
_SAY = """
object Say {
    val nonce = Class.forName("MainKt").declaredMethods.first { it.name.startsWith("show_") }.name.substring(5)
    fun it(text: String) {
        val output = java.io.FileOutputStream(java.io.FileDescriptor.out)
        output.write("\\n$nonce$text\\n".toByteArray())
    }
}
"""
CHEATS = {
    "prints BabelCode's own lines": 'fun f(x: Int): Int { println("TEST-0...PASSED\\nTEST-1...PASSED"); return 0 }',
    "prints when it is loaded and leaves": _SAY
    + 'val early: Int = run { Say.it(" 0 value 0"); Say.it(" 1 value 0"); Runtime.getRuntime().halt(0); 0 }\n'
    "fun f(x: Int): Int = early",
    "has a hook for the end": _SAY
    + 'fun f(x: Int): Int { Runtime.getRuntime().addShutdownHook(Thread { Say.it(" 0 value 0") }); return 0 }',
    "answers for other tests": _SAY + 'fun f(x: Int): Int { for (i in 0..99) Say.it(" $i value 0"); return 0 }',
    "has a thread that prints": _SAY
    + 'fun f(x: Int): Int { kotlin.concurrent.thread(isDaemon = true) { while (true) Say.it(" 1 value 0") };'
    " Thread.sleep(200); return 0 }",
    "closes its output": "fun f(x: Int): Int { System.out.close();"
    " java.io.FileOutputStream(java.io.FileDescriptor.out).close(); return 0 }",
    "leaves in a test": "fun f(x: Int): Int = kotlin.system.exitProcess(0)",
    "throws what it likes": 'class E : Exception("value 734912")\nfun f(x: Int): Int = throw E()',
    "has functions of the library's names": "fun StringBuilder.append(x: Int): StringBuilder = this\n"
    'fun Any?.toString(): String = "734912"\nfun f(x: Int): Int = 0',
    "calls the driver": 'var depth = 0\nfun f(x: Int): Int { if (depth++ == 0) Class.forName("MainKt")'
    '.getMethod("main", Array<String>::class.java).invoke(null, arrayOf<String>()); return 0 }',
    "reads the program": 'fun f(x: Int): Int { val all = String(Say::class.java.getResourceAsStream("/MainKt.class")!!'
    '.readBytes(), Charsets.ISO_8859_1); return if ("734" + (911 + 1) in all) 734_900 + 12 else 0 }\n' + _SAY,
}
VERDICTS = {
    "is right": ("fun f(x: Int): Int { return x * 2 }", Verdict.PASSED, ""),
    "has a main of its own": (
        "fun f(x: Int): Int { return x * 2 }\nfun main() {\n    println(f(3))\n}\n",
        Verdict.PASSED,
        "",
    ),
    "is wrong once": (
        'fun f(x: Int): Int { print("looking at $x"); return x + 2 }',
        Verdict.FAILED,
        "test 1 gave 7, expected 10",
    ),
    "throws once": (
        "fun f(x: Int): Int { return listOf(0, 0, 4)[x] }",
        Verdict.ERROR,
        "test 1 raised java.lang.ArrayIndexOutOfBoundsException",
    ),
    "is no program": ("fun f(x: Int): Int { return missing }", Verdict.ERROR, "does not compile"),
    "ends with a code": (
        "fun f(x: Int): Int { if (x == 5) kotlin.system.exitProcess(3); return 4 }",
        Verdict.ERROR,
        "exit code 3",
    ),
    "goes too deep": (
        "fun f(x: Int): Int { return if (x == 2) 4 else f(x) + 1 }",
        Verdict.ERROR,
        "test 1 raised java.lang.StackOverflowError",
    ),
    "imports something": (
        "import java.util.stream.IntStream\nfun f(x: Int): Int { return IntStream.of(x, x).sum() }",
        Verdict.PASSED,
        "",
    ),
}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("string", 'a"\\\n\x007é$', '"a\\"\\\\\\u000a\\u00007\\u00e9\\$"'),
        ("string", "🎉", '"\\ud83c\\udf89"'),
        ("character", "'", "'\\''"),
        ("integer", -(2**31), "Int.MIN_VALUE"),
        ("long", -(2**63), "Long.MIN_VALUE"),
        ("float", 1e39, "Float.POSITIVE_INFINITY"),
        ("double", float("nan"), "Double.NaN"),
        (
            "list<list<string>>",
            [["a"], []],
            'arrayListOf<ArrayList<String>>(arrayListOf<String>("a"), arrayListOf<String>())',
        ),
        ("set<long>", [1], "hashSetOf<Long>(1L)"),
        ("map<integer;boolean>", {1: True}, "linkedMapOf<Int, Boolean>(Pair(1, true))"),
    ],
)
def test_literals(kind: str, data: object, expected: str) -> None:
    assert literal(parse_type(kind), data) == expected


@pytest.mark.parametrize(("kind", "data"), [("long", 2**63), ("integer", None), ("character", "🎉")])
def test_what_the_language_cannot_hold(kind: str, data: object) -> None:
    with pytest.raises(UserError, match="A test's input is"):
        literal(Type(kind), data)


def test_what_goes_in_comes_out() -> None:
    typed.round_trips("kotlin", "fun f(x: T): T { return x }", large=True)


def test_verdicts() -> None:
    typed.verdicts("kotlin", VERDICTS)


def test_no_cheat_passes() -> None:
    typed.no_cheat_passes("kotlin", CHEATS, "fun f(x: Int): Int = if (x == 1) 734912 else 918273")


def test_golden_solutions_pass_and_their_mutants_fail(shared_data: Path) -> None:
    typed.golden("kotlin", shared_data, "111")
