"""Questions and answers to shards: everything accounted for, the loss on answers, the same bytes again."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("array_record")

from codegem.data.instructions import InstructionRecipe, build_instructions  # noqa: E402
from codegem.data.questions.algebra import make_algebra  # noqa: E402
from codegem.data.questions.conversations import Pair, Refused  # noqa: E402
from codegem.data.shards import ExampleSource, read_manifest  # noqa: E402
from codegem.errors import UserError  # noqa: E402
from codegem.text.chat import Turn, parse_chat  # noqa: E402
from codegem.text.fim import Role  # noqa: E402
from codegem.text.tokenizer import Tokenizer, load_tokenizer  # noqa: E402

RECIPE = InstructionRecipe(context_length=512, validation_share=0.1, shard_tokens=512 * 16)
LONG = "Write a function that returns the sum of all even numbers of a list and raises an error for an empty one"


def questions() -> Iterator[Pair | Refused]:
    yield from make_algebra(200, 0)
    yield Pair("gsm8k", "a:1", "How many?", "<end_of_turn> Two.\nThe answer is 2.")
    yield Refused("gsm8k", "a:2", "read", "no result")
    yield Pair("gsm8k", "a:3", " How  many?", "Three.")
    yield Pair("gsm8k", "a:4", "Why?", "word " * 600)
    yield Pair("gsm8k", "a:5", "", "Yes.")
    yield Pair("gsm8k", "a:6", "What is in the test set?", "This is.")
    yield Pair("oss-instruct", "b:1", LONG, "Code.")
    yield Pair("oss-instruct", "b:2", LONG.replace("empty one", "empty list"), "Code.")
    yield Pair("gsm8k", "a:7", LONG.replace("empty one", "empty book"), "Not compared nearly.")


def screen(texts: Sequence[str]) -> list[str | None]:
    return ["benchmark 7: question" if "test set" in text else None for text in texts]


def turns(directory: Path, tokenizer: Tokenizer) -> Iterator[list[Turn]]:
    for split in ("train", "validation"):
        source = ExampleSource(directory, split)
        for index in range(len(source)):
            example = source[index]
            for segment in range(1, int(example.segment_ids.max()) + 1):
                yield parse_chat(example.tokens[example.segment_ids == segment].tolist(), tokenizer)


def test_everything_read_is_kept_or_rejected(tokenizer: Tokenizer, tmp_path: Path):
    manifest = build_instructions(questions(), tmp_path, RECIPE, tokenizer, screen=screen)
    counts = manifest.counts
    assert (counts["read"], counts["kept"], counts["rejected"]) == (209, 203, 6)
    assert counts["sources"] == {
        "algebra": {"read": 200, "kept": 200, "rejected": 0},
        "gsm8k": {"read": 7, "kept": 2, "rejected": 5},
        "oss-instruct": {"read": 2, "kept": 1, "rejected": 1},
    }
    rows = pq.read_table(tmp_path / "rejected.parquet").to_pylist()
    told = {(row["repository"], row["path"]): (row["stage"], row["reason"], row["detail"]) for row in rows}
    assert told.pop(("gsm8k", "a:4"))[:2] == ("filter", "too long")
    assert told == {
        ("gsm8k", "a:2"): ("read", "no result", ""),
        ("gsm8k", "a:3"): ("dedup", "exact duplicate", "gsm8k/a:1"),
        ("gsm8k", "a:5"): ("filter", "empty", ""),
        ("gsm8k", "a:6"): ("contamination", "quotes a benchmark", "benchmark 7: question"),
        ("oss-instruct", "b:2"): ("dedup", "near duplicate", "oss-instruct/b:1, similarity 0.89"),
    }
    assert sum(counts["reasons"].values()) == 6 and counts["reasons"]["dedup: near duplicate"] == 1
    kept = list(turns(tmp_path, load_tokenizer(tmp_path) if tokenizer.vocab_size > 300 else tokenizer))
    assert len(kept) == counts["conversations"] == 203
    assert [Turn("user", "How many?"), Turn("model", "<end_of_turn> Two.\nThe answer is 2.")] in kept
    assert all([turn.speaker for turn in talk] == ["user", "model"] for talk in kept)
    assert not (tmp_path / "work" / "conversations.arrow").exists()


def test_rows_are_full_and_roles_fit(bytes_tokenizer: Tokenizer, tmp_path: Path):
    manifest = build_instructions(questions(), tmp_path, RECIPE, bytes_tokenizer, screen=screen)
    assert manifest.tokens["share_real"] > 0.9
    assert manifest.examples("train") and manifest.examples("validation")
    real = 0
    for split in ("train", "validation"):
        source = ExampleSource(tmp_path, split)
        for index in range(len(source)):
            example = source[index]
            assert example.tokens.shape == (512,)
            real += np.count_nonzero(example.segment_ids)
            answers = example.tokens[example.roles == Role.ANSWER].tolist()
            assert answers.count(bytes_tokenizer.special.end_of_turn) == example.segment_ids.max()
            assert set(example.roles.tolist()) == {Role.CONTROL, Role.QUESTION, Role.ANSWER}
    assert real == manifest.tokens["real"]


def build(out: Path, tokenizer: Tokenizer, recipe: InstructionRecipe = RECIPE) -> str:
    return build_instructions(questions(), out, recipe, tokenizer, screen=screen).hash


def content(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_the_same_again_gives_the_same_bytes(bytes_tokenizer: Tokenizer, tmp_path: Path):
    first = build(tmp_path / "a", bytes_tokenizer)
    assert build(tmp_path / "b", bytes_tokenizer) == first
    assert content(tmp_path / "a") == content(tmp_path / "b")
    other = InstructionRecipe(context_length=512, validation_share=0.1, shard_tokens=512 * 16, seed=1)
    assert build(tmp_path / "c", bytes_tokenizer, other) != first


def test_a_finished_data_set_is_left_as_it_is(bytes_tokenizer: Tokenizer, tmp_path: Path):
    manifest = build_instructions(questions(), tmp_path, RECIPE, bytes_tokenizer, screen=screen)
    before = content(tmp_path)
    assert build_instructions(questions(), tmp_path, RECIPE, bytes_tokenizer, screen=screen) == manifest
    assert content(tmp_path) == before and read_manifest(tmp_path) == manifest
    with pytest.raises(UserError, match="holds another data set"):
        build_instructions(make_algebra(5, 0), tmp_path, RECIPE, bytes_tokenizer)
    assert content(tmp_path) == before


def test_a_build_that_was_stopped_goes_on(bytes_tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = build(tmp_path / "whole", bytes_tokenizer)

    def torn() -> Iterator[Pair | Refused]:
        for number, question in enumerate(questions()):
            if number == 150:
                raise KeyboardInterrupt
            yield question

    with pytest.raises(KeyboardInterrupt):
        build_instructions(torn(), tmp_path / "a", RECIPE, bytes_tokenizer)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("codegem.data.instructions.write_manifest", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        build(tmp_path / "a", bytes_tokenizer)
    assert build(tmp_path / "a", bytes_tokenizer) == whole
    assert content(tmp_path / "a") == content(tmp_path / "whole")


def test_nothing_kept_is_an_error(bytes_tokenizer: Tokenizer, tmp_path: Path):
    with pytest.raises(UserError, match="No question is kept \\(none was read\\)"):
        build_instructions([], tmp_path, RECIPE, bytes_tokenizer)
    with pytest.raises(UserError, match="1 read: no result"):
        build_instructions([Refused("gsm8k", "a:2", "read", "no result")], tmp_path, RECIPE, bytes_tokenizer)


@pytest.mark.parametrize(
    ("recipe", "part"),
    [
        (InstructionRecipe(context_length=63), "63 tokens is too short"),
        (InstructionRecipe(algebra=-1), "-1 questions"),
        (InstructionRecipe(similarity=0.0), "similarity"),
        (InstructionRecipe(validation_share=1.0), "validation_share"),
    ],
)
def test_a_recipe_that_can_not_be(recipe: InstructionRecipe, part: str, bytes_tokenizer: Tokenizer, tmp_path: Path):
    with pytest.raises(UserError, match=part):
        build_instructions(questions(), tmp_path, recipe, bytes_tokenizer)
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_holds_the_recipe(bytes_tokenizer: Tokenizer, tmp_path: Path):
    build(tmp_path, bytes_tokenizer)
    told = json.loads((tmp_path / "manifest.json").read_text())
    assert told["recipe"]["similarity"] == 0.7 and told["recipe"]["oss"]["limits"]["seconds"] == 10.0
