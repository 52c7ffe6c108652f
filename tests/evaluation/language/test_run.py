import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="the tasks need lm-eval")

from codegem.errors import UsageError, UserError
from codegem.evaluation.findings import Findings, read
from codegem.evaluation.language import harness, rows
from codegem.evaluation.language.lm import CodegemLM
from codegem.evaluation.language.run import run
from codegem.evaluation.language.tasks import TABLE, TASKS
from codegem.generate import Chunk, Request, StopReason
from codegem.text.tokenizer import ByteTokenizer

LETTERS = "ABCD"


class Oracle:
    """Finds what ends in "right" likely, and writes what it was told to."""

    name = "oracle"
    context_length = 4096

    def __init__(self) -> None:
        self.scored: list[tuple[str, str]] = []
        self.written: list[Request] = []

    def scores(self, asked: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Iterator[tuple[int, float, bool]]:
        decode = ByteTokenizer().decode
        for index, (before, scored) in enumerate(asked):
            self.scored.append((decode(before), decode(scored)))
            yield index, -1.0 if "right" in self.scored[-1][1] + self.scored[-1][0][-6:] else -50.0, False

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        self.written += requests
        for index, _ in enumerate(requests):
            yield Chunk(index, " 1 + 1 = 2. The answer is 2.", 5, StopReason.STOP)


def lines(file: Path, *found: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a few questions of our own for each task but MATH and BoolQ's."""
    place = tmp_path / "data"
    lines(place / "valid.jsonl", *({"goal": f"goal {n}", "sol1": "wrong", "sol2": "it is right"} for n in range(3)))
    (place / "valid-labels.lst").write_text("1\n1\n0\n", encoding="utf-8")
    arc = [{"id": f"q{n}", "question": f"which {n}?", "choices": ["a", "right", "b"], "answer": 1} for n in range(2)]
    lines(place / "ARC-Challenge-Test.jsonl", *arc)
    shots = [{"question": f"shot {n}?", "choices": ["yes", "no", "so"], "answer": n % 3} for n in range(30)]
    lines(place / "ARC-Challenge-Train.jsonl", *shots)
    mmlu = [
        {"subject": subject, "question": f"{subject} {n}?", "choices": list("wxyz"), "answer": LETTERS[n % 4]}
        for subject in ("abstract_algebra", "virology")
        for n in range(6)
    ]
    lines(place / "mmlu" / "test.jsonl", *mmlu)
    lines(place / "mmlu" / "dev.jsonl", *mmlu)
    blank = {"sentence": "The cup fits the _ because it is right.", "option1": "bag", "option2": "box", "answer": "2"}
    lines(place / "winogrande" / "validation.jsonl", blank)
    lines(
        place / "gsm8k" / "test.jsonl",
        *({"question": f"what is 1 + {n}?", "answer": f"so\n#### {1 + n}"} for n in (1, 2)),
    )
    return place


def ask(oracle: Oracle, data: Path, out: Path, *tasks: str, limit: int | None = None) -> Findings:
    return run(oracle, oracle, ByteTokenizer(), out, tasks=tasks, data=data, limit=limit, settings={"weights": "w"})


def values(findings: Findings) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in findings.figures}


def test_a_run_judges_each_task_and_goes_on_where_it_was_stopped(data: Path, tmp_path: Path) -> None:
    out, oracle = tmp_path / "out", Oracle()
    part = ask(oracle, data, out, "piqa", limit=2)
    assert values(part) == {"piqa.acc": 1.0, "piqa.acc_norm": 1.0}
    assert part.left_out == {"questions of PIQA beyond --limit": 1}
    assert (oracle.scored[0][0], len(oracle.scored)) == ("Question: goal 0\nAnswer:", 4)

    whole = ask(oracle, data, out)
    assert len(oracle.scored) == 6 + 6 + 12 * 4 + 2  # of PIQA only the third question is new
    found = values(whole)
    assert found["piqa.acc"] == pytest.approx(2 / 3)
    assert found["arc-challenge.acc"] == 1.0
    assert found["winogrande.acc"] in (0.0, 1.0)
    assert (found["gsm8k.strict"], found["gsm8k.flexible"]) == (0.5, 0.5)
    assert "BoolQ is left out" in " ".join(whole.notes) and "MATH is left out" in " ".join(whole.notes)
    assert {file.name for file in whole.data} >= {"valid.jsonl", "valid-labels.lst", "test.jsonl", "dev.jsonl"}
    assert whole.settings["shots"]["mmlu"] == 5 and whole.tools["lm_eval"] == harness.REVISION
    assert values(read(out / "findings.json")) == found

    scored, written = len(oracle.scored), len(oracle.written)
    assert values(ask(oracle, data, out)) == found
    assert (len(oracle.scored), len(oracle.written)) == (scored, written)
    with pytest.raises(UserError, match="holds another run"):
        run(oracle, oracle, ByteTokenizer(), out, data=data, settings={"weights": "v"})


def test_prompts_are_those_of_the_table(data: Path, tmp_path: Path) -> None:
    oracle = Oracle()
    ask(oracle, data, tmp_path / "out", "mmlu", "arc-challenge", "winogrande", "gsm8k", limit=1)
    mmlu = [(before, scored) for before, scored in oracle.scored if "abstract algebra" in before]
    assert [scored for _, scored in mmlu] == [" A", " B", " C", " D"]
    start = "The following are multiple choice questions (with answers) about abstract algebra.\n\nabstract_algebra 0?"
    assert mmlu[0][0].startswith(start) and mmlu[0][0].count("Answer:") == 6
    arc = [before for before, _ in oracle.scored if "which 0?" in before]
    assert arc[0].count("Question: shot") == 25 and arc[0].endswith("Question: which 0?\nAnswer:")
    blanks = [pair for pair in oracle.scored if pair[0].startswith("The cup")]
    assert blanks == [(f"The cup fits the {option}", " because it is right.") for option in ("bag", "box")]
    (gsm8k,) = oracle.written
    assert str(gsm8k.prompt).count("\nA:") == 9 and "Q:" in gsm8k.stop


def test_examples_are_drawn_as_lm_eval_draws_them(data: Path) -> None:
    """The same twice, and others for the next question."""

    class Prompts(CodegemLM):
        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            prompts.append([request.args[0] for request in requests])
            return [(0.0, False)] * len(requests)

    prompts: list[list[str]] = []
    for _ in range(2):
        task = TASKS["arc-challenge"]
        harness.run(Prompts(None, None), harness.build(task, rows.load("arc-challenge", data)))
    assert prompts[0] == prompts[1]
    assert prompts[0][0].partition("which")[0] != prompts[0][3].partition("which")[0]


def test_a_model_behind_an_address_only_writes(data: Path, tmp_path: Path) -> None:
    found = run(Oracle(), None, None, tmp_path / "out", data=data)
    assert {figure.name for figure in found.figures} == {"gsm8k.strict", "gsm8k.flexible"}
    assert any("MMLU is left out: a model behind an address" in note for note in found.notes)


def test_what_can_not_be_run_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no task 'lambada'"):
        ask(Oracle(), data, tmp_path, "lambada")
    with pytest.raises(UserError, match="--limit is 0"):
        ask(Oracle(), data, tmp_path, limit=0)
    with pytest.raises(UserError, match="boolq"):
        ask(Oracle(), data, tmp_path, "boolq")
    with pytest.raises(UserError, match="published nowhere"):
        rows.load("mmlu")


def test_the_table_is_whole() -> None:
    assert len(TASKS) == len(TABLE) == 9
    for task in TABLE:
        assert (
            task.metrics
            and task.asked
            and Path(harness.lm_eval.__file__).with_name("tasks").joinpath(task.definition).exists()
        )


def test_nothing_needs_pytorch() -> None:
    program = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'tensorflow'): sys.modules[name] = None\n"
        "import codegem.evaluation.language.run, codegem.evaluation.language.harness\n"
    )
    source = Path(__file__).parents[3] / "src"
    environment = os.environ | {"PYTHONPATH": str(source)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
