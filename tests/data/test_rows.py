"""Contexts to rows: every context once, in a seeded order, whole repositories held back for validation."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from codegem.data import rows
from codegem.data.rows import CONTEXTS, Contexts, Row, lay_out, plan_rows
from codegem.data.work import write_arrow

LENGTH, PAD = 128, 0


def write(folder: Path, lengths: list[int], repositories: int = 30, files: int = 3) -> list[Path]:
    """Contexts of some repositories, dealt out to files; context n holds the token n + 1."""
    made = [
        {
            "repository": f"r{number % repositories:03d}",
            "index": number,
            "tokens": np.full(length, number + 1, np.int32).tobytes(),
            "roles": np.full(length, 2, np.uint8).tobytes(),
        }
        for number, length in enumerate(lengths)
    ]
    made.sort(key=lambda row: (row["repository"], row["index"]))
    paths = []
    for number in range(files):
        mine = [row for row in made if int(row["repository"][1:]) % files == number]
        paths.append(folder / f"{number}.arrow")
        write_arrow(paths[-1], iter([pa.RecordBatch.from_pylist(mine, CONTEXTS)] if mine else []), CONTEXTS)
    return paths


@pytest.fixture(scope="module")
def lengths() -> list[int]:
    return np.random.default_rng(0).integers(5, LENGTH + 1, 900).tolist()


def planned(contexts: Contexts, share: float = 0.1, seed: int = 0) -> list[Row]:
    return list(plan_rows(contexts, LENGTH, share, seed))


def test_every_context_is_in_one_row_as_one_segment(tmp_path: Path, lengths: list[int]):
    contexts = Contexts(write(tmp_path, lengths), 0)
    plan = planned(contexts)
    seen: Counter[int] = Counter()
    for row in plan:
        example = lay_out(contexts, row, LENGTH, PAD)
        assert example.tokens.shape == example.segment_ids.shape == example.roles.shape == (LENGTH,)
        assert (example.tokens[example.segment_ids == 0] == PAD).all()
        assert (example.roles[example.segment_ids > 0] == 2).all()
        for segment in range(1, example.segment_ids.max() + 1):
            inside = example.tokens[example.segment_ids == segment]
            (token,) = set(inside.tolist())
            seen[token] += len(inside)
    assert seen == {number + 1: length for number, length in enumerate(lengths)}
    assert sum(lengths) / (LENGTH * len(plan)) > 0.95


def test_no_repository_is_on_both_sides(tmp_path: Path, lengths: list[int]):
    contexts = Contexts(write(tmp_path, lengths), 0)
    plan = planned(contexts, 0.1)
    sides = {"train": set(), "validation": set()}
    for row in plan:
        sides[row.split].update(contexts.names[contexts.repositories[number]] for number in row.contexts)
    assert sides["validation"] and not sides["train"] & sides["validation"]
    held = sum(contexts.lengths[number] for row in plan if row.split == "validation" for number in row.contexts)
    assert 0.05 < held / sum(lengths) < 0.16
    assert [row.split for row in plan] == sorted(row.split for row in plan)


def test_of_a_single_repository_contexts_are_held_back(tmp_path: Path, lengths: list[int]):
    contexts = Contexts(write(tmp_path, lengths, repositories=1, files=1), 0)
    plan = planned(contexts, 0.1)
    held = sum(contexts.lengths[number] for row in plan if row.split == "validation" for number in row.contexts)
    assert 0.05 < held / sum(lengths) < 0.16


@pytest.mark.parametrize(("share", "number"), [(0.0, 300), (0.1, 19)])
def test_nothing_is_held_back_where_little_is_there(tmp_path: Path, share: float, number: int):
    contexts = Contexts(write(tmp_path, [LENGTH] * number, repositories=1, files=1), 0)
    assert {row.split for row in planned(contexts, share)} == {"train"}


def test_the_order_is_of_the_seed_and_mixes_repositories(tmp_path: Path, lengths: list[int]):
    paths = write(tmp_path, lengths)
    contexts = Contexts(paths, 0)
    assert planned(contexts) == planned(Contexts(paths, 0))
    assert planned(contexts) != planned(Contexts(paths, 1), seed=1)
    first = {contexts.names[contexts.repositories[number]] for row in planned(contexts)[:20] for number in row.contexts}
    assert len(first) > 10


def test_the_order_does_not_depend_on_which_file_holds_a_context(tmp_path: Path, lengths: list[int]):
    (tmp_path / "one").mkdir()
    (tmp_path / "three").mkdir()
    one = Contexts(write(tmp_path / "one", lengths, files=1), 0)
    three = Contexts(write(tmp_path / "three", lengths, files=3), 0)
    laid = [
        [lay_out(contexts, row, LENGTH, PAD).tokens.tolist() for row in planned(contexts)] for contexts in (one, three)
    ]
    assert laid[0] == laid[1]


def test_files_are_opened_anew_after_so_many_bytes(tmp_path: Path, lengths: list[int], monkeypatch: pytest.MonkeyPatch):
    paths = write(tmp_path, lengths)
    contexts = Contexts(paths, 0)
    expected = [lay_out(contexts, row, LENGTH, PAD).tokens.tolist() for row in planned(contexts)]
    monkeypatch.setattr(rows, "_MAPPED", 2000)
    opened = []
    mapped = rows._map
    monkeypatch.setattr(rows, "_map", lambda file: opened.append(file) or mapped(file))
    contexts = Contexts(paths, 0)
    assert [lay_out(contexts, row, LENGTH, PAD).tokens.tolist() for row in planned(contexts)] == expected
    assert len(opened) > 10 * len(paths)


def test_no_contexts_give_no_rows(tmp_path: Path):
    assert planned(Contexts(write(tmp_path, [], files=1), 0)) == []
    assert planned(Contexts([], 0)) == []
