"""Files that a person names, and writing them."""

import os
from pathlib import Path

import pytest

from codegem.assist.attachments import Attachment
from codegem.assist.files import Place, parse_place, read_place, read_whole, replace_text
from codegem.errors import UsageError, UserError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a.py", Place(Path("a.py"))),
        ("a.py:3", Place(Path("a.py"), 3, 3)),
        (" dir/a b.py:3-10 ", Place(Path("dir/a b.py"), 3, 10)),
        ("C:/a.py:2", Place(Path("C:/a.py"), 2, 2)),
    ],
)
def test_places(text: str, place: Place):
    assert parse_place(text) == place


@pytest.mark.parametrize("text", ["", "a.py:0", "a.py:5-2"])
def test_no_place(text: str):
    with pytest.raises(UsageError):
        parse_place(text)


def test_a_file_named_like_a_place(tmp_path: Path):
    file = tmp_path / "a:3"
    file.write_text("x\n")
    assert parse_place(str(file)) == Place(file)


def test_lines_of_a_file(tmp_path: Path):
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "src" / "a.py"
    file.parent.mkdir()
    file.write_text("one\ntwo\nthree\n")
    assert read_place(Place(file)) == Attachment("src/a.py", "one\ntwo\nthree\n")
    assert read_place(Place(file, 2, 3)) == Attachment("src/a.py", "two\nthree", 2)
    with pytest.raises(UserError, match="ends at line 4; there is no line 9"):
        read_place(Place(file, 9, 9))


class TestReplacing:
    def test_an_edit(self, tmp_path: Path):
        file = tmp_path / "a.py"
        file.write_bytes(b"x\r\n")
        file.chmod(0o751)
        replace_text(file, read_whole(file), "y\r\n")
        assert file.read_bytes() == b"y\r\n" and file.stat().st_mode & 0o777 == 0o751
        assert list(tmp_path.iterdir()) == [file]

    def test_a_link_stays_one(self, tmp_path: Path):
        file, link = tmp_path / "a.py", tmp_path / "b.py"
        file.write_text("x")
        link.symlink_to(file)
        replace_text(link, "x", "y")
        assert link.is_symlink() and file.read_text() == "y"

    def test_a_file_that_has_changed(self, tmp_path: Path):
        file = tmp_path / "a.py"
        file.write_text("newer")
        with pytest.raises(UserError, match="has changed since"):
            replace_text(file, "older", "y")
        assert file.read_text() == "newer"

    def test_a_file_that_is_gone(self, tmp_path: Path):
        with pytest.raises(UserError, match="can't be written"):
            replace_text(tmp_path / "a.py", "x", "y")

    def test_a_failure_leaves_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        file = tmp_path / "a.py"
        file.write_text("x")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(UserError, match="No space left"):
            replace_text(file, "x", "y")
        assert file.read_text() == "x" and list(tmp_path.iterdir()) == [file]
