"""The work files of a build: whole or not there, and only those of the same build are taken up."""

import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codegem.data.repositories import Source
from codegem.data.work import Work, identity, in_batches, size, stamp, write_arrow, write_table
from codegem.errors import UserError

SCHEMA = pa.schema([("number", pa.int64()), ("text", pa.large_string())])


def batch(*numbers: int, text: str = "x") -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"number": number, "text": text} for number in numbers], SCHEMA)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "p" / "inner").mkdir(parents=True)
    (tmp_path / "p" / "a.py").write_text("a = 1\n")
    (tmp_path / "p" / "inner" / "b.py").write_text("b = 2\n")
    return Source("p", tmp_path / "p", "folder")


def test_work_of_the_same_build_is_taken_up_and_of_another_one_thrown_away(tmp_path: Path, source: Source):
    work = Work(tmp_path / "out" / "work")
    work.open("one")
    for path in (work.read(source), work.packed(source), work.deduplicated):
        path.write_text("done")
    work.open("one")
    assert all(path.read_text() == "done" for path in (work.read(source), work.packed(source), work.deduplicated))
    work.open("two")
    assert sorted(path.name for path in work.folder.rglob("*")) == ["identity", "packed", "read"]
    work.close()
    work.close()
    assert not work.folder.exists()


def test_work_whose_beginning_was_cut_off_is_begun_again(tmp_path: Path, source: Source):
    work = Work(tmp_path / "work")
    work.open("one")
    work.read(source).write_text("done")
    (work.folder / "identity").unlink()
    work.open("one")
    assert not work.read(source).exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"Writing to .* failed"):
        Work(tmp_path / "out" / "work").open("one")


def test_every_source_has_files_of_its_own_whatever_its_name(tmp_path: Path):
    work = Work(tmp_path)
    names = ["a", "A", "a/b", "../a", "a" * 400, "é\n"]
    sources = [Source(name, tmp_path, "tar") for name in names]
    paths = [path for s in sources for path in (work.read(s), work.duplicates(s), work.packed(s), work.late(s))]
    assert len({str(path).lower() for path in paths}) == 4 * len(names)
    assert {path.parent for path in paths} == {tmp_path / "read", tmp_path / "packed"}


@pytest.mark.parametrize("write", [write_table, write_arrow])
def test_a_table_is_whole_or_not_there(tmp_path: Path, write):
    path = tmp_path / "table"

    def stopped():
        yield batch(1, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, stopped(), SCHEMA)
    assert list(tmp_path.iterdir()) == []
    write(path, iter([batch(1, 2), batch(3)]), SCHEMA)
    table = pq.read_table(path) if write is write_table else pa.ipc.open_file(path).read_all()
    assert table["number"].to_pylist() == [1, 2, 3] and table.schema == SCHEMA
    write(path, iter([]), SCHEMA)
    assert [p.name for p in tmp_path.iterdir()] == ["table"]


def test_the_same_rows_are_the_same_bytes_and_long_texts_lie_in_groups_of_their_own(tmp_path: Path):
    for name in ("a", "b"):
        write_table(tmp_path / name, iter([batch(*range(40), text="long " * 200_000)]), SCHEMA)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    groups = pq.ParquetFile(tmp_path / "a").metadata
    assert groups.num_row_groups >= 2 and groups.num_rows == 40


def test_batches_are_cut_by_their_weight():
    rows = [{"number": number, "text": "x" * number} for number in (5, 1, 9, 2, 2, 2, 1)]
    batches = list(in_batches(iter(rows), SCHEMA, lambda row: len(row["text"]), 6))
    assert [b["number"].to_pylist() for b in batches] == [[5, 1], [9], [2, 2, 2], [1]]
    assert list(in_batches(iter([]), SCHEMA, lambda row: 1, 6)) == []


# What tells builds apart


def touched(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def test_the_identity_changes_with_whatever_decides_the_work(source: Source):
    seen = [identity([source], decisions={"a": 1, "b": [2]})]
    assert identity([source], decisions={"b": [2], "a": 1}) == seen[0]
    seen.append(identity([source], decisions={"a": 1, "b": [3]}))
    seen.append(identity([], decisions={"a": 1, "b": [2]}))
    seen.append(identity([source, source], decisions={"a": 1, "b": [2]}))
    seen.append(identity([Source("q", source.location, "folder")], decisions={"a": 1, "b": [2]}))
    seen.append(identity([Source("p", source.location, "git")], decisions={"a": 1, "b": [2]}))
    changes = [
        lambda: touched(source.location / "inner" / "b.py"),
        lambda: (source.location / "a.py").write_text("a = 10\n"),
        lambda: (source.location / "c.py").touch(),
        lambda: (source.location / "c.py").rename(source.location / "d.py"),
        lambda: (source.location / "a.py").unlink(),
    ]
    for change in changes:
        change()
        seen.append(identity([source], decisions={"a": 1, "b": [2]}))
    assert len(set(seen)) == len(seen)


def test_what_git_keeps_for_itself_does_not_count(source: Source):
    subprocess.run(["git", "init", "--quiet"], cwd=source.location, check=True)
    before, bytes_before = stamp(source), size(source)
    (source.location / ".git" / "index.lock").write_text("busy")
    assert (stamp(source), size(source)) == (before, bytes_before) and bytes_before == 12


def test_names_that_are_no_text_and_links_into_nothing_are_stamped(source: Source):
    with open(os.fsencode(source.location) + b"/\xff.py", "wb") as file:
        file.write(b"x = 1")
    (source.location / "loop").symlink_to(source.location)
    (source.location / "nowhere").symlink_to("/nowhere/at/all")
    before = stamp(source)
    assert stamp(source) == before
    (source.location / "nowhere").unlink()
    assert stamp(source) != before


def test_the_size_of_an_archive_is_that_of_its_file(tmp_path: Path):
    (tmp_path / "p.zip").write_bytes(b"x" * 77)
    assert size(Source("p", tmp_path / "p.zip", "zip")) == 77
