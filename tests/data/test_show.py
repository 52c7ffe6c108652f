"""An example as a person reads it."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from codegem.data.records import TrainingExample
from codegem.data.shards import Manifest, ShardWriter, manifest_hash, write_manifest
from codegem.data.show import Span, show
from codegem.errors import UserError
from codegem.text.fim import Hole, Order, SourceFile, render
from codegem.text.tokenizer import Tokenizer

pytest.importorskip("array_record")


@pytest.fixture
def directory(tmp_path: Path, bpe_tokenizer: Tokenizer) -> Path:
    contexts = [
        [SourceFile("é.py", Hole("x = ", "1 # é", "\n")), SourceFile("b.py", "plain\n")],
        [SourceFile("c.py", Hole("a", "b", "c", Order.SPM))],
    ]
    example = TrainingExample(np.zeros(96, np.int32), np.zeros(96, np.int32), np.zeros(96, np.uint8))
    start = 0
    for segment, files in enumerate(contexts, start=1):
        rendered = render(files, bpe_tokenizer)
        end = start + len(rendered.tokens)
        example.tokens[start:end], example.segment_ids[start:end] = rendered.tokens, segment
        example.roles[start:end] = rendered.roles
        start = end
    writer = ShardWriter(tmp_path, 4)
    writer.add("train", example)
    shards = writer.close()
    write_manifest(tmp_path, Manifest(manifest_hash(shards), {}, "", {}, 96, {}, {}, shards))
    bpe_tokenizer.save(tmp_path / "tokenizer.json")
    return tmp_path


def test_spans_have_their_roles_and_control_tokens_their_names(directory: Path):
    shown = show(directory, 0)
    assert [(span.role, span.text) for span in shown.segments[0]] == [
        ("control", "<bos>"),
        ("path", "é.py\n"),
        ("control", "<|fim_prefix|>"),
        ("prefix", "x = "),
        ("control", "<|fim_suffix|>"),
        ("suffix", "\n"),
        ("control", "<|fim_middle|>"),
        ("middle", "1 # é"),
        ("control", "<|file_separator|>"),
        ("path", "b.py\n"),
        ("text", "plain\n"),
        ("control", "<|file_separator|>"),
    ]
    assert [span.text for span in shown.segments[1]][2:7] == [
        "<|fim_suffix|>",
        "c",
        "<|fim_prefix|>",
        "a",
        "<|fim_middle|>",
    ]
    assert (shown.split, shown.index, shown.examples, shown.tokens) == ("train", 0, 1, 96)
    assert shown.padding + sum(span.tokens for segment in shown.segments for span in segment) == 96
    assert shown.segments[0][0] == Span("control", "<bos>", 1, masked=True)
    assert not any(span.masked for segment in shown.segments for span in segment[1:])


def test_it_is_json(directory: Path):
    assert json.loads(json.dumps(asdict(show(directory, 0))))["segments"][0][1]["text"] == "é.py\n"


@pytest.mark.parametrize(("index", "split"), [(1, "train"), (-1, "train"), (0, "validation")])
def test_an_example_that_is_not_there(directory: Path, index: int, split: str):
    with pytest.raises(UserError, match="counted from 0"):
        show(directory, index, split)  # type: ignore[arg-type]


def test_a_directory_without_data(tmp_path: Path):
    with pytest.raises(UserError, match="holds no data set"):
        show(tmp_path, 0)
