from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.babelcode.languages.csharp import literal, matches
from codegem.evaluation.babelcode.schema import Type, parse_type
from codegem.evaluation.task import Verdict

from . import typed

# A class of the driver's has the nonce in its name.
_SAY = """
class Say {
    public static string Nonce = System.Reflection.Assembly.GetExecutingAssembly().GetTypes()
        .Select(each => each.Namespace ?? "").First(each => each.StartsWith("Judge_")).Substring(6);
    public static void It(string text) {
        var data = Encoding.ASCII.GetBytes("\\n" + Nonce + text + "\\n");
        var output = Console.OpenStandardOutput();
        output.Write(data, 0, data.Length);
        output.Flush();
    }
}
"""


def _class(body: str, more: str = "") -> str:
    return f"{more}class Solution {{\n    {body}\n}}\n"


CHEATS = {
    "prints BabelCode's own lines": _class(
        'public int F(int x) { Console.WriteLine("TEST-0...PASSED\\nTEST-1...PASSED"); return 0; }'
    ),
    "prints in a static constructor and leaves": _class(
        'static Solution() { Say.It(" 0 value 0"); Say.It(" 1 value 0"); Environment.Exit(0); }'
        " public int F(int x) { return 0; }",
        _SAY,
    ),
    "prints when it ends": _class(
        'public int F(int x) { AppDomain.CurrentDomain.ProcessExit += (a, b) => Say.It(" 0 value 0"); return 0; }', _SAY
    ),
    "prints when it is collected": _class(
        '~Solution() { Say.It(" 0 value 0"); } public int F(int x) { return 0; }', _SAY
    ),
    "answers for other tests": _class(
        'public int F(int x) { for (int i = 0; i < 99; i++) Say.It(" " + i + " value 0"); return 0; }', _SAY
    ),
    "has a thread that prints": _class(
        'public int F(int x) { var late = new System.Threading.Thread(() => { for (;;) Say.It(" 1 value 0"); });'
        " late.IsBackground = true; late.Start(); System.Threading.Thread.Sleep(200); return 0; }",
        _SAY,
    ),
    "replaces the output": _class("public int F(int x) { Console.SetOut(System.IO.TextWriter.Null); return 0; }"),
    "closes its output": _class(
        "public int F(int x) { Console.Out.Close(); Console.OpenStandardOutput().Close(); return 0; }"
    ),
    "replaces the driver's output": _class(
        "public int F(int x) { var type = System.Reflection.Assembly.GetExecutingAssembly().GetTypes()"
        '.First(each => each.Name == "Driver"); type.GetField("output", (System.Reflection.BindingFlags)40)'
        ".SetValue(null, System.IO.Stream.Null); return 0; }"
    ),
    "has a converter of its own": _class(
        "public All F(int x) { return new All(); }",
        "class All { public static implicit operator int(All all) { return 0; }"
        ' public override string ToString() { return "734912"; }'
        " public override bool Equals(object other) { return true; }"
        " public override int GetHashCode() { return 0; } }\n",
    ),
    "throws what it likes": _class(
        "public int F(int x) { throw new E(); }",
        'class E : Exception { public override string Message { get { return "value 734912"; } } }\n',
    ),
    "leaves in a test": _class("public int F(int x) { Environment.Exit(0); return 0; }"),
    "reads the program": _class(
        'public int F(int x) { foreach (string name in System.IO.Directory.GetFiles(".")) foreach (string word in'
        " System.IO.File.ReadAllText(name).Split('\\0', ' ')) {"
        " int found; if (int.TryParse(word, out found) && found > 700000) return found; } return 0; }"
    ),
}
VERDICTS = {
    "is right": (_class("public int F(int x) { return x * 2; }"), Verdict.PASSED, ""),
    "is wrong once": (
        _class('public int F(int x) { Console.Write("looking at " + x); return x + 2; }'),
        Verdict.FAILED,
        "test 1 gave 7, expected 10",
    ),
    "throws once": (
        _class("public int F(int x) { return new[] { 0, 0, 4 }[x]; }"),
        Verdict.ERROR,
        "test 1 raised System.IndexOutOfRangeException",
    ),
    "is no program": (_class("public int F(int x) { return missing; }"), Verdict.ERROR, "does not compile: main.cs("),
    "ends with a code": (
        _class("public int F(int x) { if (x == 5) Environment.Exit(3); return 4; }"),
        Verdict.ERROR,
        "exit code 3",
    ),
    "goes too deep": (_class("public int F(int x) { return x == 2 ? 4 : F(x) + 1; }"), Verdict.ERROR, ""),
    "imports something": ("using System.IO;\n" + _class("public int F(int x) { return x * 2; }"), Verdict.PASSED, ""),
    "is public": ("public " + _class("public int F(int x) { return x * 2; }"), Verdict.PASSED, ""),
}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("string", 'a"\\\n\x007é', '"a\\"\\\\\\u000a\\u00007\\u00e9"'),
        ("string", "🎉", '"\\ud83c\\udf89"'),
        ("character", "'", "'\\''"),
        ("integer", -(2**31), "-2147483648"),
        ("long", -(2**63), "-9223372036854775808L"),
        ("float", -1e39, "float.NegativeInfinity"),
        ("float", 1e-60, "0.0f"),
        ("double", 1e22, "10000000000000000000000m"),
        ("double", -1e-30, "0m"),
        ("list<list<string>>", [["a"], []], 'new List<List<string>>{new List<string>{"a"}, new List<string>{}}'),
        ("map<integer;set<boolean>>", {1: [True]}, "new Dictionary<int, HashSet<bool>>{{1, new HashSet<bool>{true}}}"),
    ],
)
def test_literals(kind: str, data: object, expected: str) -> None:
    assert literal(parse_type(kind), data) == expected


@pytest.mark.parametrize(
    ("kind", "data"), [("long", 2**63), ("character", "🎉"), ("character", "ab"), ("double", 1e29), ("double", None)]
)
def test_what_the_language_cannot_hold(kind: str, data: object) -> None:
    with pytest.raises(UserError, match="A test's input is"):
        literal(Type(kind), data)


@pytest.mark.parametrize(
    ("kind", "expected", "printed", "same"),
    [
        ("double", 0.1, "0.1000000009", True),
        ("double", 0.1, "0.100000002", False),
        ("list<double>", [0.1, 2.0], "[0.10, 2]", True),
        ("list<double>", [0.1, 2.0], "[0.1000000000000000000000000001, 2]", False),
        ("map<double;list<float>>", {0.5: [0.1]}, "[[0.50, [0.100000001]]]", True),
        ("list<double>", [], "null", False),
        ("list<double>", [5e-324], "[0]", True),
        ("list<float>", [0.1], "[0.100000001]", True),
    ],
)
def test_decimals_are_compared_by_all_their_digits(kind: str, expected: object, printed: str, same: bool) -> None:
    assert matches(parse_type(kind), expected, printed) is same


@pytest.mark.parametrize("printed", ["[true]", "{}", '[["a"]]', "[", '"1"', "5"])
def test_what_is_no_list_of_decimals(printed: str) -> None:
    with pytest.raises(ValueError):
        matches(parse_type("list<double>"), [1.0], printed)


@pytest.mark.parametrize("printed", ["[[1]]", "[[1, 2, 3]]", "[1]", '[["a", 1]]'])
def test_what_is_no_map_of_decimals(printed: str) -> None:
    with pytest.raises(ValueError):
        matches(parse_type("map<integer;double>"), {1: 2.0}, printed)


def test_what_goes_in_comes_out() -> None:
    typed.round_trips("csharp", _class("public T F(T x) { return x; }"), function="F", binary=False)


def test_verdicts() -> None:
    typed.verdicts("csharp", VERDICTS, "F")


def test_no_cheat_passes() -> None:
    honest = _class("public int F(int x) { return x == 1 ? 734912 : 918273; }")
    typed.no_cheat_passes("csharp", CHEATS, honest, "F")


def test_golden_solutions_pass_and_their_mutants_fail(shared_data: Path) -> None:
    typed.golden("csharp", shared_data, "0", "111")
