"""The accounts of a build: what is read is kept or rejected, at every stage and in every count."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.accounts import REDACTED, REJECTED, STAGES, VERDICTS, Files, close_accounts, overlay
from codegem.data.reading import FILES
from codegem.data.repositories import Source
from codegem.data.work import Work, write_table
from codegem.errors import UserError


def kept(path: str, repository: str = "a", **columns: Any) -> dict[str, Any]:
    row = {"repository": repository, "path": path, "size": 100, "text": path, "language": "python", "sha256": path}
    return row | {"licence": "MIT", "repository_licence": "MIT"} | columns


def rejected(path: str, stage: str, reason: str, repository: str = "a", **columns: Any) -> dict[str, Any]:
    row = {"repository": repository, "path": path, "size": 7, "stage": stage, "reason": reason, "rule": "r"}
    return row | {"place": "", "detail": "d"} | columns


def verdict(path: str, stage: str, reason: str, repository: str = "a") -> dict[str, str]:
    names = {"repository": repository, "path": path, "stage": stage, "reason": reason}
    return names | {"rule": "late", "place": "line 3", "detail": "why"}


def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Three sources, one of them of many repositories, after every stage."""
    work = Work(tmp_path / "out" / "work")
    work.open("x")
    found = [{"kind": "email", "line": 4}, {"kind": "secret", "line": 2}]
    reads = {
        "a": [
            kept("a.py", findings=found),
            kept("b.py", findings=found[:1]),
            kept("c.py", licence=None),
            kept("d.go", language="go", findings=[]),
            rejected("e.bin", "filter", "language"),
            rejected("f.py", "safety", "secret", language="python", findings=found),
        ],
        "empty": [],
        "prose": [
            kept("1.txt", "prose#1", language="text", licence=None, repository_licence=None),
            kept("2.txt", "prose#2", language="text", licence="CC0-1.0", repository_licence=None),
            rejected("3.txt", "read", "not JSON", "prose#3"),
            kept("a.py", "prose/a", size=50),
        ],
    }
    sources = [Source(name, tmp_path / f"{name}.zip", "zip") for name in reads]
    late = {
        "a": [verdict("b.py", "syntax", "parse errors")],
        "prose": [verdict("2.txt", "mixture", "over its share", "prose#2")],
    }
    for source in sources:
        write_table(work.read(source), iter([table(reads[source.name], FILES)]), FILES)
        write_table(work.late(source), iter([table(late.get(source.name, []), VERDICTS)]), VERDICTS)
    duplicates = table([verdict("a.py", "dedup", "exact duplicate", "prose/a")], VERDICTS)
    write_table(work.duplicates(sources[2]), iter([duplicates]), VERDICTS)
    return Files(work, sources)


def names(found: pa.Table) -> list[tuple[str, str]]:
    return list(zip(found["repository"].to_pylist(), found["path"].to_pylist(), strict=True))


def test_a_verdict_is_laid_over_the_file_it_speaks_of():
    before = table([kept("a.py"), kept("a.py", "b"), kept("c.py")], FILES)
    after = overlay(
        before, table([verdict("a.py", "dedup", "near duplicate", "b"), verdict("gone.py", "dedup", "x")], VERDICTS)
    )
    assert after["reason"].to_pylist() == [None, "near duplicate", None]
    row = after.to_pylist()[1]
    assert (row["stage"], row["rule"], row["place"], row["detail"]) == ("dedup", "late", "line 3", "why")
    assert after.schema.names == FILES.names and after["text"].to_pylist() == before["text"].to_pylist()


def test_what_was_rejected_before_stays_as_it_was():
    """An archive that holds a path twice: the verdict is on the file that was kept."""
    before = table([kept("a.py"), rejected("a.py", "read", "repeated path")], FILES)
    after = overlay(before, table([verdict("a.py", "dedup", "exact duplicate")], VERDICTS))
    assert after["reason"].to_pylist() == ["exact duplicate", "repeated path"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.booleans()), max_size=12), st.data())
def test_only_verdicts_change_files(rows: list[tuple[str, str, bool]], data: st.DataObject):
    before = table([kept(p, r) if ok else rejected(p, "filter", "language", r) for r, p, ok in rows], FILES)
    spoken = data.draw(st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"))))
    after = overlay(before, table([verdict(p, "dedup", "near duplicate", r) for r, p in spoken], VERDICTS))
    wanted = [None if ok and (r, p) not in spoken else "near duplicate" if ok else "language" for r, p, ok in rows]
    assert after["reason"].to_pylist() == wanted


def test_kept_files_are_those_that_no_stage_rejected(files: Files):
    a, empty, prose = files.sources
    assert names(files.kept(a, [])) == [("a", "a.py"), ("a", "c.py"), ("a", "d.go")]
    assert names(files.kept(a, [], late=False)) == [("a", "a.py"), ("a", "b.py"), ("a", "c.py"), ("a", "d.go")]
    assert names(files.kept(empty, [])) == []
    assert names(files.kept(prose, [])) == [("prose#1", "1.txt")]
    assert files.kept(prose, ["text", "path"]).column_names[-1] == "text"


def test_sizes_are_of_what_packing_starts_from(files: Files):
    assert files.sizes() == {"python": 300, "go": 100, "text": 200}


def test_the_counts_add_up_and_the_rejected_are_told(files: Files):
    out = files.work.folder.parent
    packed = {"a": {"edges": 3, "dropped": 1, "tests": 2}}
    counts = close_accounts(files, packed, out)
    assert (counts["read"], counts["kept"], counts["rejected"]) == (10, 4, 6)
    assert counts["kept_bytes"] == 400
    assert counts["reasons"] == {
        "dedup: exact duplicate": 1,
        "filter: language": 1,
        "mixture: over its share": 1,
        "read: not JSON": 1,
        "safety: secret": 1,
        "syntax: parse errors": 1,
    }
    left = 10
    for stage in STAGES:
        of_stage = sum(count for name, count in counts["reasons"].items() if name.startswith(f"{stage}: "))
        assert counts["stages"][stage] == {"read": left, "kept": left - of_stage, "rejected": of_stage}
        left -= of_stage
    assert left == counts["kept"]
    assert counts["languages"] == {"go": 1, "python": 2, "text": 1}
    assert counts["by_language"]["python"] == {
        "dedup: exact duplicate": 1,
        "kept": 2,
        "kept_bytes": 200,
        "read": 5,
        "read_bytes": 357,
        "safety: secret": 1,
        "syntax: parse errors": 1,
    }
    assert counts["by_language"]["other"]["read"] == 2
    assert counts["licences"] == {"MIT": 2, "unknown": 2}
    assert counts["redacted"] == {"email": 1, "secret": 1}
    assert counts["repositories"] == [
        {"name": "a", "source": "a.zip", "licence": "MIT", "kept": 3, "edges": 3, "dropped": 1, "tests": 2},
        {"name": "empty", "source": "empty.zip", "licence": None, "kept": 0},
        {"name": "prose", "source": "prose.zip", "licence": None, "kept": 1},
    ]
    told = pq.read_table(out / "rejected.parquet")
    assert told.schema.names == REJECTED.names and len(told) == 6
    assert names(told) == [
        ("a", "b.py"),
        ("a", "e.bin"),
        ("a", "f.py"),
        ("prose#2", "2.txt"),
        ("prose#3", "3.txt"),
        ("prose/a", "a.py"),
    ]
    redacted = pq.read_table(out / "redacted.parquet")
    assert redacted.schema.names == REDACTED.names
    assert redacted.to_pylist() == [
        {"repository": "a", "path": "a.py", "kind": "email", "line": 4},
        {"repository": "a", "path": "a.py", "kind": "secret", "line": 2},
    ]


def test_the_identity_is_of_the_documents_and_of_what_else_is_given(files: Files, tmp_path: Path):
    assert files.identity("x") == Files(files.work, list(files.sources)).identity("x")
    seen = {files.identity("x"), files.identity("y"), files.identity("x", "y"), files.identity()}
    source = files.sources[0]
    rows = files.table(source, FILES.names, late=False).select(FILES.names).to_pylist()
    for change in (
        {"sha256": "other"},
        {"path": "aa.py"},
        {"repository": "b"},
        {"stage": "dedup", "reason": "exact duplicate"},
    ):
        changed = [rows[0] | change, *rows[1:]]
        write_table(files.work.read(source), iter([table(changed, FILES)]), FILES)
        seen.add(files.identity("x"))
    assert len(seen) == 8
    write_table(
        files.work.read(source),
        iter([table([rows[0] | {"text": "same hash", "licence": None}, *rows[1:]], FILES)]),
        FILES,
    )
    assert files.identity("x") in seen


def test_where_nothing_is_kept_the_commonest_reasons_are_told(tmp_path: Path):
    work = Work(tmp_path / "work")
    work.open("x")
    source = Source("a", tmp_path, "folder")
    rows = [rejected(f"{n}.bin", "filter", "language") for n in range(3)] + [
        rejected("x.py", "licence", "licence unknown")
    ]
    write_table(work.read(source), iter([table(rows, FILES)]), FILES)
    with pytest.raises(
        UserError, match=r"None of the 4 files read is kept \(3 language: see r, 1 licence unknown: see r\)"
    ):
        Files(work, [source]).identity()
    write_table(work.read(source), iter([]), FILES)
    with pytest.raises(UserError, match=r"None of the 0 files read is kept \(no files\)"):
        Files(work, [source]).identity()
