import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.train.plot import _range, _ticks, plot, plot_named

_SVG = "{http://www.w3.org/2000/svg}"


def write(folder: Path, steps: int) -> Path:
    rows = [{"step": n, "tokens": n, "loss": 9.0 - n / 2000, "learning_rate": 1e-3} for n in range(1, steps + 1)]
    rows += [{"step": n, "tokens": n, "validation_loss": 9.5 - n / 2000} for n in (0, steps)]
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def curves(picture: Path) -> list[tuple[str, list[tuple[float, float]]]]:
    """Class and points of every curve that has points."""
    lines = ElementTree.parse(picture).getroot().iter(f"{_SVG}polyline")
    read = [(line.get("class", ""), [point.split(",") for point in line.get("points", "").split()]) for line in lines]
    return [(kind.strip(), [(float(x), float(y)) for x, y in points]) for kind, points in read if points]


def test_each_number_is_a_point_of_its_curve_inside_the_picture(tmp_path):
    found = curves(plot([write(tmp_path / "a", 4)], tmp_path / "a.svg"))
    assert [(kind, len(points)) for kind, points in found] == [("c0 raw", 4), ("c0 validation", 2), ("c0", 4)]
    assert all(64 <= x <= 840 and 50 <= y <= 450 for _, points in found for x, y in points)
    heights = [y for _, y in found[0][1]]
    assert heights == sorted(heights)  # y grows downwards, and the loss falls
    assert found[1][1][0][0] == 64.0 and found[1][1][-1][0] == found[0][1][-1][0] == 840.0


def test_runs_are_drawn_over_each_other_on_the_same_axes(tmp_path):
    runs = [write(tmp_path / "a", 4), write(tmp_path / "b <2>", 2)]
    picture = plot(runs, tmp_path / "a.svg")
    found = dict(curves(picture))
    assert found["c1 raw"] == found["c0 raw"][:2]
    text = picture.read_text()
    assert "a: 4 steps, 4 tokens, loss 8.998, validation loss 9.498" in text
    assert "b &lt;2&gt;: 2 steps" in text
    assert "prefers-color-scheme: dark" in text


def test_a_long_run_is_drawn_as_means(tmp_path):
    points = curves(plot([write(tmp_path / "a", 5000)], tmp_path / "a.svg"))[0][1]
    assert 500 <= len(points) <= 600
    assert points == sorted(points)


def test_a_run_without_steps_gives_an_empty_picture(tmp_path):
    assert "no steps yet" in plot([tmp_path], tmp_path / "a.svg").read_text()


def test_what_holds_no_run_or_takes_no_picture_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        plot_named([tmp_path], tmp_path / "a.svg")
    with pytest.raises(UserError, match=r"can't be written: No such file or directory\. Choose another --to"):
        plot_named([write(tmp_path / "a", 1)], tmp_path / "nowhere" / "a.svg")


@given(st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 6)), max_size=30), st.integers(1, 6))
def test_the_axis_holds_what_is_shown_on_round_numbers(values, count):
    low, high = _range(values)
    ticks = _ticks(low, high, count)
    assert low < high and ticks == sorted(set(ticks))
    assert 2 <= len(ticks) <= 2 * max(count, 2) + 2
    assert ticks[0] <= low + 1e-9 * abs(low) and high - 1e-9 * abs(high) <= ticks[-1]


def test_a_few_values_far_above_the_rest_do_not_flatten_it():
    assert _range([*range(200), 100_000]) == (0, 198)
    assert _range([*range(200)]) == (0, 199)
