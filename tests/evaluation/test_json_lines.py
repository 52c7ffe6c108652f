import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.evaluation.json_lines import parse_rows, read_rows, unpacked, whole_lines, write_line

FIELDS = {"task_id": str, "n": int | float}
GOOD = b'{"task_id": "a", "n": 1}\n\n{"task_id": "b", "n": 2.5, "more": null}'


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_rows_and_what_the_report_says_of_them(tmp_path: Path, name: str) -> None:
    data = gzip.compress(GOOD) if name.endswith("gz") else GOOD
    (tmp_path / name).write_bytes(data)
    rows, file = read_rows(tmp_path / name, FIELDS, ("task_id",))
    assert [row["n"] for row in rows] == [1, 2.5]
    assert (file.name, file.sha256, file.records) == (name, hashlib.sha256(data).hexdigest(), 2)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", r"rows\.jsonl is empty"),
        (b" \n\n", r"rows\.jsonl is empty"),
        (b'{"task_id": "a"}', r"line 1: the field 'n' is missing"),
        (b'{"task_id": 3, "n": 1}', r"line 1: the field 'task_id' is 3, not a text"),
        (b'\n{"task_id": "a", "n": "x"}', r"line 2: the field 'n' is \"x\", not a whole number or a number"),
        (GOOD + b"\n" + GOOD, r"line 4: a is already in line 1"),
        (GOOD + b"\n{", r"line 4: it is not JSON; is the file cut short"),
        (b"[1]", r"line 1: it is \[1\], and each line must be an object"),
        (b"\xff\n", r"line 1: it is not UTF-8"),
        (b"[" * 100_000, r"line 1: it is not JSON"),
    ],
)
def test_bad_data_is_one_sentence_with_file_and_line(tmp_path: Path, data: bytes, sentence: str) -> None:
    (tmp_path / "rows.jsonl").write_bytes(data)
    with pytest.raises(UserError, match=sentence) as told:
        read_rows(tmp_path / "rows.jsonl", FIELDS, ("task_id",))
    assert str(tmp_path / "rows.jsonl") in str(told.value) and len(str(told.value)) < 300


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.jsonl can't be read \(No such file or directory\)"):
        read_rows(tmp_path / "no.jsonl", FIELDS)


@given(st.integers(0, 400))
def test_a_packed_file_cut_anywhere_is_told(cut: int) -> None:
    packed = gzip.compress(json.dumps({"text": hashlib.sha512(b"x").hexdigest() * 2}).encode())
    if cut < len(packed):
        with pytest.raises(UserError, match=r"cut short|damaged"):
            unpacked(Path("a.gz"), packed[:cut])


def test_packed_files_that_are_none() -> None:
    for data in (b"plain text", gzip.compress(b"x")[:-6] + b"\0" * 6):
        with pytest.raises(UserError, match="damaged"):
            unpacked(Path("a.jsonl.gz"), data)
    assert unpacked(Path("a.gz"), gzip.compress(b"one") + gzip.compress(b"two")) == b"onetwo"


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codegem.evaluation.json_lines._MOST_BYTES", 1000)
    with pytest.raises(UserError, match="more than 1000 bytes"):
        unpacked(Path("a.gz"), gzip.compress(b"0" * 1001))


texts = st.text(st.characters(exclude_categories=()), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(texts, values, max_size=4), max_size=4))
def test_what_is_written_is_read(rows: list[dict[str, Any]]) -> None:
    """Also half surrogate pairs, line separators and zeros."""
    data = b"".join(map(write_line, rows))
    assert [row for _, row in parse_rows(Path("f"), data)] == rows and data.count(b"\n") == len(rows)
    assert whole_lines(data + b"{") == (data, 1)


def test_a_byte_order_mark_is_not_a_part_of_the_first_row() -> None:
    assert list(parse_rows(Path("f"), b'\xef\xbb\xbf{"a": 1}')) == [(1, {"a": 1})]
