import io

import pytest
from rich.console import Console

from codegem.train import progress as module
from codegem.train.progress import Progress

ROW = {"loss": 2.5, "validation_loss": 2.25, "learning_rate": 1e-3, "tokens_per_second": 5123.4}


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_plain_lines_come_now_and_then_and_say_the_time_left(clock):
    output = io.StringIO()
    with Progress(10, Console(file=output, width=20)) as shown:
        for step in range(1, 11):
            clock[0] += 100.0 if step == 1 else 15.0  # the first step compiles
            shown.update(step=step, **ROW)
    lines = output.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["1/10", "3/10", "5/10", "7/10", "9/10", "10/10"]
    assert "left" not in lines[0]
    assert lines[1] == "step 3/10  loss 2.500  validation 2.250  lr 1.0e-03  5,123 tok/s  left 2 min"
    assert lines[-1].endswith("left 0 s")


def test_what_an_objective_tells_and_skipped_steps_are_shown(clock):
    output = io.StringIO()
    with Progress(1, Console(file=output, width=200)) as shown:
        shown.update(step=1, **ROW, skipped=2, extras={"accuracy": 0.81})
    assert "loss 2.500  accuracy 0.810  validation" in output.getvalue()
    assert "5,123 tok/s  skipped 2" in output.getvalue()


def test_a_terminal_has_one_live_line(clock):
    output = io.StringIO()
    with Progress(10, Console(file=output, width=100, force_terminal=True)) as shown:
        for step in range(1, 6):
            shown.update(step=step, **ROW)
        shown.say("a [sentence] that stays")
    assert "step 5/10" in output.getvalue()
    assert "a [sentence] that stays" in output.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (89, "89 s"), (91, "2 min"), (3599, "1 h 00 min"), (40_000, "11 h 07 min")]
)
def test_durations_read_well(seconds, words):
    assert module._duration(seconds) == words
