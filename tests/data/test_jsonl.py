"""Documents in JSON lines: each a row, kept or rejected with its line, however hostile the file is."""

import gzip
import hashlib
import json
import random
import re
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.archives.raw_files import Limits
from codegem.data.filters import FilterRules
from codegem.data.fim_sampling import FimRules
from codegem.data.jsonl import Line, read_lines
from codegem.data.reading import FILES, read_repository
from codegem.data.recipe import DataRecipe
from codegem.data.repositories import Source, find_repositories, open_repository
from codegem.errors import UserError
from codegem.text.languages import LANGUAGES, language_of

PROSE = "The river rose that night and the people of the valley carried what they had to the hills. " * 4
CODE = "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n"
RECIPE = DataRecipe(filters=FilterRules(languages=("python", "markdown", "text", "latex"), unknown_licence=True))
LARGEST = RECIPE.filters.max_bytes


def write(path: Path, *lines: object) -> Source:
    """A source of lines: bytes and strings as they are, everything else as JSON."""
    parts = [line if isinstance(line, bytes) else line.encode() if isinstance(line, str) else None for line in lines]
    data = b"\n".join(
        json.dumps(line).encode() if part is None else part for line, part in zip(lines, parts, strict=True)
    )
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return Source("prose", path, "jsonl")


def read(source: Source, recipe: DataRecipe = RECIPE) -> list[dict[str, Any]]:
    """The rows of a source, after what holds for every one was seen to hold."""
    rows = list(read_repository(source, recipe))
    pa.Table.from_pylist(rows, schema=FILES)
    for row in rows:
        assert (row.get("text") is None) == (row.get("reason") is not None)
        assert row["path"].isprintable() and row["repository"].isprintable()
        if row.get("reason"):
            assert row["stage"] and row["rule"] and row["detail"].isprintable()
            assert row["place"].startswith("line ") or row["path"] == "…"
    return rows


def reasons(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["place"], f"{row['stage']}: {row['reason']}") for row in rows if row.get("reason")]


@pytest.mark.parametrize("name", ["prose.jsonl", "prose.jsonl.gz"])
def test_a_line_is_a_document(tmp_path: Path, name: str):
    source = write(
        tmp_path / name,
        {"text": PROSE},
        "",
        {"text": PROSE, "path": "guide/Intro.md", "licence": "MIT", "repository": "acme/docs", "id": [1]},
        {"text": CODE, "language": "python"},
        {"text": PROSE, "path": "0704.1", "language": "latex", "repository": None, "licence": ""},
    )
    names = ("repository", "path", "language", "licence", "size")
    assert [tuple(row[name] for name in names) for row in read(source)] == [
        ("prose#1", "1.txt", "text", None, len(PROSE)),
        ("prose/acme/docs", "guide/Intro.md", "markdown", "MIT", len(PROSE)),
        ("prose#4", "4.py", "python", None, len(CODE)),
        ("prose#5", "0704.1.tex", "latex", None, len(PROSE)),
    ]
    assert read(source)[2]["text"] == CODE and read(source)[2]["sha256"] == hashlib.sha256(CODE.encode()).hexdigest()


@given(
    st.sampled_from([language.name for language in LANGUAGES]), st.sampled_from(["a", "b/c.py", "d.txt", "e.rst", ".h"])
)
def test_the_path_shows_the_language(tmp_path_factory: pytest.TempPathFactory, language: str, path: str):
    source = write(tmp_path_factory.getbasetemp() / "p.jsonl", {"text": PROSE, "path": path, "language": language})
    (line,) = read_lines(source.location, Limits(), LARGEST)
    assert language_of(line.path) == language and line.path.startswith(path)


def test_a_path_without_a_language_is_text(tmp_path: Path):
    source = write(tmp_path / "p.jsonl", *({"text": PROSE, "path": path} for path in ("notes", "a.bin", "a.rst")))
    assert [row["path"] for row in read(source)] == ["notes.txt", "a.bin.txt", "a.rst"]


def test_a_line_that_cannot_be_used_costs_itself(tmp_path: Path):
    nested = "[" * 100_000
    source = write(
        tmp_path / "p.jsonl",
        {"text": PROSE},
        '{"text": "broken',
        [1, 2],
        {"body": PROSE},
        {"text": ["a", "list"]},
        b'{"text": "latin \xe9"}',
        {"text": PROSE + "\ud800"},
        {"text": PROSE + "\0"},
        {"text": PROSE, "path": "../../etc/passwd"},
        {"text": PROSE, "path": "a\nb.txt"},
        {"text": PROSE, "path": 7},
        {"text": PROSE, "repository": "../other"},
        {"text": PROSE, "language": "klingon\x1b[31m"},
        {"text": PROSE, "licence": ["MIT"]},
        {"text": PROSE, "licence": "M" * 600},
        nested,
        '{"text": "x", "n": ' + "9" * 5000 + "}",
        "null",
        {"text": PROSE, "path": "last.md"},
    )
    rows = read(source)
    assert [row["path"] for row in rows if row.get("text")] == ["1.txt", "last.md"]
    assert len(rows) == 19
    assert reasons(rows) == [
        ("line 2", "read: not JSON"),
        ("line 3", "read: no object"),
        ("line 4", "read: no text"),
        ("line 5", "read: no text"),
        ("line 6", "read: not text"),
        ("line 7", "read: not text"),
        (f"line 8: byte {len(PROSE)}", "filter: not text"),
        ("line 9", "read: unsafe path"),
        ("line 10", "read: unsafe path"),
        ("line 11", "read: wrong field"),
        ("line 12", "read: unsafe path"),
        ("line 13", "read: unknown language"),
        ("line 14", "read: wrong field"),
        ("line 15", "read: wrong field"),
        ("line 16", "read: not JSON"),
        ("line 17", "read: not JSON"),
        ("line 18", "read: no object"),
    ]


def test_the_filters_judge_a_line_as_a_file(tmp_path: Path):
    source = write(
        tmp_path / "p.jsonl",
        {"text": "fn main() { println!(); }  // of Rust", "language": "rust"},
        {"text": "too short"},
        {"text": "few words, but long enough to be a file"},
        {"text": PROSE},
        {"text": PROSE, "licence": "GPL-3.0-only"},
        {"text": PROSE, "licence": "MIT OR GPL-3.0-only"},
        {"text": "# SPDX-License-Identifier: GPL-2.0-only\n" + CODE, "language": "python", "licence": "MIT"},
        {"text": PROSE, "path": "node_modules/README.md", "licence": "MIT"},
    )
    recipe = replace(RECIPE, filters=replace(RECIPE.filters, unknown_licence=False))
    rows = read(source, recipe)
    assert reasons(rows) == [
        ("line 1", "filter: language"),
        ("line 2", "filter: too small"),
        ("line 3", "filter: few words"),
        ("line 4", "licence: licence unknown"),
        ("line 5", "licence: licence not permissive"),
        ("line 7: its header", "licence: licence not permissive"),
        ("line 8", "filter: dependency folder"),
    ]
    assert [row["licence"] for row in rows if row.get("text")] == ["MIT OR GPL-3.0-only"]


def test_a_path_twice_in_one_repository_is_read_once(tmp_path: Path):
    named = {"text": PROSE, "path": "a.md", "repository": "r"}
    rows = read(
        write(
            tmp_path / "p.jsonl",
            named,
            {**named, "repository": "./r/"},
            {**named, "repository": "s"},
            {**named, "repository": ""},
        )
    )
    assert reasons(rows) == [("line 2", "read: repeated path")]
    assert [row["repository"] for row in rows] == ["prose/r", "prose/r", "prose/s", "prose#4"]


def test_no_two_sources_share_a_repository(tmp_path: Path):
    (tmp_path / "prose#1").mkdir()
    (tmp_path / "prose#1" / "a.py").write_text(CODE)
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "prose.jsonl", {"text": PROSE}, {"text": PROSE, "repository": "prose#1"})
    sources = find_repositories(
        [tmp_path / "prose#1", tmp_path / "x", tmp_path / "y"], lambda name: name.endswith(".py")
    )
    names = [row["repository"] for source in sources for row in read(source)]
    assert len(names) == 5 == len(set(names)), names


def peak_of(source: Source, limits: Limits) -> tuple[list[dict[str, Any]], int]:
    tracemalloc.start()
    try:
        return read(source, replace(RECIPE, limits=limits)), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_line_over_the_limits_is_passed_over(tmp_path: Path):
    """Neither a long line nor lists in lists, which would take thirty times their bytes, fill the memory."""
    long = [b"a" * (30 << 20), b'{"text": [' + b"[]," * (10 << 20) + b"[]]}"]
    source = write(tmp_path / "p.jsonl", {"text": PROSE}, *long, {"text": PROSE, "path": "last.md"})
    rows, peak = peak_of(source, Limits())
    assert reasons(rows) == [("line 2", "read: over the limits"), ("line 3", "read: over the limits")]
    assert [row["size"] for row in rows[1:3]] == [len(line) + 1 for line in long]
    assert rows[3]["path"] == "last.md" and peak < 40 << 20
    source = write(tmp_path / "p.jsonl", {"text": PROSE}, {"text": "short enough to be read, and too short to keep"})
    assert reasons(read(source, replace(RECIPE, limits=Limits(file_bytes=100)))) == [
        ("line 1", "read: over the limits"),
        ("line 2", "filter: few words"),
    ]


@pytest.mark.parametrize("escape", ["\\u0061", "\\u00e9"])
def test_a_text_as_large_as_the_filters_allow_is_read_however_it_is_written(tmp_path: Path, escape: str):
    count = 5000 if escape == "\\u0061" else 2500
    source = write(tmp_path / "p.jsonl", '{"text": "' + escape * count + '"}', '{"text": "' + "\\u0061" * 20_000 + '"}')
    first, second = read_lines(source.location, Limits(), 5000)
    assert (first.size, first.problem, second.problem) == (5000, None, "over the limits")


def test_a_bomb_is_read_up_to_the_limits(tmp_path: Path):
    path = tmp_path / "p.jsonl.gz"
    line = json.dumps({"text": PROSE}).encode() + b"\n"
    path.write_bytes(gzip.compress(line + b" " * (64 << 20)))
    rows, peak = peak_of(Source("prose", path, "jsonl"), Limits(ratio=10))
    assert rows[0]["text"] == PROSE and rows[1]["path"] == "…" and rows[1]["reason"] == "over the limits"
    assert len(rows) == 2 and peak < 20 << 20
    path.write_bytes(gzip.compress(line * 100_000))
    rows = read(Source("prose", path, "jsonl"), replace(RECIPE, limits=Limits(total_bytes=10 * len(line))))
    assert [row.get("reason") for row in rows] == [None] * 10 + ["over the limits"]
    path.write_bytes(gzip.compress(line + b"\n" * 100_000))
    rows = read(Source("prose", path, "jsonl"), replace(RECIPE, limits=Limits(files=1000)))
    assert [row.get("reason") for row in rows] == [None, "over the limits"]


def test_what_finds_no_room_in_memory_is_not_kept(tmp_path: Path):
    source = write(tmp_path / "p.jsonl", *[{"text": PROSE}] * 3, {"text": PROSE[: len(PROSE) * 3 // 4]})
    rows = read(source, replace(RECIPE, limits=Limits(wanted_bytes=len(PROSE) * 11 // 4)))
    assert reasons(rows) == [("line 3", "read: over the limits")]


@pytest.mark.parametrize("damage", ["cut", "garbage", "no gzip", "gone"])
def test_a_damaged_file_is_read_up_to_there(tmp_path: Path, damage: str):
    source = write(tmp_path / "p.jsonl.gz", *({"text": PROSE + str(n)} for n in range(2000)))
    data = source.location.read_bytes()
    changed = {"cut": data[:-500], "garbage": data + b"garbage", "no gzip": PROSE.encode(), "gone": b""}[damage]
    source.location.write_bytes(changed)
    if damage == "gone":
        source.location.unlink()
    rows = read(source)
    assert rows[-1]["reason"] == "damaged archive" and rows[-1]["repository"] == "prose"
    assert len(rows) > 1000 if damage in ("cut", "garbage") else len(rows) == 1


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_are_read_to_their_end(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]):
    source = write(tmp_path_factory.getbasetemp() / "any.jsonl", *lines)
    data = source.location.read_bytes()
    found = list(read_lines(source.location, Limits(), LARGEST))
    numbers = [
        n for n, line in enumerate(data.split(b"\n"), start=1) if line.removeprefix(b"\xef\xbb\xbf" * (n == 1)).strip()
    ]
    assert [line.number for line in found] == numbers


def test_a_mark_of_the_byte_order_is_no_part_of_the_first_line(tmp_path: Path):
    source = write(tmp_path / "p.jsonl", b"\xef\xbb\xbf" + json.dumps({"text": CODE.replace("\n", "\r\n")}).encode())
    (line,) = read_lines(source.location, Limits(), LARGEST)
    assert line == Line(1, "1.txt", len(CODE) + CODE.count("\n"), data=CODE.replace("\n", "\r\n").encode())


def test_an_empty_file_is_one_row_without_a_file(tmp_path: Path):
    source = write(tmp_path / "p.jsonl", "", "  ")
    assert list(read_repository(source, RECIPE)) == [{"repository": "prose", "repository_licence": None}]


# Finding


def find(*paths: Path) -> list[tuple[str, str]]:
    return [(s.name, s.kind) for s in find_repositories(paths, lambda name: language_of(name) is not None)]


def test_files_and_folders_of_json_lines_are_sources(tmp_path: Path):
    for name in ("part-00001.jsonl", "part-00002.jsonl.gz", "C4.JSONL"):
        write(tmp_path / name, {"text": PROSE})
    (tmp_path / "README.md").write_text(PROSE)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "delta-1.0.zip").write_bytes(b"")
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    (tmp_path / "plain").mkdir()
    wanted = [("C4", "jsonl"), ("checkout", "git"), ("delta", "zip"), ("part-00001", "jsonl"), ("part-00002", "jsonl")]
    assert find(tmp_path) == wanted
    assert find(tmp_path / "part-00001.jsonl") == [("part-00001", "jsonl")]


@pytest.mark.parametrize("beside", ["setup.py", "src/app.py", "checkout"])
def test_json_lines_inside_a_project_are_its_data(tmp_path: Path, beside: str):
    root = tmp_path / "project"
    (root / beside).parent.mkdir(parents=True)
    (root / ".git").mkdir() if beside == "checkout" else (root / beside).write_text(CODE)
    write(root / "data.jsonl", {"text": PROSE})
    assert find(root) == [("project", "git" if beside == "checkout" else "folder")]


def test_documents_are_no_repository_to_open(tmp_path: Path):
    with pytest.raises(UserError, match="holds documents, and not one repository"):
        list(open_repository(write(tmp_path / "p.jsonl"), Limits(), lambda path, size: True))


# The whole line


def document(number: int) -> str:
    draw = random.Random(number)
    words = ["the", "of", "and", "to", *("".join(draw.choices("etaoinshrdlu", k=6)) for _ in range(60))]
    return f"Document {number} of the tale. " + " ".join(draw.choices(words, k=90)) + "\n"


def read_set(directory: Path) -> dict[str, list[set[str]]]:
    """The numbers of the documents of each segment, by split."""
    from codegem.data.shards import ExampleSource
    from codegem.text.tokenizer import load_tokenizer

    tokenizer, found = load_tokenizer(directory), {}
    for split in ("train", "validation"):
        source = ExampleSource(directory, split)
        examples = [source[index] for index in range(len(source))]
        found[split] = [
            set(re.findall(r"Document (\d+)", tokenizer.decode(e.tokens[e.segment_ids == segment].tolist())))
            for e in examples
            for segment in range(1, e.segment_ids.max() + 1)
        ]
    return found


def test_a_build_of_documents_and_code(tmp_path: Path):
    for package in ("daft", "array_record"):
        pytest.importorskip(package)
    from codegem.data.pipeline import build

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write(corpus / "one.jsonl", *({"text": document(n)} for n in range(60)))
    shared = [{"text": document(n), "repository": "book", "path": f"{n}.txt"} for n in range(100, 104)]
    write(corpus / "two.jsonl.gz", *({"text": document(n)} for n in range(50, 90)), *shared)
    with zipfile.ZipFile(corpus / "code-1.0.zip", "w") as archive:
        archive.writestr("p/a.py", "".join(f"def f{n}(x):\n    return x * {n}\n\n\n" for n in range(40)))
    recipe = replace(RECIPE, context_length=2048, vocab_size=600, validation_share=0.2, fim=FimRules(rate=0.0))
    manifest = build([corpus], tmp_path / "out", recipe, workers=1)
    assert (manifest.counts["read"], manifest.counts["kept"]) == (105, 95)
    assert manifest.counts["reasons"] == {"dedup: exact duplicate": 10}
    assert [(row["name"], row["source"], row["kept"]) for row in manifest.counts["repositories"]] == [
        ("code", "code-1.0.zip", 1),
        ("one", "one.jsonl", 60),
        ("two", "two.jsonl.gz", 34),
    ]
    found = read_set(tmp_path / "out")
    held, trained = (set().union(*found[split]) for split in ("validation", "train"))
    assert held and not held & trained and len(held | trained) == 94
    together = {"100", "101", "102", "103"}
    assert all(len(numbers) <= 1 or numbers <= together for segments in found.values() for numbers in segments)
    assert any(len(numbers) > 1 for segments in found.values() for numbers in segments)
    assert together <= held or not together & held
    again = build([corpus], tmp_path / "again", recipe, workers=2)
    assert again == manifest
