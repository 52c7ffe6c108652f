from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.babelcode.languages.cpp import literal
from codegem.evaluation.babelcode.schema import Type, parse_type
from codegem.evaluation.task import Verdict

from . import typed

# The nonce is in the text of the program that runs: 32 digits before a space.
_SAY = """
#include <unistd.h>
static string nonce() {
    ifstream self("/proc/self/exe", ios::binary);
    string all((istreambuf_iterator<char>(self)), istreambuf_iterator<char>());
    for (size_t at = 0, run = 0; at < all.size(); at++) {
        if (all[at] == ' ' && run == 32) return all.substr(at - 32, 32);
        run = isxdigit(all[at]) ? run + 1 : 0;
    }
    abort();
}
static void say(string text) {
    string line = "\\n" + nonce() + text + "\\n";
    if (write(1, line.data(), line.size()) < 0) abort();
}
"""
CHEATS = {
    "prints BabelCode's own lines": 'int f(int x) { cout << "TEST-0...PASSED\\nTEST-1...PASSED\\n"; return 0; }',
    "prints before main and leaves": _SAY
    + 'struct Early { Early() { say(" 0 value 0"); say(" 1 value 0"); _exit(0); } } early;\nint f(int x) { return 0; }',
    "prints when it ends": _SAY + 'static void late() { say(" 0 value 0"); }\nint f(int x) { atexit(late); return 0; }',
    "prints in a test and leaves": _SAY + 'int f(int x) { say(" 0 value 0"); say(" 1 value 0"); exit(0); }',
    "answers for other tests": _SAY
    + 'int f(int x) { for (int i = 0; i < 99; i++) say(" " + to_string(i) + " value 0"); return 0; }',
    "has a thread that prints": _SAY
    + 'int f(int x) { thread([] { for (;;) say(" 1 value 0"); }).detach(); return 0; }',
    "closes its output": "#include <unistd.h>\nint f(int x) { close(1); fclose(stdout); return 0; }",
    "has macros for the driver": '#define fwrite(data, size, count, file) fputs("0 value 734912", file)\n'
    "int f(int x) { return 0; }",
    "equals everything": "struct All { operator int() { return 0; } bool operator==(int) const { return true; } };\n"
    "All f(int x) { return All(); }",
    "throws what it likes": 'struct E : exception { const char* what() const noexcept { return "value 734912"; } };\n'
    "int f(int x) { throw E(); }",
    "reads the program": 'int f(int x) { ifstream source("main.cpp"); string text;'
    " while (source >> text) if (text.size() == 6 && isdigit(text[0])) return stoi(text); return 0; }",
}
VERDICTS = {
    "is right": ("int f(int x) { return x * 2; }", Verdict.PASSED, ""),
    "is wrong once": (
        'int f(int x) { cout << "looking at " << x; return x + 2; }',
        Verdict.FAILED,
        "test 1 gave 7, expected 10",
    ),
    "throws once": (
        "int f(int x) { return vector<int>{0, 0, 4}.at(x); }",
        Verdict.ERROR,
        "test 1 raised std::out_of_range",
    ),
    "is no program": ("int f(int x) { return missing; }", Verdict.ERROR, "does not compile: main.cpp:"),
    "crashes": ("int f(int x) { if (x == 5) abort(); return 4; }", Verdict.ERROR, "SIGABRT"),
    "leaves early": ("int f(int x) { exit(0); }", Verdict.ERROR, "printed nothing"),
    "has a name of the library": ("int count(int x) { return x; }\nint f(int x) { return x * 2; }", Verdict.PASSED, ""),
}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("string", 'a"\\\n\x007', 'string("a\\042\\134\\012\\0007", 6)'),
        ("string", "é?", 'string("\\303\\251\\077")'),
        ("character", "'", "'\\047'"),
        ("character", "", "'\\000'"),
        ("integer", -(2**31), "(-2147483647 - 1)"),
        ("long", -(2**63), "(-9223372036854775807LL - 1)"),
        ("long", 5, "5LL"),
        ("float", 1e39, "(float)INFINITY"),
        ("float", 1e-60, "0.0f"),
        ("double", float("nan"), "(double)NAN"),
        ("double", 1e22, "1e+22"),
        (
            "list<list<string>>",
            [["a", "b"], []],
            'vector<vector<string>>{vector<string>{string("a"), string("b")}, vector<string>{}}',
        ),
        ("map<integer;set<boolean>>", {1: [True]}, "map<int,set<bool>>{{1, set<bool>{true}}}"),
    ],
)
def test_literals(kind: str, data: object, expected: str) -> None:
    assert literal(parse_type(kind), data) == expected


@pytest.mark.parametrize(("kind", "data"), [("integer", 2**31), ("integer", None), ("character", "é"), ("float", None)])
def test_what_the_language_cannot_hold(kind: str, data: object) -> None:
    with pytest.raises(UserError, match="A test's input is"):
        literal(Type(kind), data)


def test_what_goes_in_comes_out() -> None:
    typed.round_trips("cpp", "T f(T x) { return x; }", leave_out=("boolean", "character"))


def test_verdicts() -> None:
    typed.verdicts("cpp", VERDICTS)


def test_no_cheat_passes() -> None:
    typed.no_cheat_passes("cpp", CHEATS, "int f(int x) { return x == 1 ? 734912 : 918273; }")


def test_golden_solutions_pass_and_their_mutants_fail(shared_data: Path) -> None:
    typed.golden("cpp", shared_data, "111")
