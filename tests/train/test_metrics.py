import json

from codegem.train.metrics import MetricsFile, read_metrics


def row(step: int) -> dict:
    return {"step": step, "tokens": step * 10, "loss": 9.0 - step}


def untimed(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "time"} for row in rows]


def test_rows_are_whole_lines_as_soon_as_they_are_written(tmp_path):
    metrics = MetricsFile(tmp_path / "new" / "m.jsonl", None)
    for step in (1, 2):
        metrics.append(row(step))
        lines = (tmp_path / "new" / "m.jsonl").read_text().splitlines()
        assert untimed([json.loads(line) for line in lines]) == [row(n) for n in range(1, step + 1)]
    times = [json.loads(line)["time"] for line in lines]
    assert 1.7e9 < times[0] <= times[1]


def test_rows_after_the_checkpoint_are_dropped_with_a_cut_line(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in (1, 2, 3, 4)) + '{"step": 5, "lo')
    MetricsFile(path, 3).append(row(4) | {"again": 1})
    assert untimed(read_metrics(path)) == [row(1), row(2), row(3), row(4) | {"again": 1}]


def test_the_last_number_of_a_name_is_known_after_a_restart_too(tmp_path):
    path = tmp_path / "m.jsonl"
    metrics = MetricsFile(path, None)
    assert metrics.last("loss") is None
    metrics.append(row(1))
    metrics.append({"step": 1, "validation_loss": 8.5})
    metrics.append(row(2))
    for found in (metrics, MetricsFile(path, 2)):
        assert found.last("loss") == (2, 7.0)
        assert found.last("validation_loss") == (1, 8.5)


def test_a_new_run_begins_an_empty_file(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps(row(0)) + "\n")
    MetricsFile(path, None)
    assert path.read_text() == ""
