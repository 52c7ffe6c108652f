"""Programs that download: their limits and their ends."""

import os
import re
import sys
from pathlib import Path

import pytest

from codegem.data.registries import downloads
from codegem.data.registries.downloads import TransientError, failure, lines_after, run
from codegem.errors import UserError


def python(program: str, into: Path) -> tuple[int, str]:
    return run([sys.executable, "-c", program], into, "one-1.0.tgz", os.environ)


def test_the_code_and_both_outputs_come_back(tmp_path: Path) -> None:
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert python(program, tmp_path) == (3, "out\nerr\n")


def test_nothing_waits_for_a_person(tmp_path: Path) -> None:
    assert python("print(repr(open(0).read()))", tmp_path) == (0, "''\n")


def test_a_program_that_fills_the_disk_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match=r"one-1\.0\.tgz is larger than"):
        python("import time; open('big', 'w').write('x' * 5000); time.sleep(60)", tmp_path)


def test_a_program_that_waits_for_nothing_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "STALLED_SECONDS", 0.1)
    with pytest.raises(TransientError, match="did not finish"):
        python("import time; time.sleep(60)", tmp_path)


def test_the_reason_is_told_and_a_passing_fault_may_be_tried_again() -> None:
    output = "noise\nE: first\nE: second.\n"
    passing = re.compile("reset")
    assert lines_after("E:", output) == ["first", "second."]
    told = failure("x", lines_after("E:", output), output, passing)
    assert isinstance(told, UserError) and str(told) == "x could not be downloaded: first: second."
    assert isinstance(failure("x", ["first"], output + "reset", passing), TransientError)
    assert "no reason was given" in str(failure("x", [], "", passing))
