import pytest

from codegem.commands import terminal
from codegem.commands.terminal import Bars


def test_lines_say_how_long_it_still_takes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before this run counts for no speed: 10 answers took 20 s here, so 60 more take 2 minutes."""
    clock = iter([0.0, 0.0, 1.0, 20.0, 139.0, 140.0])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(clock))
    with Bars() as bars:
        for done in (30, 31, 40, 99, 100):
            bars.update("judging", done, 100, "answers")
    assert capsys.readouterr().err.splitlines() == [
        "judging: 40 of 100 answers, about 2 min left",
        "judging: 99 of 100 answers, less than a minute left",
        "judging: 100 of 100 answers",
    ]
