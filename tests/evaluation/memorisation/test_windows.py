"""Windows are text as it stands in one file, each once, and the same ones for the same seed."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.records import TrainingExample
from codegem.data.shards import ExampleSource
from codegem.evaluation.memorisation.canaries import rows_of
from codegem.evaluation.memorisation.windows import LENGTH, Places, Window, draw
from codegem.text.fim import Hole, Order, Role, SourceFile
from codegem.text.tokenizer import ByteTokenizer

BYTES = ByteTokenizer()
ROW = 640


class Rows(list[TrainingExample]):
    """Rows in memory, as `ExampleSource` gives those on disk."""

    @property
    def manifest(self) -> "Rows":
        return self

    context_length = ROW


def some(rows: list[TrainingExample], count: int = 1000, *, places: Places = "anywhere", seed: int = 0) -> list[Window]:
    source = Rows(rows)
    return list(draw(source, "train", range(len(rows)), count, seed, BYTES, places=places))  # type: ignore[arg-type]


@st.composite
def _files(draw_value: st.DrawFn) -> list[SourceFile]:
    """Files whose every line says where it is, with and without holes."""
    made = []
    for number in range(draw_value(st.integers(1, 4))):
        text = "".join(f"{number}:{line}\n" for line in range(draw_value(st.integers(1, 90))))
        first, last = sorted(draw_value(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        hole = Hole(text[:first], text[first:last], text[last:], draw_value(st.sampled_from(list(Order))))
        made.append(SourceFile(f"f{number}.py", draw_value(st.sampled_from([text, hole]))))
    return made


def text_of(file: SourceFile) -> str:
    hole = file.content
    return hole if isinstance(hole, str) else hole.prefix + hole.middle + hole.suffix


@given(_files(), st.sampled_from(["anywhere", "beginnings"]), st.integers(0, 3))
def test_a_window_stands_in_its_file_and_no_token_in_two(files: list[SourceFile], places: Places, seed: int) -> None:
    texts = {file.path: text_of(file) for file in files}
    windows = some(rows_of(files, ROW, BYTES), places=places, seed=seed)
    for window in windows:
        text = BYTES.decode(window.tokens.tolist())
        assert len(text) == LENGTH and text in texts[window.path]
        assert BYTES.decode(window.heading.tolist()) == f"{window.path}\n" and window.language == "python"
        assert text in BYTES.decode(window.part.tolist()) and BYTES.decode(window.part.tolist()) in texts[window.path]
        assert places == "anywhere" or texts[window.path].startswith(text)
    by_row = sorted((window.row, window.start) for window in windows)
    assert all(one[0] != other[0] or other[1] - one[1] >= LENGTH for one, other in pairwise(by_row))


def test_fewer_windows_are_the_first_of_more_and_every_place_is_drawn() -> None:
    rows = rows_of([SourceFile(f"{n}.go", f"{n:02d} {'abcdefghij' * 50}") for n in range(40)], ROW, BYTES)
    names = [window.name for window in some(rows)]
    assert [window.name for window in some(rows, 15)] == names[:15] and len(set(names)) == len(names) > 60
    assert [window.name for window in some(rows, seed=1)] != names
    starts = np.array([window.start for window in some(rows, 40)])
    assert starts.min() < 100 and starts.max() > 350 and {window.language for window in some(rows)} == {"go"}


def test_beginnings_are_found_in_every_file_of_a_row() -> None:
    files = [SourceFile(f"{n}.py", f"{n} " + "x = 1\n" * 30) for n in range(6)]
    windows = some(rows_of(files, ROW, BYTES), places="beginnings")
    assert sorted(window.path for window in windows) == [file.path for file in files]


def test_what_no_loss_teaches_is_not_asked_for() -> None:
    (row,) = rows_of([SourceFile("a.py", "y" * 600)], ROW, BYTES)
    question = replace(row, roles=np.where(row.roles == Role.TEXT, Role.QUESTION, row.roles).astype(np.uint8))
    answer = replace(row, roles=np.where(row.roles == Role.TEXT, Role.ANSWER, row.roles).astype(np.uint8))
    assert some([row]) and some([answer]) and not some([question])


def test_ids_that_mean_something_else_stay_out() -> None:
    rows = rows_of([SourceFile("a.py", "y" * 300 + "z" * 300)], ROW, BYTES)
    found = draw(Rows(rows), "train", [0], 9, 0, BYTES, places="anywhere", unknown=frozenset(BYTES.encode("y")))  # type: ignore[arg-type]
    assert all(set(BYTES.decode(window.tokens.tolist())) == {"z"} for window in found)


@pytest.mark.parametrize("length", [LENGTH - 1, LENGTH])
def test_rows_shorter_than_a_window_have_none(length: int, tmp_path: Path, write_rows) -> None:
    tokens = np.array(BYTES.encode("a" * length), np.int32)
    row = TrainingExample(tokens, np.ones(length, np.int32), np.full(length, Role.TEXT, np.uint8))
    source = ExampleSource(write_rows(tmp_path, {"train": [row], "validation": []}), "train")
    found = list(draw(source, "train", [0], 5, 0, BYTES))
    assert len(found) == (length == LENGTH) and all(window.language == "other" for window in found)
