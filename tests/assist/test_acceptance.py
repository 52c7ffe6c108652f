"""Counting what is taken: right, bounded, and never in the way."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from codegem.assist.acceptance import Acceptance, Counts, default_path


def test_sizes_and_lines(tmp_path: Path) -> None:
    counts = Acceptance(tmp_path / "a.sqlite")
    counts.offered("whole", "one\ntwo", client="lsp", language="Python")
    counts.offered("line", "one\ntwo\n", client="lsp", language="python")
    assert counts.shown("whole") and counts.accepted("whole") and counts.accepted("line", line_only=True)
    assert counts.rows() == [Counts(date.today().isoformat(), "lsp", "python", 2, 2, 0, 7 + 4, 2 + 1)]


def test_counts_outlive_the_program_and_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.sqlite"
    first = Acceptance(path)
    first.accepted("a")
    first.close()
    second = Acceptance(path)
    assert second.total().accepted == 1 and second.is_kept
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_two_programs_count_into_one_file(tmp_path: Path) -> None:
    several = [Acceptance(tmp_path / "a.sqlite") for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: several[number % 2].shown(str(number)), range(200)))
    assert several[0].total().shown == 200


def test_old_rows_go_and_days_are_told_apart(tmp_path: Path) -> None:
    counts = Acceptance(tmp_path / "a.sqlite")
    for days_ago in (500, 40, 1, 0):
        counts._today = lambda days_ago=days_ago: date.today() - timedelta(days=days_ago)
        counts.shown(f"at {days_ago}")
    assert [row.day for row in counts.rows()] == [(date.today() - timedelta(days=ago)).isoformat() for ago in (0, 1)]
    assert len(counts.rows(400)) == 3
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM suggestions").fetchone() == (3,)


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    counts = Acceptance(tmp_path / "a.sqlite")
    for number in range(2000):
        counts.offered(str(number), "x", client="c", language=f"l{number}")
    for number in range(1900, 2000):
        counts.shown(str(number))
    assert len(counts._suggestions) == 1024
    assert len(counts.rows()) == 65 and counts.total().shown == 100
    assert {row.language for row in counts.rows()} >= {"other"}


def test_words_only(tmp_path: Path) -> None:
    counts = Acceptance(tmp_path / "a.sqlite")
    counts.offered("a", "x", client="DROP TABLE suggestions;", language="my secret project")
    counts.shown("a")
    (row,) = counts.rows()
    assert (row.client, row.language) == ("other", "other")


@pytest.mark.parametrize("kind", ["damaged", "folder", "unreachable", "other table"])
def test_nothing_raises(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.sqlite"
    if kind == "damaged":
        path.write_bytes(b"no database" * 1000)
    elif kind == "folder":
        path.mkdir()
    elif kind == "unreachable":
        path = Path("/proc/none/a.sqlite")
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE suggestions (x)")
    counts = Acceptance(path)
    assert counts.accepted("a")
    assert not counts.accepted("a")
    assert counts.total().accepted in (0, 1)


def test_a_file_that_goes_away_or_is_locked_loses_counts_only(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    counts = Acceptance(path)
    counts.shown("a")
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert counts.shown("b")
        other.execute("ROLLBACK")
    other.close()
    assert counts.shown("c")
    assert counts.total().shown == 2


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/some/where")
    assert default_path() == Path("/some/where/codegem/acceptance.sqlite")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert default_path() == Path("/home/me/.local/share/codegem/acceptance.sqlite")
