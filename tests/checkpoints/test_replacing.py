"""Files are there whole, or as they were."""

from pathlib import Path

import pytest

from codegem.checkpoints.replacing import replace_file, replace_files


def text(words: str):
    return lambda path: path.write_text(words)


def fail(path: Path) -> None:
    path.write_text("half")
    raise OSError("no room")


def test_files_are_made_and_replaced(tmp_path: Path):
    replace_files(tmp_path / "a" / "b", {"x": text("1"), "y": text("2")})
    (tmp_path / "a" / "b" / "kept").write_text("kept")
    replace_files(tmp_path / "a" / "b", {"x": text("3")}, stale=["y", "x", "absent"])
    assert {path.name: path.read_text() for path in (tmp_path / "a" / "b").iterdir()} == {"x": "3", "kept": "kept"}


def test_a_failure_changes_nothing(tmp_path: Path):
    (tmp_path / "x").write_text("old")
    (tmp_path / "y").write_text("old")
    with pytest.raises(OSError, match="no room"):
        replace_files(tmp_path, {"x": text("new"), "z": fail}, stale=["y"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"x": "old", "y": "old"}


def test_one_file(tmp_path: Path):
    replace_file(tmp_path / "new" / "x", text("1"))
    assert (tmp_path / "new" / "x").read_text() == "1"
