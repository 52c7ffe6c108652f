import json
from pathlib import Path
from typing import Any

import pytest

from codegem.errors import UserError
from codegem.evaluation.evaluate import evaluate, score
from codegem.evaluation.predictions import Prediction, read_predictions
from codegem.evaluation.report import read_report
from codegem.evaluation.runner import Sampling


def files(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir())


def test_a_whole_run(toy: Any, doubler: Any, tmp_path: Path) -> None:
    bench, out = toy(6), tmp_path / "run"
    made = evaluate(bench, bench.problems, doubler(wrong=(3,)), out, settings={"order": None})
    assert files(out) == ["predictions.jsonl", "report.json", "run.json", "verdicts.jsonl"]
    assert (made.rows[0].passed, made.rows[0].failed, made.model) == (5, 1, "doubler")
    assert made.settings == {"samples": 1, "temperature": 0.0, "top_p": 1.0, "seed": 0, "order": None}
    assert read_report(out / "report.json").rows[0].failures[0].text == "4"


def test_more_problems_and_samples_are_added_to_a_run(toy: Any, doubler: Any, tmp_path: Path) -> None:
    bench = toy(6)
    warm = {"temperature": 0.7, "seed": 1}
    evaluate(bench, bench.problems[:2], doubler(), tmp_path, sampling=Sampling(2, **warm))
    source = doubler()
    made = evaluate(bench, bench.problems, source, tmp_path, sampling=Sampling(3, **warm))
    assert len(source.asked) == 14 and made.rows[0].samples == 3
    fewer = evaluate(bench, bench.problems[:1], doubler(), tmp_path, sampling=Sampling(1, **warm))
    assert (fewer.rows[0].problems, fewer.rows[0].samples) == (1, 1)
    assert len((tmp_path / "verdicts.jsonl").read_text("utf-8").splitlines()) == 18


def test_other_settings_are_another_run(toy: Any, doubler: Any, tmp_path: Path) -> None:
    bench = toy(2)
    evaluate(bench, bench.problems, doubler(), tmp_path)
    for change in ({"sampling": Sampling(seed=1)}, {"settings": {"order": "spm"}}):
        with pytest.raises(UserError, match="holds another run"):
            evaluate(bench, bench.problems, doubler(), tmp_path, **change)
    with pytest.raises(UserError, match='model was "doubler" and is "other"'):
        evaluate(bench, bench.problems, doubler(name="other"), tmp_path)


def test_what_a_server_lost_is_skipped_and_asked_again(toy: Any, doubler: Any, tmp_path: Path) -> None:
    bench = toy(4)
    row = evaluate(bench, bench.problems, doubler(loses={2: "hung"}), tmp_path).rows[0]
    assert (row.passed, row.skipped, row.skipped_reasons, row.pass_at["1"].value) == (3, 1, {"hung": 1}, 1.0)
    row = evaluate(bench, bench.problems, doubler(), tmp_path).rows[0]
    assert (row.passed, row.skipped) == (4, 0)


def test_scoring_what_others_made(toy: Any, doubler: Any, tmp_path: Path) -> None:
    bench = toy(3)
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps({"task_id": t, "completion": c}) + "\n" for t, c in [("0", "0"), ("2", "9")]))
    found = read_predictions(file, {problem.task_id for problem in bench.problems})
    made = score(bench, bench.problems, found, tmp_path / "out", model="theirs")
    assert (made.rows[0].passed, made.rows[0].failed, made.rows[0].without_prediction) == (1, 2, 1)
    assert made.rows[0].stopped is None and made.model == "theirs"
    assert files(tmp_path / "out") == ["report.json", "run.json", "verdicts.jsonl"]


def test_scoring_our_own_predictions_gives_the_same_verdicts(toy: Any, doubler: Any, tmp_path: Path) -> None:
    bench = toy(6)
    first = evaluate(bench, bench.problems, doubler(wrong=(1, 4)), tmp_path / "run")
    found: list[Prediction] = read_predictions(tmp_path / "run" / "predictions.jsonl", [str(n) for n in range(6)])
    again = score(bench, bench.problems, found, tmp_path / "again", model="doubler")
    assert again.rows[0].pass_at == first.rows[0].pass_at and again.rows[0].tokens == first.rows[0].tokens
