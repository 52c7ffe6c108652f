"""What a data set holds is measured as it is, and the same every time."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.accounts import REJECTED
from codegem.data.records import TrainingExample
from codegem.data.report import DataReport, gather, histogram
from codegem.data.shards import Manifest, ShardWriter, manifest_hash, write_manifest
from codegem.data.show import show
from codegem.errors import UserError
from codegem.text.fim import Hole, Order, SourceFile, render
from codegem.text.tokenizer import Tokenizer

pytest.importorskip("array_record")

CONTEXTS = [
    [SourceFile("a.py", Hole("x = ", "12", "\ny\n")), SourceFile("b.py", "plain\n")],
    [SourceFile("c.py", Hole("a", "bcd", "ef", Order.SPM))],
    [SourceFile("d.py", "one\n"), SourceFile("e.py", "two\n"), SourceFile("f.py", "three\n")],
]
REASONS = {("filter", "language"): 9, ("read", "link"): 2, ("dedup", "near duplicate"): 2}
REPOSITORIES = [
    {"name": "a", "kept": 3, "edges": 4, "dropped": 1, "tests": 2},
    {"name": "b", "kept": 0} | dict(edges=0, dropped=0, tests=0),
]


def make(
    directory: Path, tokenizer: Tokenizer, examples: int = 5, repositories: list[dict[str, Any]] = REPOSITORIES
) -> Path:
    """A data set of examples that all hold the same contexts; those for validation hold others."""
    directory.mkdir(exist_ok=True)
    writer = ShardWriter(directory, 4)
    example = TrainingExample(np.zeros(128, np.int32), np.zeros(128, np.int32), np.zeros(128, np.uint8))
    start = 0
    for segment, files in enumerate(CONTEXTS, start=1):
        rendered = render(files, tokenizer)
        end = start + len(rendered.tokens)
        example.tokens[start:end], example.segment_ids[start:end] = rendered.tokens, segment
        example.roles[start:end] = rendered.roles
        start = end
    for _ in range(examples):
        writer.add("train", example)
    writer.add("validation", TrainingExample(example.tokens[:64], np.ones(64, np.int32), example.roles[:64]))
    shards = writer.close()
    counts = {"repositories": repositories}
    write_manifest(directory, Manifest(manifest_hash(shards), {}, "", {}, 128, {}, counts, shards))
    tokenizer.save(directory / "tokenizer.json")
    columns = ("repository", "path", "stage", "reason", "rule", "place", "detail", "language")
    rows = [
        dict.fromkeys(columns, "x") | {"path": f"{n}", "stage": stage, "reason": reason, "size": n}
        for (stage, reason), count in REASONS.items()
        for n in range(count)
    ]
    pq.write_table(pa.Table.from_pylist(rows, REJECTED), directory / "rejected.parquet")
    return directory


def bars(report: DataReport, title: str) -> tuple[int, float, dict[str, int]]:
    (found,) = (item for item in report.distributions if item.title.startswith(title))
    return found.values, found.median, dict(found.bars)


def test_the_distributions_are_of_what_the_examples_hold(tmp_path: Path, bytes_tokenizer: Tokenizer):
    report = gather(make(tmp_path / "set", bytes_tokenizer))
    assert report.directory == "set" and report.measured == 5
    lengths = [len(render(files, bytes_tokenizer).tokens) for files in CONTEXTS]
    assert bars(report, "Tokens of a context") == (
        15,
        float(np.median(lengths * 5)),
        dict(histogram("", lengths * 5).bars),
    )
    assert bars(report, "Files, and parts") == (15, 2.0, {"1": 5, "2–3": 10})
    assert bars(report, "Tokens of the prefix") == (10, 2.5, {"1": 5, "4–7": 5})
    assert bars(report, "Tokens of the middle") == (10, 2.5, {"2–3": 10})
    assert bars(report, "Tokens of the suffix") == (10, 2.5, {"2–3": 10})
    assert bars(report, "Files kept") == (2, 1.5, {"0": 1, "2–3": 1})
    assert bars(report, "Dependencies in a repository") == (2, 2.0, {"0": 1, "4–7": 1})
    assert bars(report, "Dependencies dropped") == (2, 0.5, {"0": 1, "1": 1})
    assert bars(report, "Tests beside") == (2, 1.0, {"0": 1, "2–3": 1})


def test_what_is_not_known_of_the_repositories_is_not_shown(tmp_path: Path, bytes_tokenizer: Tokenizer):
    report = gather(make(tmp_path / "set", bytes_tokenizer, repositories=[{"name": "a", "kept": 3}, REPOSITORIES[1]]))
    assert [item.title for item in report.distributions if "epend" in item.title] == []


def test_examples_are_shown_as_show_shows_them(tmp_path: Path, bytes_tokenizer: Tokenizer):
    directory = make(tmp_path / "set", bytes_tokenizer, examples=20)
    report = gather(directory)
    assert len({example.index for example in report.examples}) == 6
    assert all(example == show(directory, example.index) for example in report.examples)
    assert len(gather(make(tmp_path / "small", bytes_tokenizer, examples=2)).examples) == 2


def test_of_each_reason_some_files_are_shown_the_commonest_reason_first(tmp_path: Path, bytes_tokenizer: Tokenizer):
    report = gather(make(tmp_path / "set", bytes_tokenizer))
    assert [name for name, _ in report.rejected] == ["filter: language", "dedup: near duplicate", "read: link"]
    assert [len(rows) for _, rows in report.rejected] == [6, 2, 2]
    for name, rows in report.rejected:
        assert {f"{row['stage']}: {row['reason']}" for row in rows} == {name}
        assert [row["size"] for row in rows] == sorted({row["size"] for row in rows})


def test_the_report_is_of_the_data_set_and_the_seed(tmp_path: Path, bytes_tokenizer: Tokenizer):
    directory = make(tmp_path / "set", bytes_tokenizer, examples=40)
    assert gather(directory) == gather(directory)
    assert [e.index for e in gather(directory, seed=1).examples] != [e.index for e in gather(directory).examples]
    assert gather(directory, seed=1).rejected != gather(directory).rejected


@given(st.lists(st.integers(0, 1 << 40), max_size=40))
def test_every_value_is_in_the_bar_that_names_it(values: list[int]):
    found = histogram("x", values)
    assert (found.title, found.values, sum(count for _, count in found.bars)) == ("x", len(values), len(values))
    for label, count in found.bars:
        first, _, last = label.replace(" and more", f"–{1 << 62}").partition("–")
        assert count == sum(int(first) <= value <= int(last or first) for value in values) > 0
    if values:
        assert found.median == pytest.approx(float(np.median(values)))


def test_without_an_example_or_with_a_damaged_file_it_is_told(tmp_path: Path, bytes_tokenizer: Tokenizer):
    with pytest.raises(UserError, match="holds no data set"):
        gather(tmp_path)
    with pytest.raises(UserError, match="holds no training example"):
        gather(make(tmp_path / "none", bytes_tokenizer, examples=0))
    directory = make(tmp_path / "damaged", bytes_tokenizer)
    (directory / "rejected.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(UserError, match=r"rejected.parquet cannot be read .*build the data set again"):
        gather(directory)
    (directory / "rejected.parquet").unlink()
    with pytest.raises(UserError, match="cannot be read"):
        gather(directory)
