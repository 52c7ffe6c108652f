import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.evaluation.json_lines import write_line
from codegem.evaluation.run_folder import RunFolder, journal, replace_text

IDENTITY = {"benchmark": "toy", "model": "m", "settings": {"seed": 0}, "data": {"a": "1"}}


def test_the_same_run_goes_on_and_may_add_data(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "new" / "folder")
    for data in ({"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}):
        with folder.claimed({**IDENTITY, "data": data}):
            pass
    assert json.loads(folder.run.read_text("utf-8"))["data"] == {"a": "1", "b": "2"}
    with pytest.raises(UserError, match="a was"), folder.claimed({**IDENTITY, "data": {"a": "9"}}):
        pass


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "n"}, r'holds another run \(model was "m" and is "n"\); give another --out, or delete that folder'),
        ({"benchmark": "mbpp"}, r'benchmark was "toy" and is "mbpp"'),
        ({"settings": {"seed": 1}}, "seed was 0 and is 1"),
        ({"settings": {"seed": 0, "order": "spm"}}, 'order was null and is "spm"'),
        ({"data": {"a": "2"}}, 'a was "1" and is "2"'),
    ],
)
def test_another_run_is_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    folder = RunFolder(tmp_path)
    with folder.claimed(IDENTITY):
        pass
    before = folder.run.read_bytes()
    with pytest.raises(UserError, match=sentence), folder.claimed({**IDENTITY, **change}):
        pass
    assert folder.run.read_bytes() == before


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "predictions.jsonl").write_text("{}\n", "utf-8")
    with pytest.raises(UserError, match=r"no run\.json"), RunFolder(tmp_path).claimed(IDENTITY):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{", '{"data": 3}', "\ufffd"])
def test_a_damaged_run_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, "utf-8")
    with pytest.raises(UserError, match=r"run\.json is damaged"), RunFolder(tmp_path).claimed(IDENTITY):
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.claimed(IDENTITY), pytest.raises(UserError, match="Another process"), folder.claimed(IDENTITY):
        pass
    with folder.claimed(IDENTITY):
        pass


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UserError, match="can't be written"), RunFolder(tmp_path / "file").claimed(IDENTITY):
        pass


def test_an_error_inside_is_not_the_folders(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), RunFolder(tmp_path).claimed(IDENTITY):
        raise FileNotFoundError("of somebody else")


@given(st.lists(st.dictionaries(st.text(), st.text(), max_size=3), max_size=5), st.data())
def test_a_journal_keeps_whole_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    with journal(file, {}) as opened:
        for row in rows:
            opened.append(row)
    written = file.read_bytes()
    assert written == b"".join(map(write_line, rows))
    cut = data.draw(st.integers(0, len(written)))
    file.write_bytes(written[:cut])
    whole = written[:cut].count(b"\n")
    with journal(file, {}) as opened:
        assert opened.rows == rows[:whole]
        opened.append({"last": "one"})
    with journal(file, {}) as opened:
        assert opened.rows == [*rows[:whole], {"last": "one"}]


def test_replacing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    replace_text(tmp_path / "a", "one")
    replace_text(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_text("utf-8") == "two" and os.listdir(tmp_path) == ["a"]
    with pytest.raises(UserError, match="can't be written"):
        replace_text(tmp_path / "absent" / "a", "one")


PROGRAM = """
import sys, time
from pathlib import Path
from codegem.evaluation.run_folder import RunFolder, journal

folder = RunFolder(Path(sys.argv[1]))
with folder.claimed({"benchmark": "toy"}), journal(folder.predictions, {"n": int}) as file:
    for n in range(len(file.rows), 4000):
        file.append({"n": n, "text": "x" * (n % 97)})
"""


def test_a_process_that_is_killed_again_and_again(tmp_path: Path) -> None:
    """SIGKILL at moments that differ: every row is there once, in order, and nothing is left locked."""
    for pause in (0.002, 0.004, 0.007, 0.01):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)])
        while not (tmp_path / "predictions.jsonl").exists() and process.poll() is None:
            time.sleep(0.001)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=False).returncode == 0
    found = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert [row["n"] for row in found] == list(range(4000))
