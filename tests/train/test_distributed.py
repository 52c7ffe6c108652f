import re
import socket
from pathlib import Path

import pytest

from codegem.errors import UsageError, UserError
from codegem.train.distributed import any_process, is_first, start, together

from .mesh_runs import Plan, Planned, deviation, losses, run, start_together
from .test_layout import QUICK


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((None, 2, None), "--processes and --process go with --coordinator"),
        (("10.0.0.1", 2, 0), "--coordinator is 10.0.0.1; it must be HOST:PORT"),
        (("10.0.0.1:99999", 2, 0), "it must be HOST:PORT"),
        (("10.0.0.1:1234", None, None), "--coordinator goes with --processes and --process"),
        (("10.0.0.1:1234", 2, 2), "--process is 2; with --processes 2 it must be 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(given, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        start(*given)


def test_a_coordinator_that_is_not_there_is_told_in_a_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UserError, match=rf"Nobody answers at {address} since 0 seconds \(.*\): start process 0 there"):
        start(address, 2, 1, seconds=0)


def test_a_process_alone_is_the_first_and_agrees_with_itself():
    assert is_first()
    assert (any_process(True), any_process(False)) == (True, False)
    with pytest.raises(ValueError, match="as it is"), together():
        raise ValueError("as it is")


def test_two_processes_have_the_losses_of_one_and_when_one_is_killed_another_number_goes_on(tmp_path: Path):
    """Each reads its half of every batch; the second dies after step 5, and the last checkpoint is that of step 3."""
    out = tmp_path / "out"
    processes = start_together(Plan((Planned(str(out), (2, 1, 1), die=5),)), 2, 1, **QUICK)
    try:
        said = [process.communicate(timeout=450)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert processes[1].returncode == -9, said
    assert processes[0].returncode not in (0, -9), said
    assert "has died or can't be reached" in said[0]
    assert "Start all of them again with the same command" in said[0]
    assert (out / "checkpoints" / "3").is_dir()
    told = losses(out)
    assert set(told) >= {1, 2, 3, 4}

    whole = tmp_path / "whole"
    for folder in (whole, out):
        run(Plan(()), Planned(str(folder)))
    assert set(losses(out)) == set(range(1, 7))
    assert deviation(out, whole) < 1e-6
    reference = losses(whole)
    assert all(abs(told[step] / reference[step] - 1) < 1e-6 for step in told)
