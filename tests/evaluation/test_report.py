import json
from pathlib import Path
from typing import Any

import pytest

from codegem.errors import UserError
from codegem.evaluation.judging import Judged
from codegem.evaluation.predictions import Prediction
from codegem.evaluation.report import Report, machine, make_report, read_report, to_json
from codegem.evaluation.scoring import bootstrap, estimate, pass_at_k, wilson
from codegem.evaluation.summary import summary, unjudged
from codegem.evaluation.task import Verdict

PASSED, FAILED, SKIPPED = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED


def verdicts(*rows: tuple[str, int, Verdict]) -> list[Judged]:
    return [
        Judged(task, sample, verdict, "why" if verdict != PASSED else "", answer="a") for task, sample, verdict in rows
    ]


def report(bench: Any, predictions: list[Prediction], judged: list[Judged]) -> Report:
    return make_report(bench, bench.problems, predictions, judged, model="m", settings={"seed": 3})


def test_a_row_for_each_group_with_its_counts(toy: Any) -> None:
    bench = toy(3, ("go", "rust"))
    judged = [
        *verdicts(("go/0", 0, PASSED), ("go/1", 0, FAILED), ("go/2", 0, Verdict.TIMED_OUT)),
        *verdicts(("rust/0", 0, Verdict.ERROR), ("rust/1", 0, SKIPPED)),
        Judged("rust/2", 0, FAILED, "no prediction"),
    ]
    predictions = [
        Prediction("go/0", "0", tokens=4, stop_reason="stop", seconds=1.5, cut=True),
        Prediction("go/1", "1" * 900, tokens=8, stop_reason="length", seconds=2.0, max_tokens=9),
        Prediction("go/2", "2", stop_reason="stop", max_tokens=7),
        Prediction("rust/0", "x"),
    ]
    go, rust = report(bench, predictions, judged).rows
    assert (go.group, go.problems, go.counted, go.samples) == ("go", 3, 3, 1)
    assert (go.passed, go.failed, go.timed_out, go.error, go.skipped) == (1, 1, 1, 0, 0)
    assert (go.tokens, go.cut, go.lowered_to, go.seconds) == (4.0, 1, 7, 3.5)
    assert go.pass_at == {"1": estimate([1, 0, 0])} and (go.pass_at["1"].low, go.pass_at["1"].high) == wilson(1, 3)
    assert go.stopped == estimate([1, 0, 1])
    assert [(one.task_id, one.verdict, len(one.text)) for one in go.failures] == [
        ("go/1", "failed", 600), ("go/2", "timed_out", 1),
    ]  # fmt: skip
    assert (rust.counted, rust.error, rust.skipped, rust.failed, rust.without_prediction) == (2, 1, 1, 1, 1)
    assert rust.skipped_reasons == {"why": 1} and rust.pass_at["1"].value == 0 and rust.stopped is None


def test_several_samples_give_pass_at_k_with_intervals_over_problems(toy: Any) -> None:
    bench = toy(3)
    passed = {"0": 10, "1": 3, "2": 0}
    judged = verdicts(*((t, n, PASSED if n < passed[t] else FAILED) for t in passed for n in range(10)))
    (row,) = report(bench, [], judged).rows
    assert list(row.pass_at) == ["1", "10"] and row.samples == 10
    values = [1.0, 0.3, 0.0]
    assert row.pass_at["1"].value == pytest.approx(1.3 / 3)
    assert (row.pass_at["1"].low, row.pass_at["1"].high) == bootstrap(values)
    assert row.pass_at["10"].value == pytest.approx((1 + pass_at_k(10, 3, 10) + 0) / 3)


def test_problems_with_fewer_samples_bound_k_and_one_without_any_does_not(toy: Any) -> None:
    bench = toy(3)
    judged = verdicts(*(("0", n, FAILED) for n in range(10)), *(("1", n, PASSED) for n in range(12)))
    (row,) = report(bench, [], [*judged, Judged("2", 0, FAILED, "no prediction")]).rows
    assert {k: each.value for k, each in row.pass_at.items()} == {"1": pytest.approx(1 / 3), "10": pytest.approx(1 / 3)}
    (row,) = report(bench, [], [*judged, *verdicts(("2", 0, PASSED))]).rows
    assert list(row.pass_at) == ["1"]


def test_skipped_problems_are_left_out_and_it_is_said(toy: Any) -> None:
    bench = toy(2)
    made = report(bench, [], verdicts(("0", 0, PASSED), ("0", 1, PASSED), ("1", 0, PASSED), ("1", 1, SKIPPED)))
    assert made.rows[0].pass_at["1"].value == 1 and made.rows[0].counted == 1
    assert "NOT JUDGED: 1 answers were skipped: why" in summary(made) and unjudged(made) == ""
    nothing = report(bench, [], verdicts(("0", 0, SKIPPED), ("1", 0, SKIPPED)))
    assert nothing.rows[0].pass_at == {} and unjudged(nothing) == "No answer could be judged: why"


def test_measures_are_means_over_the_problems_that_have_them(toy: Any) -> None:
    bench = toy(3)
    judged = [
        Judged("0", 0, PASSED, measures={"repaired": 1.0, "similarity": 0.25}, answer="a"),
        Judged("1", 0, FAILED, measures={"repaired": 0.0, "similarity": 0.5}, answer="a"),
        Judged("2", 0, FAILED, measures={"repaired": 1.0}, answer="a"),
    ]
    measures = report(bench, [], judged).rows[0].measures
    assert (measures["repaired"].low, measures["repaired"].high) == wilson(2, 3)
    assert measures["similarity"].value == 0.375 and measures["similarity"].low >= 0.25


def test_a_report_says_what_made_it_and_comes_back(toy: Any, tmp_path: Path) -> None:
    bench = toy(2)
    judged = [Judged("0", 0, PASSED, measures={"x": 0.5}, wall=1.25, answer="a"), *verdicts(("1", 0, FAILED))]
    made = report(bench, [Prediction("1", "half \ud800 a pair", seconds=2.0, stop_reason="stop")], judged)
    assert made.tools == {"abacus": "1.0"} and made.settings == {"seed": 3} and made.data == bench.data
    assert made.seconds == {"predict": 2.0, "judge": 1.2} and made.codegem.count(".") == 2
    (tmp_path / "report.json").write_text(to_json(made), "utf-8")
    assert to_json(read_report(tmp_path / "report.json")) == to_json(made)
    assert json.loads(to_json(made))["rows"][0]["failures"][0]["text"] == "half \ud800 a pair"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": [{}]}', '{"rows": 3}', "\udcff"])
def test_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=r"is no report of `codegem eval`"):
        read_report(tmp_path / "report.json")


def test_the_machine_is_named() -> None:
    assert machine().keys() == {"system", "processor", "cores", "memory", "python"} and machine()["cores"] >= 1
