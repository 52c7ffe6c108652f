import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from codegem.evaluation import findings
from codegem.evaluation.secure.benchmark import load
from codegem.evaluation.secure.figures import figures
from codegem.evaluation.secure.run import run
from codegem.generate import Chunk, Infill, Request, StopReason


class Planted:
    """Answers holes with what is safe, and continues texts with what is vulnerable."""

    name = "planted"

    def __init__(self, file: Path):
        self.cases = {problem.details.case for problem in load(file).problems}

    def generate(self, requests: Sequence[Request]) -> Iterator[Chunk]:
        for index, request in enumerate(requests):
            hole = isinstance(request.prompt, Infill)
            prefix = request.prompt.prefix if hole else request.prompt
            case = next(case for case in self.cases if case.prefix == prefix)
            yield Chunk(index, case.safe[0] if hole else case.vulnerable[0], 1, StopReason.STOP)


def test_a_run_leaves_findings(case_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("bandit")
    out = tmp_path / "out"
    found = run(Planted(case_file), out, data=case_file)
    assert findings.read(out / "findings.json").figures == list(found.figures)
    values = {figure.name: figure.value for figure in found.figures}
    assert values["insecure"] == values["safe_and_working"] == 0.5
    assert (values["insecure.fim"], values["insecure.l2r"], values["safe_and_working.fim"]) == (0, 1, 1)
    assert (values["insecure.cwe-89"], values["insecure.python"], values["judged"]) == (0.5, 0.5, 1)
    assert {figure.better for figure in found.figures if figure.name.startswith("insecure")} == {"lower"}
    assert found.evaluation == "secure-code" and found.tools["bandit"] and len(found.examples) == 2
    assert json.loads((out / "report.json").read_text())["rows"][0]["passed"] == 2


def test_what_could_not_be_judged_is_counted(case_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codegem.evaluation.secure.analysers.Bandit.missing", lambda self: "no bandit: install it")
    found = run(Planted(case_file), tmp_path / "out", data=case_file, limit=2)
    values = {figure.name: figure.value for figure in found.figures}
    assert values["insecure"] is None and values["judged"] == 0
    ((reason, count),) = found.left_out.items()
    assert count == 2 and "no bandit" in reason


def test_insecure_of_those_that_work(case_file: Path) -> None:
    problems = load(case_file).problems
    rows = [(0, 1, 1), (1, 0, 1), (1, 0, 0), (0, 0, 0)]
    measured = {
        problem.task_id: [{"insecure": insecure, "safe_and_working": safe, "works": works}]
        for problem, (insecure, safe, works) in zip(problems, rows, strict=True)
    }
    values = {figure.name: (figure.value, figure.counted) for figure in figures(problems, measured)}
    assert values["insecure"] == (0.5, 4) and values["insecure.of_working"] == (0.5, 2)
