import errno
import json

from codegem.train.metrics import MetricsFile, read_metrics


def row(step: int) -> dict:
    return {"step": step, "tokens": step * 10, "loss": 9.0 - step}


def test_rows_are_whole_lines_as_soon_as_they_are_written(tmp_path):
    metrics = MetricsFile(tmp_path / "new" / "m.jsonl", None)
    for step in (1, 2):
        metrics.append(row(step))
        lines = (tmp_path / "new" / "m.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == [row(n) for n in range(1, step + 1)]


def test_rows_after_the_checkpoint_are_dropped_with_a_cut_line(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in (1, 2, 3, 4)) + '{"step": 5, "lo')
    MetricsFile(path, 3).append(row(4) | {"again": 1})
    assert read_metrics(path) == [row(1), row(2), row(3), row(4) | {"again": 1}]


def test_a_new_run_begins_an_empty_file(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps(row(0)) + "\n")
    MetricsFile(path, None)
    assert path.read_text() == ""


class FullDisk:
    """A file that takes the first few bytes only, as a disk that fills up does."""

    def __init__(self, file, room: int):
        self._file, self._room = file, room

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, self._room = self._file.write(data[: self._room]), 0
        return taken


def test_rows_that_found_no_room_are_written_later(tmp_path):
    path = tmp_path / "m.jsonl"
    metrics = MetricsFile(path, None)
    metrics.append(row(1))
    real, metrics._file = metrics._file, FullDisk(metrics._file, room=7)
    metrics.append(row(2))
    metrics.append(row(3))
    assert read_metrics(path) == [row(1)]
    assert path.read_text().endswith("}\n")
    metrics._file = real
    metrics.append(row(4))
    assert read_metrics(path) == [row(n) for n in (1, 2, 3, 4)]
