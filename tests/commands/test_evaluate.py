"""`codegem eval …`, as a person and a program use it: a small benchmark of our own, and a source without a model."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from codegem.cli import main
from codegem.commands import opening
from codegem.commands.opening import Opened
from codegem.evaluation import python_judge
from codegem.evaluation.runner import whole
from codegem.generate import Chunk, Request, StopReason
from codegem.sandbox.limits import SandboxError

NUMBERS = {"double": "2 * n", "square": "n * n", "negate": "-n"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three problems in HumanEval's fields."""
    rows = [
        {
            "task_id": f"Ours/{number}",
            "prompt": f'def {name}(n):\n    """{name} n"""\n',
            "entry_point": name,
            "canonical_solution": f"    return {answer}\n",
            "test": f"def check(candidate):\n    n = 3\n    assert candidate(n) == {answer}\n",
        }
        for number, (name, answer) in enumerate(NUMBERS.items())
    ]
    file = tmp_path / "data" / "HumanEval.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


class Author:
    """Knows two of the three answers."""

    name = "author"

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Chunk]:
        self.asked += requests
        for index, request in enumerate(requests):
            name = str(request.prompt).partition("(")[0].removeprefix("def ")
            text = f"    return {NUMBERS[name]}\n" if name != "square" else "    return n + 1\n"
            yield Chunk(index, text, 5, StopReason.STOP)


@pytest.fixture
def author(monkeypatch: pytest.MonkeyPatch) -> Author:
    """The model that every --model names."""
    made = Author()
    monkeypatch.setattr(
        opening, "open_source", lambda model, order=None, parallel=4: Opened(made, whole, {"context": 4096})
    )
    return made


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """A function that runs a command in an empty folder: its exit status."""
    monkeypatch.chdir(tmp_path)
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return lambda *words: main([str(word) for word in words])


def test_a_run_from_the_command_line(
    data: Path, author: Author, outcomes: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert outcomes("eval", "humaneval", "--model", "dir/author", "--data", data) == 0
    told = capsys.readouterr()
    assert told.out.startswith("author on humaneval\n  all: 3 problems, 2 passed, 1 failed, 0 timed out,")
    assert told.out.endswith("evaluations/humaneval-dir-author/report.json\n")
    assert "generating humaneval: 3 of 3 answers" in told.err and "judging humaneval: 3 of 3 answers" in told.err
    folder = tmp_path / "evaluations" / "humaneval-dir-author"
    assert {path.name for path in folder.iterdir()} == {
        "run.json", "predictions.jsonl", "verdicts.jsonl", "report.json",
    }  # fmt: skip
    verdicts = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text("utf-8").splitlines()]
    assert [(row["task_id"], row["verdict"]) for row in verdicts] == [
        ("Ours/0", "passed"), ("Ours/1", "failed"), ("Ours/2", "passed"),
    ]  # fmt: skip


def test_json_limits_and_samples(
    data: Path, author: Author, outcomes: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--data", data.parent, "--limit", 2, "--samples", 3, "--temperature", 0.5, "--max-tokens", 9, "--json"]
    assert outcomes("eval", "humaneval", "--out", tmp_path / "run", *words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"][0]["pass_at"]["1"]["value"] == 0.5 and told["rows"][0]["samples"] == 3
    assert told["settings"]["temperature"] == 0.5 and told["settings"]["context"] == 4096
    assert len(author.asked) == 6 and {request.max_tokens for request in author.asked} == {9}
    assert len({request.seed for request in author.asked}) == 6
    assert outcomes("eval", "humaneval", "--out", tmp_path / "run", *words) == 0
    assert len(author.asked) == 6, "nothing is asked twice"
    assert outcomes("eval", "humaneval", "--out", tmp_path / "run", "--data", data) == 1
    assert "holds another run" in capsys.readouterr().err


def test_scoring_the_files_of_others(
    data: Path, outcomes: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text('{"task_id": "Ours/0", "completion": "    return n + n"}\n', "utf-8")
    command = ["eval", "score", file, "--benchmark", "humaneval", "--data", data]
    assert outcomes(*command) == 0
    told = capsys.readouterr().out
    assert (
        "3 problems, 1 passed, 2 failed" in told and "NO PREDICTION: 2 answers are missing and count as wrong" in told
    )
    assert (tmp_path / "evaluations").is_dir()
    assert outcomes(*command, "--limit", 1, "--out", tmp_path / "one", "--model", "theirs", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"][0]["pass_at"]["1"]["value"] == 1.0 and told["model"] == "theirs"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["eval", "humaneval", "--data", "absent"], 1, "absent does not exist; give --data a file or folder"),
        (["eval", "humaneval", "--samples", "2"], 1, "2 samples at temperature 0 are all the same; set --temperature"),
        (["eval", "humaneval", "--limit", "0", "--data", "DATA"], 1, "--limit is 0; it must be at least 1"),
        (["eval", "humaneval", "--workers", "0", "--data", "DATA"], 1, "at least 1 worker, not 0"),
        (["eval", "humaneval", "--order", "sideways"], 2, "sideways"),
        (["eval", "infilling", "--split", "double-line"], 2, "double-line"),
        (["eval", "infilling", "--data", "DATA"], 1, "is one file, and HumanEval-SingleLineInfilling.jsonl.gz and"),
        (
            ["eval", "score", "absent.jsonl", "--benchmark", "humaneval", "--data", "DATA"],
            1,
            "absent.jsonl can't be read",
        ),
        (["eval", "score", "DATA", "--benchmark", "humaneval", "--data", "DATA"], 1, "'completion' is missing"),
        (["eval", "score", "DATA", "--benchmark", "gsm8k"], 2, "gsm8k"),
        (["eval", "score", "DATA"], 2, "--benchmark"),
        (["eval", "score", "DATA", "--benchmark", "mbpp", "--parts", "go"], 2, "mbpp has no 'go'; it has no parts"),
        (["eval", "everything"], 2, "There is no command 'eval everything'"),
    ],
)
def test_mistakes_are_one_sentence(
    data: Path,
    author: Author,
    outcomes: Any,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    sentence: str,
) -> None:
    words = [str(data) if word == "DATA" else word for word in words]
    try:
        found = outcomes(*words)
    except SystemExit as stopped:  # tyro's own way for words that fit no option
        found = stopped.code
    told = capsys.readouterr()
    assert found == status and sentence in told.err + told.out and "Traceback" not in told.err


def test_without_a_sandbox_nothing_is_judged_and_nothing_is_wrong(
    data: Path,
    author: Author,
    outcomes: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise SandboxError("it went away")

    with monkeypatch.context() as patch:
        patch.setattr(python_judge, "run", broken)
        assert outcomes("eval", "humaneval", "--data", data) == 1
    told = capsys.readouterr()
    assert "NOT JUDGED: 3 answers were skipped: the sandbox failed: it went away" in told.out
    assert "codegem: No answer could be judged: the sandbox failed" in told.err
    assert outcomes("eval", "humaneval", "--data", data) == 0
    assert "3 problems, 2 passed" in capsys.readouterr().out and len(author.asked) == 3


def test_stopping_says_that_the_same_command_goes_on(
    data: Path,
    author: Author,
    outcomes: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generate = author.generate

    def stopped(requests: Sequence[Request]) -> Iterator[Chunk]:
        for chunk in generate(requests):
            yield chunk
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(author, "generate", stopped)
        assert outcomes("eval", "humaneval", "--data", data) == 130
    assert "humaneval-nano keeps what is done; the same command goes on from there." in capsys.readouterr().err
    author.asked.clear()
    assert outcomes("eval", "humaneval", "--data", data) == 0
    assert len(author.asked) == 2


@pytest.mark.parametrize(
    "name", ["humaneval", "infilling", "mbpp", "bc-humaneval", "bc-mbpp", "repository", "score", "card"]
)
def test_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["eval", name, "--help"])
    told = capsys.readouterr().out
    assert stopped.value.code == 0 and f"codegem eval {name} " in told.partition("options")[0].partition("\n\n")[2]
