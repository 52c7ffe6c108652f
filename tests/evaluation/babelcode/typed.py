"""What the tests of C++, C#, Java and Kotlin have in common: those languages differ in how they say it."""

import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from codegem.evaluation.babelcode import driver
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.babelcode.schema import Case, Question, Type, parse_type, read_prompts, read_questions
from codegem.evaluation.task import Verdict
from codegem.sandbox import toolchains

from .mutants import mutants
from .running import GOLDEN, absent, judge, question
from .values import values

TYPES = [
    "map<string;map<integer;list<double>>>",
    "list<map<character;set<string>>>",
    "map<long;list<list<float>>>",
]
EDGES: dict[str, list[Any]] = {
    "integer": [0, -1, 2**31 - 1, -(2**31)],
    "long": [0, 2**63 - 1, -(2**63), 2**31],
    "float": [0.0, 1.5, -3.4028234663852886e38, 1.1754943508222875e-38, 1.401298464324817e-45, 16777217.0, 1e-60],
    "double": [0.1, -1e28, 1e-28, 1e22, 123456789.12345679, 2.5e-10],
    "boolean": [True, False],
    "character": ["a", '"', "'", "\\", "\n", "\t", "\r", "\0", "\x7f", "$", "?"],
    "string": [
        "",
        "\r\n\t\b\f\x1b",
        '"\\"',
        "'${x} $x $",
        "%d {0} \\u0041 \\n",
        "é漢字🎉\u2028",
        "??/ /* */ //",
        "\0007",
    ],
}
BINARY_EDGES = {"double": [1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 9007199254740993.0]}

# Nobody can work these out, so whoever gives them has seen them.
SECRET = question(["integer"], "integer", [([1], 734_912), ([2], 918_273)])
SECRETS = question(["integer"], "list<integer>", [([1], [734_912])])

# More values than fit into one method of a class, and texts that are no one constant.
LARGE: dict[str, Any] = {
    "list<integer>": list(range(-3_000, 3_000)),
    "map<integer;list<string>>": {each: ["", str(each)] for each in range(300)},
    "string": "aé" * 24_000,
}


def round_trips(
    language: str,
    code: str,
    *,
    function: str = "f",
    binary: bool = True,
    large: bool = False,
    leave_out: Sequence[str] = (),
) -> None:
    """Random values of nested types, and the edges of each primitive, go in and come out.

    Args:
        code: a candidate that gives its argument back, with `T` where its type stands.
        binary: doubles are binary; else decimal, which has not all of them.
        large: also values that are too many for one method of the JVM.
        leave_out: primitives that are not tried by themselves, as a program of each takes its time.
    """
    chance, asked = random.Random(language), []
    for kind in map(parse_type, TYPES):
        drawn = [values(chance, kind) for _ in range(12)]
        asked.append((kind, drawn if binary else list(filter(_decimal, drawn))))
    edges = {
        name: found + BINARY_EDGES.get(name, []) * binary for name, found in EDGES.items() if name not in leave_out
    }
    asked += [(Type(name), found) for name, found in edges.items()]
    asked += [(parse_type(name), [each]) for name, each in LARGE.items() if large]
    codes = [(_identity(kind, each), re.sub(r"\bT\b", _name(language, kind), code)) for kind, each in asked]
    told = judge(language, codes, function)
    for (kind, _), judgement in zip(asked, told, strict=True):
        assert judgement.verdict == Verdict.PASSED, (str(kind), judgement.reason)


def verdicts(language: str, codes: Mapping[str, tuple[str, Verdict, str]], function: str = "f") -> None:
    """Each candidate for doubling 2 and 5 has its verdict, and a part of its reason."""
    asked = question(["integer"], "integer", [([2], 4), ([5], 10)])
    told = judge(language, [(asked, code) for code, _, _ in codes.values()], function)
    for (name, (_, verdict, reason)), judgement in zip(codes.items(), told, strict=True):
        assert (judgement.verdict, reason in judgement.reason) == (verdict, True), (name, judgement)


def no_cheat_passes(
    language: str, cheats: Mapping[str, str], honest: str, function: str = "f", asked: Question = SECRET
) -> None:
    """None of the candidates that look for the answers, or for a way around them, is told to pass."""
    *told, right = judge(language, [(asked, code) for code in (*cheats.values(), honest)], function)
    assert {name: each for name, each in zip(cheats, told, strict=True) if each.verdict == Verdict.PASSED} == {}
    assert all(each.reason for each in told)
    assert not [name for name, each in zip(cheats, told, strict=True) if "compile" in each.reason], told
    assert right.verdict == Verdict.PASSED, right


def golden(language: str, shared_data: Path, *qids: str) -> None:
    """Solutions written by hand pass, and mutants of them fail; all of them in benchmarks/babelcode.py."""
    if reason := absent(language):
        pytest.skip(reason)
    folder, toolchain = shared_data / "babelcode", toolchains.find(language)
    assert toolchain is not None
    questions, _ = read_questions(folder / "bc_humaneval_questions.jsonl.gz")
    prompts, _ = read_prompts(folder / "bc_humaneval_prompts.jsonl.gz")
    ours = {prompt.qid: prompt for prompt in prompts if prompt.language == LANGUAGES[language].babelcode}
    codes = {qid: next((GOLDEN / language).glob(f"{qid}.*")).read_text() for qid in qids}
    asked = [(qid, each) for qid, code in codes.items() for each in (code, *mutants(code, 3))]
    told = driver.judge(LANGUAGES[language], toolchain, [(questions[qid], ours[qid], each) for qid, each in asked])
    for (qid, code), judgement in zip(asked, told, strict=True):
        if code == codes[qid]:
            assert judgement.verdict == Verdict.PASSED, (qid, judgement)
    assert Verdict.FAILED in [each.verdict for each in told]


def _identity(kind: Type, given: list[Any]) -> Question:
    return Question("q", (kind,), kind, tuple(Case(idx, (each,), each) for idx, each in enumerate(given)))


def _name(language: str, kind: Type) -> str:
    from codegem.evaluation.babelcode.languages import cpp, csharp, java, kotlin

    return {"cpp": cpp, "csharp": csharp, "java": java, "kotlin": kotlin}[language].name(kind)


def _decimal(data: Any) -> bool:
    """Whether all of it can be decimal numbers, with 28 digits before the point."""
    if isinstance(data, dict):
        return all(map(_decimal, data.values()))
    return all(map(_decimal, data)) if isinstance(data, list) else not isinstance(data, float) or abs(data) < 7e28
