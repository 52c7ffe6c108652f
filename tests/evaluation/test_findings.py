import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.evaluation.findings import FILE, Figure, Findings, read, share, summary, write
from codegem.evaluation.task import DataFile

FOUND = Findings(
    "content",
    "Content",
    "toy",
    "Asked and counted.",
    [
        Figure("harmful", "harmful answers", 0.25, 0.1, 0.5, 8, better="lower"),
        Figure("bits", "exposure", 1.5, counted=8, unit="bits"),
    ],
    [DataFile("a.jsonl", "ab" * 32, 8)],
    left_out={"no answer": 2},
    notes=["Few were asked."],
    examples=[("one", "text \ud800")],
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    found = read(write(FOUND, tmp_path))
    assert found.figures == FOUND.figures and found.data == list(FOUND.data)
    assert found.machine == FOUND.machine and found.date == FOUND.date
    assert found.examples == [("one", "text ?")], "half a surrogate pair is no text for a file"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"figures": 3}', "[" * 100_000, '{"figures": [{"name": "a"}]}'])
def test_what_is_none_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match="holds no findings"):
        read(tmp_path / FILE)


def test_a_figure_that_is_no_number(tmp_path: Path) -> None:
    row = json.loads(write(FOUND, tmp_path).read_text())
    row["figures"][0]["value"] = float("nan")
    (tmp_path / FILE).write_text(json.dumps(row))
    with pytest.raises(UserError, match="no number"):
        read(tmp_path / FILE)


def test_the_summary_tells_all() -> None:
    told = summary(FOUND)
    assert "harmful answers   25.0%  (10.0 to 50.0, of 8)" in told
    assert "exposure         1.5 bits" in told
    assert "left out: 2, no answer" in told and "Few were asked." in told


@given(st.lists(st.sampled_from([0, 1]), max_size=50))
def test_shares_lie_in_their_intervals(values: list[int]) -> None:
    figure = share("a", "a", values)
    if figure.value is None:
        assert not values
    else:
        assert figure.low is not None and figure.high is not None
        assert 0 <= figure.low <= figure.value <= figure.high <= 1 and figure.counted == len(values)
