import json
from xml.etree import ElementTree

from codegem.train.plot import plot

_SVG = "{http://www.w3.org/2000/svg}"


def test_each_loss_is_a_point_of_its_curve_inside_the_picture(tmp_path):
    rows = [{"step": n, "tokens": n, "loss": 9.0 - n} for n in range(1, 5)]
    rows += [{"step": n, "tokens": n, "validation_loss": 9.5 - n} for n in (0, 4)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    picture = ElementTree.parse(plot(tmp_path)).getroot()
    curves = [line.get("points", "").split() for line in picture.iter(f"{_SVG}polyline")]
    assert [len(points) for points in curves] == [4, 2]
    places = [[tuple(map(float, point.split(","))) for point in points] for points in curves]
    assert all(50 <= x <= 670 and 50 <= y <= 350 for points in places for x, y in points)
    heights = [y for _, y in places[0]]
    assert heights == sorted(heights)  # y grows downwards, and the loss falls


def test_a_run_without_steps_gives_an_empty_picture(tmp_path):
    assert "no steps yet" in plot(tmp_path).read_text()
