import json
from pathlib import Path

import pytest

from codegem.cli import main
from codegem.errors import UserError
from codegem.evaluation.paired import compare, paired

MARK = {True: "passed", False: "failed", None: "skipped"}


def write(folder: Path, passed: dict[str, bool | None], stop: str = "stop") -> Path:
    """A run of `codegem eval` as far as it is compared."""
    folder.mkdir()
    verdicts = [
        {"task_id": task, "sample": 0, "verdict": MARK[right], "measures": {"edit_similarity": 1.0 if right else 0.5}}
        for task, right in passed.items()
    ]
    predictions = [{"task_id": task, "completion": "x", "stop_reason": stop} for task in passed]
    for name, rows in (("verdicts", verdicts), ("predictions", predictions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def test_each_problem_is_compared_with_itself(tmp_path: Path) -> None:
    tasks = [f"lines/shop/{file}.py:{line}" for file in "abcd" for line in range(1, 6)]
    one = write(tmp_path / "before", {task: task.endswith(":1") for task in tasks}, stop="length")
    other = write(tmp_path / "after", {task: task.endswith((":2", ":3")) for task in tasks})
    exact, similarity, stopped = compare(one, other)
    assert (exact.group, exact.problems, exact.before, exact.after) == ("lines", 20, 0.2, 0.4)
    assert (exact.gained, exact.lost) == (8, 4)
    # Every file changes alike, so that files drawn again say the same, and single places would not.
    assert exact.change.low == pytest.approx(0.2) == exact.change.high
    assert similarity.change.value == pytest.approx(0.1)
    assert (stopped.figure, stopped.before, stopped.after) == ("stopped by itself", 0.0, 1.0)


def test_the_interval_is_over_files() -> None:
    differences = [1.0] * 50 + [0.0] * 50
    alone = paired(differences, [str(number) for number in range(100)])
    together = paired(differences, [str(number // 50) for number in range(100)])
    assert alone.value == together.value == 0.5
    assert (together.low, together.high) == (0.0, 1.0)
    assert 0.35 < alone.low < 0.45 and 0.55 < alone.high < 0.65


def test_what_was_skipped_in_either_is_left_out(tmp_path: Path) -> None:
    one = write(tmp_path / "before", {"lines/a:1": True, "lines/b:1": None, "calls/c:1:2": False})
    other = write(tmp_path / "after", {"lines/a:1": False, "lines/b:1": True, "calls/c:1:2": True})
    found = {change.group: change for change in compare(one, other) if change.figure == "pass@1"}
    assert found["lines"].problems == 1 and found["lines"].lost == 1
    assert found["calls"].gained == 1


def test_other_problems_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(tmp_path / "before", {"lines/a:1": True})
    other = write(tmp_path / "after", {"lines/a:2": True})
    with pytest.raises(UserError, match="2 problems that the other has not, such as lines/a:1"):
        compare(one, other)
    assert main(["eval", "compare", str(one), str(tmp_path / "nowhere")]) == 1
    assert "can't be read" in capsys.readouterr().err


def test_the_command_tells_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = write(tmp_path / "before", {"lines/a:1": False}), write(tmp_path / "after", {"lines/a:1": True})
    assert main(["eval", "compare", str(one), str(other)]) == 0
    told = capsys.readouterr().out
    assert "lines, 1 problems: pass@1 0.0% -> 100.0%, by +100.0 points" in told and "1 gained, 0 lost" in told
    assert main(["eval", "compare", str(one), str(other), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["gained"] == 1
