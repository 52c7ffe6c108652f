import pytest

from codegem.train.event_files import EventFile

from .events import read_events, scalars


def row(step: int) -> dict[str, float]:
    return {"step": step, "time": 1.7e9 + step, "loss": 9.0 - step, "learning_rate": step / 64}


def test_each_number_is_a_point_of_the_curve_of_its_name(tmp_path):
    file = EventFile(tmp_path, [row(1), row(2)])
    file.append(row(3))
    assert scalars(tmp_path) == {
        "loss": [(1, 8.0), (2, 7.0), (3, 6.0)],
        "learning_rate": [(1, 1 / 64), (2, 2 / 64), (3, 3 / 64)],
    }
    head, start, *steps = read_events(tmp_path)
    assert head.file_version == "brain.Event:2" and start.session_log.status == 1
    assert [event.wall_time for event in steps] == [1.7e9 + step for step in (1, 2, 3)]


def test_a_file_made_again_takes_the_place_of_the_one_before(tmp_path):
    EventFile(tmp_path, [row(1), row(2), row(3)]).close()
    EventFile(tmp_path, [row(1)]).append(row(2))
    assert scalars(tmp_path)["loss"] == [(1, 8.0), (2, 7.0)]


def test_tensorboard_reads_it(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    EventFile(tmp_path, [row(1)]).append(row(2))
    read = accumulator.EventAccumulator(str(tmp_path))
    read.Reload()
    assert [(event.step, event.value) for event in read.Scalars("loss")] == [(1, 8.0), (2, 7.0)]
