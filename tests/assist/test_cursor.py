"""Where the cursor stands, and files in which it can't."""

from pathlib import Path

import pytest

from codegem.assist import cursor
from codegem.assist.cursor import Location, open_at, parse_location
from codegem.errors import UsageError, UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.py:3", Location(Path("a.py"), 3)),
        ("a.py:3:7", Location(Path("a.py"), 3, 7)),
        ("odd:1:2:3", Location(Path("odd:1"), 2, 3)),
        ("C:\\a.py:3", Location(Path("C:\\a.py"), 3)),
    ],
)
def test_locations(text: str, expected: Location):
    assert parse_location(text) == expected


@pytest.mark.parametrize("text", ["a.py", "a.py:", "a.py:x", ":3", "", "a.py:3:", "a.py:-1", "a.py:0", "a.py:1:0"])
def test_what_names_no_place_is_wrong_usage(text: str):
    with pytest.raises(UsageError, match=r"FILE:LINE|counts from 0"):
        parse_location(text)


@pytest.mark.parametrize(
    ("place", "prefix", "suffix", "column"),
    [
        ((1, None), "ab", "\ncd\n", 3),
        ((1, 1), "", "ab\ncd\n", 1),
        ((2, 2), "ab\nc", "d\n", 2),
        ((2, 3), "ab\ncd", "\n", 3),
        ((3, None), "ab\ncd\n", "", 1),
    ],
)
def test_the_text_is_split_at_the_cursor(
    tmp_path: Path, place: tuple[int, int | None], prefix: str, suffix: str, column: int
):
    file = tmp_path / "a.py"
    file.write_text("ab\ncd\n")
    document = open_at(Location(file, *place))
    assert (document.prefix, document.suffix, document.column) == (prefix, suffix, column)


def test_columns_are_characters_and_line_ends_and_marks_do_not_count(tmp_path: Path):
    file = tmp_path / "a.py"
    file.write_bytes(b"\xef\xbb\xbf" + "é→\r\nx\r\n".encode())
    document = open_at(Location(file, 1))
    assert (document.prefix, document.suffix, document.column) == ("é→", "\nx\n", 3)


def test_an_empty_file_has_one_place(tmp_path: Path):
    (tmp_path / "a.py").touch()
    assert open_at(Location(tmp_path / "a.py", 1)).prefix == ""


@pytest.mark.parametrize(
    ("content", "place", "sentence"),
    [
        (b"a\nb\n", (4, None), "ends at line 3; there is no line 4"),
        (b"abc\n", (1, 5), "ends at column 4; there is no column 5"),
        (b"\x7fELF\x00\x01", (1, None), "NUL byte"),
        (b"caf\xe9\n", (1, None), r"not UTF-8 text \(byte 3\)"),
        (b"x" * 101, (1, None), "101 bytes; codegem completes files of at most 100"),
    ],
)
def test_places_that_do_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, place: tuple[int, int | None], sentence: str
):
    monkeypatch.setattr(cursor, "MAX_BYTES", 100)
    (tmp_path / "a.py").write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        open_at(Location(tmp_path / "a.py", *place))


@pytest.mark.parametrize(("name", "sentence"), [(".", "is a folder"), ("none.py", "does not exist"), ("a\0", "can't")])
def test_files_that_can_not_be_read(tmp_path: Path, name: str, sentence: str):
    with pytest.raises(UserError, match=sentence):
        open_at(Location(tmp_path / name, 1))


def test_the_path_is_relative_to_the_repository(tmp_path: Path):
    folder = tmp_path / "repository" / "src"
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    folder.mkdir()
    (folder / "a.py").touch()
    assert open_at(Location(folder / "a.py", 1)).path == "src/a.py"
