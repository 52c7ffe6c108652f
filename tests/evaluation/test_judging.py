import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.evaluation.judging import Judged, judge
from codegem.evaluation.predictions import Prediction
from codegem.evaluation.run_folder import RunFolder
from codegem.evaluation.task import Judgement, Verdict
from codegem.sandbox.limits import SandboxError


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def right(count: int, group: str = "") -> list[Prediction]:
    return [Prediction(f"{group}{'/' if group else ''}{n}", str(2 * n)) for n in range(count)]


def rows(folder: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in folder.verdicts.read_text("utf-8").splitlines()]


def short(found: list[Judged]) -> list[tuple[str, int, str, str]]:
    return [(one.task_id, one.sample, str(one.verdict), one.reason) for one in found]


def test_each_answer_has_a_row_in_the_order_of_the_problems(toy: Any, folder: RunFolder) -> None:
    bench = toy(4)
    predictions = [Prediction("2", "4"), Prediction("0", "7"), Prediction("2", "5", 1), Prediction("1", "2")]
    found = judge(bench, bench.problems, predictions, folder, workers=3)
    assert short(found) == [
        ("0", 0, "failed", "not 7"),
        ("1", 0, "passed", ""),
        ("2", 0, "passed", ""),
        ("2", 1, "failed", "not 5"),
        ("3", 0, "failed", "no prediction"),
    ]
    written = rows(folder)
    assert [(row["task_id"], row["sample"], row["verdict"], row["reason"]) for row in written] == short(found)
    assert written[1]["measures"] == {"length": 1.0, "odd": 1.0} and written[1]["answer"] and not written[4]["answer"]


def test_missing_samples_are_wrong_where_their_number_is_known(toy: Any, folder: RunFolder) -> None:
    bench = toy(2)
    found = judge(bench, bench.problems, [Prediction("0", "0", 1)], folder, samples=2)
    assert [(one.key, str(one.verdict)) for one in found] == [
        (("0", 0), "failed"), (("0", 1), "passed"), (("1", 0), "failed"), (("1", 1), "failed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SandboxError("bwrap went away"), "the sandbox failed: bwrap went away"),
        (UserError("bubblewrap is not installed."), "bubblewrap is not installed."),
        (OSError("no more processes"), "the judge failed: OSError: no more processes"),
        (RecursionError(), "the judge failed: RecursionError: "),
    ],
)
def test_what_breaks_here_is_skipped_and_judged_again(
    toy: Any, folder: RunFolder, error: Exception, reason: str
) -> None:
    bench = toy(3, breaks=lambda text: error if text == "2" else None)
    assert short(judge(bench, bench.problems, right(3), folder)) == [
        ("0", 0, "passed", ""), ("1", 0, "skipped", reason), ("2", 0, "passed", ""),
    ]  # fmt: skip
    well = toy(3)
    assert {one.verdict for one in judge(well, well.problems, right(3), folder)} == {Verdict.PASSED}
    assert len(well.batches) == 1, "only the one that was skipped"
    assert len(rows(folder)) == 3


def test_a_sandbox_that_breaks_once_is_tried_again(toy: Any, folder: RunFolder) -> None:
    errors = iter([SandboxError("once")])
    bench = toy(1, breaks=lambda text: next(errors, None))
    assert short(judge(bench, bench.problems, right(1), folder)) == [("0", 0, "passed", "")]


def test_one_answer_does_not_take_its_batch_along(toy: Any, folder: RunFolder) -> None:
    bench = toy(7, size=4, breaks=lambda text: SandboxError("boom") if text == "4" else None)
    found = judge(bench, bench.problems, right(7), folder)
    assert [one.task_id for one in found if one.verdict == Verdict.SKIPPED] == ["2"]
    assert sorted(bench.batches) == [1, 1, 1, 1, 1, 3, 4], "four together, then alone, the broken one twice"


def test_batches_are_of_one_group(toy: Any, folder: RunFolder) -> None:
    bench = toy(3, ("go", "rust"), size=10)
    judge(bench, bench.problems, [*right(3, "go"), *right(3, "rust")], folder)
    assert bench.batches == [3, 3]


def test_too_few_judgements_are_our_mistake(toy: Any, folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = toy(2, size=2)
    monkeypatch.setattr(bench, "judge", lambda answers: [])
    assert {one.reason for one in judge(bench, bench.problems, right(2), folder)} == {
        "the judge failed: RuntimeError: 0 judgements of 1 answers"
    }


def test_a_group_that_cannot_be_judged_here_is_skipped(toy: Any, folder: RunFolder) -> None:
    bench = toy(2, ("go", "kotlin"), absent={"kotlin": "no kotlinc: install it"})
    predictions = [*right(2, "go"), *right(1, "kotlin")]
    assert short(judge(bench, bench.problems, predictions, folder)) == [
        ("go/0", 0, "passed", ""),
        ("go/1", 0, "passed", ""),
        ("kotlin/0", 0, "skipped", "no kotlinc: install it"),
        ("kotlin/1", 0, "failed", "no prediction"),
    ]


def test_what_the_source_lost_is_skipped_until_it_answers(toy: Any, folder: RunFolder) -> None:
    bench = toy(2)
    lost = {("1", 0): "the server hung"}
    assert short(judge(bench, bench.problems, right(1), folder, lost=lost))[1] == ("1", 0, "skipped", "the server hung")
    assert short(judge(bench, bench.problems, right(2), folder))[1] == ("1", 0, "passed", "")


def test_a_verdict_is_of_one_text(toy: Any, folder: RunFolder) -> None:
    """Another completion of the same problem is judged anew, and so is one that was not there before."""
    bench = toy(3)
    judge(bench, bench.problems, [Prediction("0", "9"), Prediction("1", "2")], folder)
    bench.batches.clear()
    found = judge(bench, bench.problems, right(3), folder)
    assert {one.verdict for one in found} == {Verdict.PASSED} and len(bench.batches) == 2


def test_verdicts_of_other_problems_stay(toy: Any, folder: RunFolder) -> None:
    bench = toy(5)
    judge(bench, bench.problems, right(5), folder)
    bench.batches.clear()
    assert len(judge(bench, bench.problems[:2], right(5), folder)) == 2
    assert len(judge(bench, bench.problems, right(5), folder)) == 5 and bench.batches == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_a_run_killed_at_any_byte_ends_as_if_it_had_not_been(
    toy: Any, tmp_path_factory: pytest.TempPathFactory, cuts: list[float]
) -> None:
    bench = toy(6, size=2)
    predictions = [*right(4), Prediction("4", "é\ud800")]
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    whole = short(judge(bench, bench.problems, predictions, folder))
    for cut in cuts:
        written = folder.verdicts.read_bytes()
        folder.verdicts.write_bytes(written[: round(cut * len(written))])
        assert short(judge(bench, bench.problems, predictions, folder)) == whole
        assert len(rows(folder)) == 6


def test_an_interrupt_keeps_what_is_judged_and_drops_what_was_under_way(toy: Any, folder: RunFolder) -> None:
    """What ends while we stop may have ended because we stop: Ctrl-C reaches every process of the terminal."""
    bench = toy(4)
    release, judged = threading.Event(), bench.judge

    def slow(answers: Any) -> list[Judgement]:
        if answers[0][0].task_id == "0":
            return judged(answers)
        release.wait(10)
        return [Judgement(Verdict.ERROR, "killed by signal 2")]

    bench.judge = slow

    def interrupt(stage: str, done: int, total: int, unit: str) -> None:
        if done == 1:
            threading.Timer(0.05, release.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(bench, bench.problems, right(4), folder, workers=2, progress=interrupt)
    assert [row["task_id"] for row in rows(folder)] == ["0"]
    bench.judge = judged
    assert {one.verdict for one in judge(bench, bench.problems, right(4), folder)} == {Verdict.PASSED}


def test_progress_begins_with_what_is_there(toy: Any, folder: RunFolder) -> None:
    bench, told = toy(3), []
    judge(bench, bench.problems[:2], right(2), folder)
    judge(bench, bench.problems, right(3), folder, progress=lambda *state: told.append(state))
    assert told == [("judging toy", 2, 3, "answers"), ("judging toy", 3, 3, "answers")]


def test_sentences(toy: Any, folder: RunFolder) -> None:
    bench = toy(1)
    with pytest.raises(UserError, match="at least 1 worker, not 0"):
        judge(bench, bench.problems, [], folder, workers=0)
    folder.verdicts.write_text('{"task_id": "0", "sample": 0, "verdict": "maybe", "answer": ""}\n', "utf-8")
    with pytest.raises(UserError, match=r"verdicts\.jsonl, line 1: 'maybe' is no verdict"):
        judge(bench, bench.problems, [], folder)
    folder.verdicts.write_text('{"task_id": "0", "verdict": "passed"}\n', "utf-8")
    with pytest.raises(UserError, match=r"line 1: the field 'sample' is missing"):
        judge(bench, bench.problems, [], folder)
