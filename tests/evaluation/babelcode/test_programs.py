"""Programs of the languages, run for real: what goes in comes out, and verdicts are what they should be."""

import random
from pathlib import Path

import pytest

from codegem.evaluation.babelcode import driver
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.babelcode.schema import Case, Question, parse_type, read_prompts, read_questions
from codegem.evaluation.task import Verdict
from codegem.sandbox import toolchains

from .mutants import mutants
from .running import GOLDEN, absent, identity, judge, question
from .values import values

OURS = ["python", "javascript", "go", "rust"]
TYPES = [
    "map<string;map<integer;list<double>>>",
    "list<map<character;set<string>>>",
    "map<long;list<list<boolean>>>",
    "list<list<float>>",
    "string",
]
# (what a candidate does, in each language): the verdict, and a part of its reason.
CANDIDATES = {
    "is right": (
        {
            "python": "def f(x):\n    return x * 2",
            "javascript": "function f(x) { return x * 2; }",
            "go": "func f(x int) int { return x * 2 }",
            "rust": "pub fn f(x: i32) -> i32 { x * 2 }",
        },
        ("passed", ""),
    ),
    "is wrong once": (
        {
            "python": "def f(x):\n    print('looking at', x)\n    return x + 2",
            "javascript": "function f(x) { console.log('looking at', x); return x + 2; }",
            "go": 'func f(x int) int { fmt.Println("looking at", x); return x + 2 }',
            "rust": 'pub fn f(x: i32) -> i32 { println!("looking at {}", x); x + 2 }',
        },
        ("failed", "test 1 gave 7, expected 10"),
    ),
    "raises once": (
        {
            "python": "def f(x):\n    return {2: 4}[x]",
            "javascript": "function f(x) { return x === 2 ? 4 : missing; }",
            "go": "func f(x int) int { return []int{0, 0, 4}[x] }",
            "rust": "pub fn f(x: i32) -> i32 { vec![0, 0, 4][x as usize] }",
        },
        (
            "error",
            {
                "python": "test 1 raised KeyError: 5",
                "javascript": "test 1 raised ReferenceError: missing is not defined",
                "go": "test 1 raised runtime error: index out of range [5] with length 3",
                "rust": "test 1 raised panic: index out of bounds: the len is 3 but the index is 5",
            },
        ),
    ),
    "is no program": (
        {
            "python": "def f(x:",
            "javascript": "function f(x) {",
            "go": "func f(x int) int { return strings.Count }",
            "rust": 'pub fn f(x: i32) -> i32 { "x" }',
        },
        (
            "error",
            {
                "python": "SyntaxError",
                "javascript": "SyntaxError",
                "go": "does not compile: main.go:",
                "rust": "does not compile: error[E0308]: mismatched types",
            },
        ),
    ),
    "ends early": (
        {
            "python": "import sys\ndef f(x):\n    sys.exit(0)",
            "javascript": "function f(x) { process.exit(0); }",
            "go": "func f(x int) int { panic(nil) }",
            "rust": "pub fn f(x: i32) -> i32 { std::process::exit(0) }",
        },
        ("error", {"go": "", "python": "printed nothing", "javascript": "printed nothing", "rust": "printed nothing"}),
    ),
    "ends with a code": (
        {
            "python": "import sys\ndef f(x):\n    if x == 5: sys.exit(3)\n    return 4",
            "javascript": "function f(x) { if (x === 5) process.exit(3); return 4; }",
            "go": "func f(x int) int { if x == 5 { var p *int; return *p }; return 4 }",
            "rust": "pub fn f(x: i32) -> i32 { if x == 5 { std::process::exit(3) } 4 }",
        },
        ("error", {"go": "nil pointer", "python": "exit code 3", "javascript": "exit code 3", "rust": "exit code 3"}),
    ),
}


@pytest.mark.parametrize("language", OURS)
def test_what_goes_in_comes_out(language: str) -> None:
    """A few hundred values of nested types, with the edges of each."""
    chance = random.Random(language)
    count = 25 if language == "rust" else 60  # its compiler takes long over literals
    asked = []
    for kind in map(parse_type, TYPES):
        cases = tuple(Case(idx, (one := values(chance, kind),), one) for idx in range(count))
        asked.append((Question("q", (kind,), kind, cases), identity(language, kind)))
    for told, kind in zip(judge(language, asked), TYPES, strict=True):
        assert told.verdict == Verdict.PASSED, (kind, told.reason)


@pytest.mark.parametrize("language", OURS)
def test_verdicts(language: str) -> None:
    asked = question(["integer"], "integer", [([2], 4), ([5], 10)])
    told = judge(language, [(asked, codes[language]) for codes, _ in CANDIDATES.values()])
    for (name, (_, (verdict, reason))), judgement in zip(CANDIDATES.items(), told, strict=True):
        reason = reason[language] if isinstance(reason, dict) else reason
        assert (judgement.verdict, reason in judgement.reason) == (verdict, True), (name, judgement)
        assert judgement.seconds > 0


@pytest.mark.parametrize("language", OURS)
def test_numbers_by_themselves(language: str) -> None:
    """Edges of each type, as the only argument and the result."""
    asked = []
    for name, edges in {
        "float": [0.0, 1.5, -3.4028234663852886e38, 1.1754943508222875e-38, 16777217.0],
        "double": [0.1, -1.7976931348623157e308, 5e-324, 1e22],
        "long": [0, 2**53 - 1, -(2**53) + 1],
        "character": ["a", "ß", "漢", '"', "'", "\\", "\n", "\x7f"],
        "boolean": [True, False],
    }.items():
        kind = parse_type(name)
        cases = tuple(Case(idx, (edge,), edge) for idx, edge in enumerate(edges))
        asked.append((Question("q", (kind,), kind, cases), identity(language, kind)))
    told = judge(language, asked)
    assert [(each.verdict, each.reason) for each in told] == [("passed", "")] * len(asked)


def test_python_knows_what_babelcode_imports() -> None:
    code = (
        "def f(x: List[int]) -> Dict[int, Optional[int]]:\n"
        "    heap = list(x)\n"
        "    heapq.heapify(heap)\n"
        "    counted = collections.Counter(itertools.chain(heap, []))\n"
        "    return collections.OrderedDict((k, int(math.sqrt(v))) for k, v in counted.items())\n"
    )
    asked = question(["list<integer>"], "map<integer;integer>", [([[3, 3]], {"3": 1}), ([[]], {})])
    assert [each.verdict for each in judge("python", [(asked, code)])] == [Verdict.PASSED]


def test_a_candidate_in_python_may_use_any_name() -> None:
    code = (
        "list = dict = str = isinstance = len = print = type = tuple = set = repr = 7\ndef f(x):\n    return [x, x]\n"
    )
    asked = question(["set<integer>"], "list<set<integer>>", [([[1]], [[1], [1]]), ([[]], [[], []])])
    assert [each.verdict for each in judge("python", [(asked, code)])] == [Verdict.PASSED]


def test_sets_in_python_are_no_lists() -> None:
    asked = question(["list<integer>"], "set<integer>", [([[2, 1, 2]], [1, 2])])
    codes = ["def f(x): return set(x)", "def f(x): return dict.fromkeys(x).keys()", "def f(x): return sorted(set(x))"]
    told = judge("python", [(asked, code) for code in codes])
    assert [each.verdict.value for each in told] == ["passed", "passed", "failed"]


def test_a_nil_slice_of_go_is_not_an_empty_one() -> None:
    asked = question(["list<integer>"], "list<integer>", [([[]], [])])
    codes = [f"func f(x []int) []int {{\n\t{body}\n}}\n" for body in ("return []int{}", "var y []int\n\treturn y")]
    assert [each.verdict.value for each in judge("go", [(asked, code) for code in codes])] == ["passed", "failed"]


@pytest.mark.parametrize("language", ["javascript", "go", "rust"])
def test_golden_solutions_pass_and_their_mutants_fail(language: str, shared_data: Path) -> None:
    """Two here; all of them, and more mutants, in benchmarks/babelcode.py."""
    if reason := absent(language):
        pytest.skip(reason)
    folder, toolchain = shared_data / "babelcode", toolchains.find(language)
    assert toolchain is not None
    questions, _ = read_questions(folder / "bc_humaneval_questions.jsonl.gz")
    prompts = {
        prompt.qid: prompt
        for prompt in read_prompts(folder / "bc_humaneval_prompts.jsonl.gz")[0]
        if prompt.language == LANGUAGES[language].babelcode
    }
    for qid in ("1", "111"):
        (file,) = (GOLDEN / language).glob(f"{qid}.*")
        code = file.read_text()
        assert code.startswith(prompts[qid].signature)
        codes = [code, *mutants(code, 3)]
        right, *others = driver.judge(
            LANGUAGES[language], toolchain, [(questions[qid], prompts[qid], each) for each in codes]
        )
        assert right.verdict == Verdict.PASSED, right
        assert Verdict.FAILED in [each.verdict for each in others], others
