"""Benchmarks are read from whatever files they come in."""

import bz2
import gzip
import json
from pathlib import Path

import pytest

from codegem.data.benchmarks.benchmark_records import Field, benchmark_files, content_hash, read_benchmark
from codegem.errors import UserError


def test_a_record_gives_its_texts_with_their_names(tmp_path: Path):
    record = {
        "task_id": "X/7",
        "prompt": "def f(a):\n",
        "canonical_solution": "    return a\n",
        "suffix": "# end\n",
        "solutions": {"Python": "def g(): ..."},
        "test_list": ["assert f(1)", "assert f(2)"],
        "cases": [{"why": "because\u2028so", "inputs": {"text": "the quick brown fox"}}],
        "answer": 3,
    }
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(
        gzip.compress((json.dumps(record, ensure_ascii=False) + "\n\n" + '{"question": "Q: Why? A:"}').encode())
    )
    fields = read_benchmark("x", path)
    assert fields == [
        Field("x", "X/7", "program", "def f(a):\n    return a\n# end\n", True),
        Field("x", "X/7", "task_id", "X/7", False),
        Field("x", "X/7", "solutions.Python", "def g(): ...", True),
        Field("x", "X/7", "test_list", "assert f(1)\nassert f(2)", False),
        Field("x", "X/7", "cases.why", "because\u2028so", False),
        Field("x", "1", "question", " Why? ", False),
    ]


def test_lists_lines_and_packed_files(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "README.md").write_text("no data")
    (tmp_path / "a.json").write_text('["one", {"text": "two"}]')
    (tmp_path / "deep" / "b.txt.bz2").write_bytes(bz2.compress(b"first\nsecond\n"))
    assert [name for name, _ in benchmark_files([tmp_path])] == ["a", "deep/b"]
    assert [name for name, _ in benchmark_files([tmp_path / "a.json"])] == ["a"]
    texts = [[field.text for field in read_benchmark(name, path)] for name, path in benchmark_files([tmp_path])]
    assert texts == [["one", "two"], ["first", "second"]]


def test_the_hash_is_of_the_contents(tmp_path: Path):
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one\n"))
    assert content_hash(tmp_path / "a.txt") == content_hash(tmp_path / "a.txt.gz")


@pytest.mark.parametrize("data", [b"\xff", b"{", b'{"a": ' * 100_000])
def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path, data: bytes):
    (tmp_path / "bad.jsonl").write_bytes(data)
    with pytest.raises(UserError, match=r"bad\.jsonl cannot be read"):
        read_benchmark("bad", tmp_path / "bad.jsonl")
    (tmp_path / "bad.json.gz").write_bytes(data)
    with pytest.raises(UserError, match=r"bad\.json\.gz cannot be read"):
        read_benchmark("bad", tmp_path / "bad.json.gz")


def test_paths_without_data_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="does not exist"):
        benchmark_files([tmp_path / "none"])
    with pytest.raises(UserError, match="holds no benchmark data"):
        benchmark_files([tmp_path])
