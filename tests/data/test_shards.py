"""The format on the disk: round trips, whole files or none, and going on after a failure."""

import errno
import os
import pickle
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data import shards as format_
from codegem.data.records import TrainingExample
from codegem.data.shards import (
    ExampleSource,
    Manifest,
    ShardWriter,
    from_record,
    manifest_hash,
    read_manifest,
    to_record,
    write_manifest,
)
from codegem.errors import UserError

pytest.importorskip("array_record")


def example(number: int, length: int = 16) -> TrainingExample:
    segments = np.repeat([1, 2, 0], [length // 2, length // 4, length - length // 2 - length // 4]).astype(np.int32)
    return TrainingExample(np.arange(length, dtype=np.int32) + number, segments, np.full(length, 2, np.uint8))


def write(directory: Path, train: int, validation: int = 0, size: int = 4) -> Manifest:
    writer = ShardWriter(directory, size)
    for number in range(train):
        writer.add("train", example(number))
    for number in range(validation):
        writer.add("validation", example(1000 + number))
    shards = writer.close()
    manifest = Manifest(manifest_hash(shards), {"seed": 0}, "", {}, 16, {}, {}, shards)
    write_manifest(directory, manifest)
    return manifest


def files(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}


@given(length=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_record_is_read_as_it_was_written(length: int, seed: int):
    rng = np.random.default_rng(seed)
    tokens, segments = rng.integers(0, 256_000, (2, length), dtype=np.int32)
    written = TrainingExample(tokens, segments, rng.integers(0, 6, length, dtype=np.uint8))
    read = from_record(to_record(written))
    for name in ("tokens", "segment_ids", "roles"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
        assert getattr(read, name).dtype == getattr(written, name).dtype


def test_examples_are_found_in_their_order_over_shards(tmp_path: Path):
    manifest = write(tmp_path, 10, 3)
    assert [(s.file, s.examples, s.tokens) for s in manifest.shards] == [
        ("shards/train-00000.array_record", 4, 48),
        ("shards/train-00001.array_record", 4, 48),
        ("shards/train-00002.array_record", 2, 24),
        ("shards/validation-00000.array_record", 3, 36),
    ]
    source = ExampleSource(tmp_path, "train")
    assert len(source) == manifest.examples("train") == 10
    assert [int(source[index].tokens[0]) for index in (9, 0, 4, 3, 8)] == [9, 0, 4, 3, 8]
    assert int(ExampleSource(tmp_path, "validation")[2].tokens[0]) == 1002
    for index in (10, -1):
        with pytest.raises(IndexError):
            source[index]


def test_a_split_may_be_empty(tmp_path: Path):
    write(tmp_path, 2)
    assert len(ExampleSource(tmp_path, "validation")) == 0


def test_a_source_travels_to_another_process(tmp_path: Path):
    write(tmp_path, 5)
    source = ExampleSource(tmp_path, "train")
    assert source[1].tokens[0] == 1  # a file is open now
    assert pickle.loads(pickle.dumps(source))[4].tokens[0] == 4


def test_the_manifest_is_read_as_it_was_written_and_nothing_else_is_left(tmp_path: Path):
    manifest = write(tmp_path, 5)
    assert asdict(read_manifest(tmp_path)) == asdict(manifest)
    assert set(files(tmp_path)) == {
        "manifest.json",
        "shards/train-00000.array_record",
        "shards/train-00001.array_record",
    }


def test_the_same_examples_give_the_same_bytes(tmp_path: Path):
    write(tmp_path / "a", 9, 2)
    write(tmp_path / "b", 9, 2)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_the_hash_is_of_the_contents(tmp_path: Path):
    assert write(tmp_path / "a", 9).hash == write(tmp_path / "b", 9).hash
    assert write(tmp_path / "c", 8).hash != write(tmp_path / "d", 8, 1).hash != write(tmp_path / "e", 9).hash


@pytest.mark.parametrize("call", range(7))
def test_after_a_full_disk_the_same_build_goes_on(tmp_path: Path, call: int):
    """The n-th file, of three shards each with the journal after it and the manifest, can't be written."""
    out, whole, calls = tmp_path / "out", tmp_path / "whole", iter(range(100))

    def fsync(descriptor: int) -> None:
        if next(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(format_.os, "fsync", fsync)
        with pytest.raises(UserError, match=r"No space left on device\. The finished shards in it are kept"):
            write(out, 10)
    left = files(out)
    assert len(left) == (call + 1) // 2 + (call >= 2)  # shards, and the journal of those before
    assert not any("unfinished" in path for path in left if not path.endswith(".json"))
    listed = {path: (out / path).stat().st_ino for path in list(left)[: call // 2] if path.endswith("record")}
    write(out, 10)
    write(whole, 10)
    assert files(out) == files(whole)
    assert {path: (out / path).stat().st_ino for path in listed} == listed  # not written again


def test_a_half_written_shard_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def write_records(path: Path, records: list[bytes]) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(format_, "_write_records", write_records)
    with pytest.raises(UserError, match="No space left on device"):
        write(tmp_path, 10)
    assert files(tmp_path) == {}


def test_array_records_own_error_is_a_sentence(tmp_path: Path):
    writer = ShardWriter(tmp_path, 1)
    (tmp_path / "shards").rmdir()
    with pytest.raises(UserError, match=r"Writing to .* failed: .*No such file"):
        writer.add("train", example(0))


def test_a_stopped_build_of_something_else_is_not_taken_over(tmp_path: Path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    writer = ShardWriter(out, 2)
    for number in range(20, 30):
        writer.add("train", example(number))
    del writer  # stopped: five shards of other examples, no manifest
    write(out, 5, size=2)
    write(whole, 5, size=2)
    assert files(out) == files(whole)


def test_a_shard_that_was_damaged_meanwhile_is_written_again(tmp_path: Path):
    writer = ShardWriter(tmp_path, 4)
    for number in range(8):
        writer.add("train", example(number))
    (tmp_path / "shards/train-00000.array_record").write_bytes(b"damaged")
    write(tmp_path, 10)
    assert [int(ExampleSource(tmp_path, "train")[n].tokens[0]) for n in range(10)] == list(range(10))


def test_what_is_missing_or_damaged_is_told_in_a_sentence(tmp_path: Path):
    with pytest.raises(UserError, match="holds no data set"):
        read_manifest(tmp_path)
    writer = ShardWriter(tmp_path, 1)
    writer.add("train", example(0))
    with pytest.raises(UserError, match="is not finished"):
        read_manifest(tmp_path)
    write(tmp_path, 5)
    shard = tmp_path / "shards/train-00001.array_record"
    shard.write_bytes(shard.read_bytes()[:-100])
    source = ExampleSource(tmp_path, "train")
    with pytest.raises(UserError, match=r"train-00001\.array_record is damaged"):
        source[4]
    shard.unlink()
    with pytest.raises(UserError, match=r"train-00001\.array_record is missing"):
        ExampleSource(tmp_path, "train")


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is damaged"), ("[]", "is damaged"), ('{"format": 1}', "is damaged"), ('{"format": 9}', "is of format 9")],
)
def test_a_manifest_that_is_none(tmp_path: Path, text: str, words: str):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=words):
        read_manifest(tmp_path)
