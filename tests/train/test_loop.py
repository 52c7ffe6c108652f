import dataclasses
import logging
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from codegem.checkpoints.store import Store
from codegem.errors import UserError
from codegem.train.metrics import read_metrics

from . import runs
from .events import scalars
from .runs import RECIPE, Poisoned, Watch, batches, job, losses, run


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole")
    run(out)
    return out


def checkpoints(out: Path) -> list[int]:
    return sorted(int(path.name) for path in (out / "checkpoints").iterdir())


def test_the_metrics_hold_each_step_and_each_validation_once(whole):
    rows = read_metrics(whole / "metrics.jsonl")
    steps = [row for row in rows if "loss" in row]
    assert [row["step"] for row in steps] == list(range(1, 13))
    names = "step tokens loss grad_norm learning_rate tokens_per_second waited skipped time"
    assert set(steps[0]) == set(names.split())
    assert [row["step"] for row in rows if "validation_loss" in row] == [0, 4, 8, 12]
    assert steps[-1]["tokens"] == 12 * 4 * (17 + 11)
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"] - 1.0


@pytest.mark.parametrize("stops", [(3,), (4, 11)])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(whole, tmp_path, stops):
    for step in stops:
        assert not run(tmp_path, to=step).finished
    result = run(tmp_path)
    assert result.finished
    assert losses(tmp_path) == losses(whole)


def test_a_run_that_was_killed_goes_on_bit_for_bit_and_no_point_stands_twice(whole, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, runs.__file__, str(tmp_path), "8"]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert max(row["step"] for row in losses(tmp_path)) == 8
    assert checkpoints(tmp_path) == [3, 6]
    run(tmp_path)
    assert losses(tmp_path) == losses(whole)
    curves = scalars(tmp_path / "tensorboard")
    for name in ("loss", "validation_loss"):
        rows = [row for row in losses(whole) if name in row]
        assert [step for step, _ in curves[name]] == [row["step"] for row in rows]
        assert [value for _, value in curves[name]] == pytest.approx([row[name] for row in rows])


def test_nothing_is_compiled_again(whole, tmp_path, caplog):
    """A run with validations and checkpoints, stopped and continued, needs the programs of another run alone."""
    with caplog.at_level(logging.DEBUG, "jax"), jax.log_compiles():
        jax.jit(lambda x: x + 1)(1.0)
        assert "Finished XLA compilation" in caplog.text
        caplog.clear()
        run(tmp_path, to=7)
        run(tmp_path)
    compiled = [text for text in caplog.messages if text.startswith("Finished XLA compilation")]
    assert not compiled


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_after_the_step_and_saves(whole, tmp_path, number):
    before = signal.getsignal(number)
    result = run(tmp_path, watch=Watch(lambda step: os.kill(os.getpid(), number) if step == 5 else None))
    assert (result.step, result.finished) == (6, False)  # it was running when the numbers of step 5 were told
    assert signal.getsignal(number) is before
    watch = Watch()
    run(tmp_path, watch=watch)
    assert "Going on from the checkpoint of step 6." in watch.output.getvalue()
    assert losses(tmp_path) == losses(whole)


def test_a_signal_during_the_validation_gives_it_up_and_saves(whole, tmp_path):
    class Asked(list):
        times = 0

        def __iter__(self):
            self.times += 1
            for batch in super().__iter__():
                if self.times == 2:
                    os.kill(os.getpid(), signal.SIGTERM)
                yield batch

    result = run(tmp_path, validation=Asked(job().validation))
    assert (result.step, checkpoints(tmp_path)) == (4, [3, 4])
    assert [row["step"] for row in losses(tmp_path) if "validation_loss" in row] == [0]
    run(tmp_path)
    assert losses(tmp_path) == losses(whole)


def test_a_signal_while_a_checkpoint_is_written_leaves_it_whole(tmp_path, monkeypatch):
    save = Store.save

    def asked(self, *arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        save(self, *arguments)

    monkeypatch.setattr(Store, "save", asked)
    result = run(tmp_path)
    assert (result.step, checkpoints(tmp_path)) == (3, [3])


def test_a_damaged_checkpoint_is_passed_over(whole, tmp_path):
    run(tmp_path, to=7)
    for file in (tmp_path / "checkpoints" / "7" / "state").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1])
    watch = Watch()
    run(tmp_path, watch=watch)
    assert "The checkpoint of step 7 is damaged" in watch.output.getvalue()
    assert "Going on from the checkpoint of step 6." in watch.output.getvalue()
    assert losses(tmp_path) == losses(whole)


def test_a_finished_run_started_again_does_nothing_more(whole):
    before = (whole / "metrics.jsonl").read_bytes()
    assert run(whole).finished
    assert (whole / "metrics.jsonl").read_bytes() == before


def test_another_recipe_is_refused_and_how_often_to_look_is_free(whole, tmp_path):
    run(tmp_path, to=3)
    other = dataclasses.replace(RECIPE, learning_rate=2e-2, beta1=0.8)
    with pytest.raises(
        UserError, match=r"recipe.beta1 was 0.9 and is 0.8, recipe.learning_rate was 0.01 and is 0.02.*accept"
    ):
        run(tmp_path, recipe=other)
    run(tmp_path, recipe=dataclasses.replace(RECIPE, checkpoint_every=5, validate_every=6))
    steps = [row for row in losses(tmp_path) if "loss" in row]
    assert steps == [row for row in losses(whole) if "loss" in row]


@pytest.fixture
def small_files(monkeypatch):
    """A system that writes no file of more than 20,000 bytes; a function that takes the limit away."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))

    def lift() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    yield lift
    lift()


def test_a_checkpoint_that_does_not_fit_stops_no_step_and_loses_no_checkpoint(whole, tmp_path, request):
    run(tmp_path, to=3)
    lift, watch = request.getfixturevalue("small_files"), Watch()
    with pytest.raises(UserError, match=r"step 12 could not be written .* the one of step 3 is kept\. Make room"):
        run(tmp_path, watch=watch)
    assert "The checkpoint of step 6 could not be written" in watch.output.getvalue()
    assert "The run goes on" in watch.output.getvalue()
    assert checkpoints(tmp_path) == [3]
    lift()
    run(tmp_path)
    assert losses(tmp_path) == losses(whole)


def test_steps_that_are_not_finite_are_skipped_counted_and_never_saved(tmp_path):
    watch = Watch()
    result = run(tmp_path, watch=watch, batches=Poisoned(batches(), {5, 6, 9}))
    assert (result.step, result.skipped, result.tokens) == (12, 3, 9 * 4 * (17 + 11))
    rows = [row for row in losses(tmp_path) if "skipped" in row]
    assert [row["skipped"] for row in rows] == [0, 0, 0, 0, 1, 2, 2, 2, 3, 3, 3, 3]
    assert [row["step"] for row in rows if "loss" not in row] == [5, 6, 9]
    assert rows[6]["learning_rate"] == rows[4]["learning_rate"]  # the schedule goes on where it was
    for step in (6, 9):
        assert f"No checkpoint of step {step}: its loss or a gradient was not finite." in watch.output.getvalue()
    assert "skipped 3" in watch.output.getvalue()
    assert checkpoints(tmp_path) == [3, 12]


def test_too_many_in_a_row_end_the_run_and_name_the_last_good_checkpoint(whole, tmp_path):
    recipe = dataclasses.replace(RECIPE, bad_steps=3)
    name = tmp_path / "checkpoints" / "3"
    words = rf"In 3 steps in a row, the last of them 7, .* that of step 3, in {name}\. .*--learning-rate 0\.003"
    with pytest.raises(UserError, match=words):
        run(tmp_path, recipe=recipe, batches=Poisoned(batches(), {2, *range(5, 13)}))
    assert checkpoints(tmp_path) == [3]


def test_a_run_goes_on_with_other_data_when_told(tmp_path):
    run(tmp_path, to=3)
    other = {"identity": {"data": "5e6f", "tokenizer": "3c4d"}, "to": 5}
    with pytest.raises(UserError, match="data was 1a2b and is 5e6f"):
        run(tmp_path, **other)
    watch = Watch()
    assert run(tmp_path, **other, accept_changes=True, watch=watch).step == 5
    assert "From step 3 on, the run is another: data was 1a2b and is 5e6f." in watch.output.getvalue()
    run(tmp_path, **other)  # the checkpoint of step 5 is of the other data


def test_training_needs_no_validation_examples_and_saves_what_it_is_told_to(tmp_path):
    saved = []
    watch = Watch()
    result = run(tmp_path, to=1, validation=[], watch=watch, save=lambda result: saved.append(result) or tmp_path / "x")
    assert result.validation_loss is None
    assert saved == [result]
    assert f"Stopped at step 1 after 112 tokens. It is in {tmp_path / 'x'}. The same" in watch.output.getvalue()
