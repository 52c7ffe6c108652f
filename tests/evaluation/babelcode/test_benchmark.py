import json
from pathlib import Path
from typing import Any

import pytest

from codegem.errors import UsageError, UserError
from codegem.evaluation.babelcode.benchmark import load
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.task import Verdict

from .running import absent

SIGNATURES = {
    "Python": ("def f(x):", '\n    """Twice x."""'),
    "Go": ("// Twice x.\nfunc f(x int) int {", ""),
    "Rust": ("/// Twice x.\npub fn f(x: i32) -> i32 {", ""),
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two questions of our own, in three languages."""
    schema = {"params": [{"name": "x", "type": "integer"}], "return": {"type": "integer"}}
    tests = [{"idx": idx, "inputs": {"x": idx}, "outputs": 2 * idx} for idx in range(3)]
    asked = [{"qid": qid, "entry_fn_name": "f", "schema": schema, "test_list": tests} for qid in ("1", "2")]
    prompts = [
        {
            "language": language,
            "qid": qid,
            "signature": signature,
            "signature_with_docstring": signature + docstring,
            "entry_fn_name": "f",
            "entry_cls_name": "Solution",
            "arguments": ["x"],
        }
        for language, (signature, docstring) in SIGNATURES.items()
        for qid in ("2", "1")
    ]
    return lines(tmp_path / "questions.jsonl", asked), lines(tmp_path / "prompts.jsonl", prompts)


def lines(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_problems(files: tuple[Path, Path]) -> None:
    benchmark = load("bc-humaneval", *files, ["rust", "python", "rust"])
    assert [problem.task_id for problem in benchmark.problems] == [
        f"bc-humaneval/{language}/{qid}" for language in ("rust", "python") for qid in ("1", "2")
    ]
    first, last = benchmark.problems[0], benchmark.problems[-1]
    assert (first.group, first.prompt, first.stop) == ("rust", SIGNATURES["Rust"][0], ("\n}",))
    assert (last.group, last.prompt, last.max_tokens) == ("python", "".join(SIGNATURES["Python"]), 512)
    assert [file.records for file in benchmark.data] == [2, 6]
    assert benchmark.completion(first, "\n    x + x") == "\n    x + x\n}"
    assert benchmark.completion(last, "\n    return x\ndef g():") == "\n    return x"


def test_judging(files: tuple[Path, Path]) -> None:
    if reason := absent("python"):
        pytest.skip(reason)
    benchmark = load("bc-mbpp", *files, ["python"])
    problem = benchmark.problems[0]
    bodies = ["\n    return x + x", "\n    return x * x", "\n    return y", "\n    return (", ""]
    told = benchmark.judge([(problem, body) for body in bodies])
    assert [each.verdict.value for each in told] == ["passed", "failed", "error", "error", "failed"]
    assert told[1].reason == "test 1 gave 1, expected 2"
    assert benchmark.judge([]) == []
    assert benchmark.batch("python") >= 1 and benchmark.missing("python") == ""
    assert benchmark.tools()["python"].startswith("Python 3")


def test_a_group_without_a_toolchain_says_so(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = load("bc-mbpp", *files, ["go"])
    monkeypatch.setattr("codegem.sandbox.toolchains.find", lambda language: None)
    monkeypatch.setattr("codegem.sandbox.toolchains.missing", lambda language: "no go: install golang-go")
    assert benchmark.missing("go") == "no go: install golang-go" and benchmark.tools() == {}
    with pytest.raises(UserError, match="no go: install golang-go"):
        benchmark.judge([(benchmark.problems[0], "")])


def test_what_does_not_fit_together(files: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="no language 'cobol'; its languages are cpp, csharp"):
        load("bc-mbpp", *files, ["cobol"])
    with pytest.raises(UserError, match=r"prompts\.jsonl has no prompt in Javascript for question 1\."):
        load("bc-mbpp", *files, ["javascript"])


@pytest.mark.parametrize(
    ("name", "file", "count"), [("bc-humaneval", "bc_humaneval", 161), ("bc-mbpp", "bc_mbpp_sanitized", 342)]
)
def test_the_public_data(name: str, file: str, count: int, shared_data: Path) -> None:
    folder = shared_data / "babelcode"
    benchmark = load(name, folder / f"{file}_questions.jsonl.gz", folder / f"{file}_prompts.jsonl.gz")
    assert len(benchmark.problems) == count * len(LANGUAGES) == len({each.task_id for each in benchmark.problems})
    # Every program can be written: no type or value is missing in any language.
    for problem in benchmark.problems:
        language, asked = LANGUAGES[problem.group], problem.details
        assert problem.prompt == asked.prompt.text and asked.prompt.text.rstrip().endswith(("{", '"""'))
        assert benchmark.completion(problem, "\n x") and language.name == problem.group


def test_some_of_the_data_s_own_solutions(shared_data: Path) -> None:
    """All of them, in benchmarks/babelcode.py: 161 of 161 and 312 of 342."""
    if reason := absent("python"):
        pytest.skip(reason)
    folder = shared_data / "babelcode"
    for name, wrong in (("bc_humaneval", set()), ("bc_mbpp_sanitized", {"106", "160", "395", "746"})):
        benchmark = load("bc", *(folder / f"{name}_{each}.jsonl.gz" for each in ("questions", "prompts")), ["python"])
        chosen = [each for each in benchmark.problems if each.details.question.qid in wrong] + list(
            benchmark.problems[:12]
        )
        told = benchmark.judge([(each, "\n" + each.details.question.solution) for each in chosen])
        failed = {
            each.details.question.qid
            for each, judged in zip(chosen, told, strict=True)
            if judged.verdict != Verdict.PASSED
        }
        assert failed == wrong
