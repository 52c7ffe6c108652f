import numpy as np
import pytest

from codegem.train.metrics import MetricsFile, read_metrics
from codegem.train.step import StepMetrics
from codegem.train.telling import Teller

from .runs import Watch


def metrics(loss: float, skipped: int = 0) -> StepMetrics:
    one, count = np.float32(1.0), np.int32(skipped)
    return StepMetrics(np.float32(loss), one, one, np.float32(8), count, {"accuracy": np.float32(loss / 8)})  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


@pytest.fixture
def teller(path):
    return Teller(MetricsFile(path, None), Watch(), tokens=100, skipped=2)


def test_a_step_is_told_when_the_next_one_was_begun_or_all_is_settled(teller, path):
    teller.begun(7, metrics(4.0, 2), waited=0.25)
    assert read_metrics(path) == []
    teller.begun(8, metrics(2.0, 2), waited=0.0)
    (row,) = read_metrics(path)
    assert (row["step"], row["loss"], row["tokens"], row["waited"], row["accuracy"]) == (7, 4.0, 108, 0.25, 0.5)
    teller.settle()
    teller.settle()
    assert [row["step"] for row in read_metrics(path)] == [7, 8]
    assert (teller.tokens, teller.skipped, teller.bad, teller.last("loss")) == (116, 2, 0, 2.0)


def test_bad_steps_are_counted_in_a_row_and_leave_no_number_that_is_none(teller, path):
    for step, (loss, skipped, bad) in enumerate([(np.nan, 3, 1), (np.inf, 4, 2), (1.0, 4, 0), (np.nan, 5, 1)], 1):
        teller.begun(step, metrics(loss, skipped), waited=0.0)
        teller.settle()
        assert (teller.skipped, teller.bad) == (skipped, bad)
    assert teller.tokens == 108
    assert ["loss" in row for row in read_metrics(path)] == [False, False, True, False]
    assert "NaN" not in path.read_text() and "Infinity" not in path.read_text()
