import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.evaluation.json_lines import write_line
from codegem.evaluation.predictions import Prediction, read_predictions

TASKS = ["A/0", "A/1"]
predictions = st.builds(
    Prediction,
    st.sampled_from(TASKS),
    st.text(),
    st.integers(0, 9),
    st.integers(0, 500),
    st.sampled_from(["", "stop", "length"]),
    st.floats(0, 100),
    st.none() | st.text(),
    st.booleans(),
    st.none() | st.integers(1, 99),
)


@given(st.lists(predictions, min_size=1, max_size=6, unique_by=lambda one: (one.task_id, one.sample)))
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, made: list[Prediction]) -> None:
    file = tmp_path_factory.mktemp("rows") / "predictions.jsonl"
    file.write_bytes(b"".join(write_line(one.row()) for one in made))
    assert read_predictions(file, TASKS) == made


@pytest.mark.parametrize("name", ["samples.jsonl", "samples.jsonl.gz"])
def test_files_of_others_have_two_fields_and_number_samples_by_their_order(tmp_path: Path, name: str) -> None:
    rows = [("A/1", "x"), ("A/0", "y"), ("A/1", "z")]
    text = "".join(json.dumps({"task_id": task, "completion": text}) + "\n" for task, text in rows)
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    found = read_predictions(tmp_path / name, TASKS)
    assert [(one.task_id, one.completion, one.sample) for one in found] == [
        ("A/1", "x", 0), ("A/0", "y", 0), ("A/1", "z", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"task_id": "A/9", "completion": ""}', r"line 1: the benchmark has no problem 'A/9'; is it another"),
        ('{"task_id": "A/0"}', "line 1: the field 'completion' is missing"),
        ('{"task_id": "A/0", "completion": null}', "line 1: the field 'completion' is null, not a text"),
        ('{"completion": "x"}', "line 1: the field 'task_id' is missing"),
        ('{"task_id": [1], "completion": "x"}', r"the field 'task_id' is \[1\], not a text or a whole number"),
        ('{"task_id": "A/0", "completion": "x", "tokens": "3"}', "the field 'tokens' is \"3\", not a whole number"),
        ("\udcff", "line 1: it is not UTF-8"),
        ('{"task_id": "A/0", "compl', "line 1: it is not JSON; is the file cut short?"),
        ("", "holds no predictions"),
    ],
)
def test_bad_rows_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "p.jsonl"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=sentence) as told:
        read_predictions(file, TASKS)
    assert str(file) in str(told.value)


def test_too_many_of_one_problem(tmp_path: Path) -> None:
    file, row = tmp_path / "p.jsonl", '{"task_id": "A/0", "completion": "x"}\n'
    file.write_text(3 * row, "utf-8")
    assert len(read_predictions(file, TASKS, 3)) == 3
    with pytest.raises(UserError, match=r"line 3: A/0 has more than 2 predictions; see --samples"):
        read_predictions(file, TASKS, 2)
    file.write_text(row + row.replace("}", ', "sample": 0}'), "utf-8")
    with pytest.raises(UserError, match=r"line 2: sample 0 of A/0 is already in line 1"):
        read_predictions(file, TASKS)


def test_names_that_other_files_give_to_problems(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    for name in (11, "11", "Mbpp/11", "MBPP/11"):
        file.write_text(json.dumps({"task_id": name, "completion": ""}), "utf-8")
        assert read_predictions(file, ["MBPP/11", "MBPP/12"])[0].task_id == "MBPP/11"
    file.write_text('{"task_id": "HumanEval/11", "completion": ""}', "utf-8")
    with pytest.raises(UserError, match="no problem 'HumanEval/11'"):
        read_predictions(file, ["MBPP/11", "MBPP/12"])
    file.write_text('{"task_id": 11, "completion": ""}', "utf-8")
    with pytest.raises(UserError, match="no problem '11'"):
        read_predictions(file, ["bc/go/11", "bc/rust/11"])
