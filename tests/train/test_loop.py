import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from codegem.checkpoints import huggingface, store
from codegem.data.shards import Manifest, ShardWriter, manifest_hash, write_manifest
from codegem.errors import UserError
from codegem.text.tokenizer import train_tokenizer
from codegem.train import loop
from codegem.train.metrics import read_metrics

from . import runs
from .runs import RECIPE, Watch, losses, run


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole")
    run(out)
    return out


def test_the_metrics_hold_each_step_and_each_validation_once(whole):
    rows = read_metrics(whole / "metrics.jsonl")
    steps = [row for row in rows if "loss" in row]
    assert [row["step"] for row in steps] == list(range(1, 13))
    assert set(steps[0]) == {"step", "tokens", "loss", "grad_norm", "learning_rate", "tokens_per_second"}
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


def test_a_run_that_was_killed_goes_on_bit_for_bit(whole, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, runs.__file__, str(tmp_path), "7"]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert max(row["step"] for row in losses(tmp_path)) == 7
    run(tmp_path)
    assert losses(tmp_path) == losses(whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_after_the_step_and_saves(whole, tmp_path, number):
    before = signal.getsignal(number)
    result = run(tmp_path, watch=Watch(lambda step: os.kill(os.getpid(), number) if step == 5 else None))
    assert (result.step, result.finished) == (5, False)
    assert signal.getsignal(number) is before
    watch = Watch()
    run(tmp_path, watch=watch)
    assert "Going on from the checkpoint of step 5." in watch.output.getvalue()
    assert losses(tmp_path) == losses(whole)


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
    other = dataclasses.replace(RECIPE, learning_rate=2e-2, steps=20)
    with pytest.raises(UserError, match=r"recipe.learning_rate was 0.01 and is 0.02, recipe.steps was 12 and is 20"):
        run(tmp_path, recipe=other)
    run(tmp_path, recipe=dataclasses.replace(RECIPE, checkpoint_every=5, validate_every=6))
    steps = [row for row in losses(tmp_path) if "loss" in row]
    assert steps == [row for row in losses(whole) if "loss" in row]


def test_a_full_disk_stops_no_step_and_loses_no_checkpoint(whole, tmp_path, monkeypatch):
    run(tmp_path, to=3)
    watch = Watch()
    with monkeypatch.context() as patch:
        patch.setattr(store.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
        with pytest.raises(UserError, match=r"step 12 could not be written .* the one of step 3 is kept\. Make room"):
            run(tmp_path, watch=watch)
    assert "The checkpoint of step 6 could not be written" in watch.output.getvalue()
    assert "The run goes on" in watch.output.getvalue()
    run(tmp_path)
    assert losses(tmp_path) == losses(whole)


def test_a_loss_that_is_not_a_number_ends_the_run(tmp_path):
    recipe = dataclasses.replace(RECIPE, learning_rate=float("inf"))
    with pytest.raises(UserError, match=r"The loss of step 2 is nan: the training diverged"):
        run(tmp_path, recipe=recipe)


def test_training_needs_no_validation_examples(tmp_path):
    with Watch() as shown:
        result = loop.Run(RECIPE, runs.examples(5, 0), [], {}, tmp_path, shown).to(1)
    assert result.validation_loss is None


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> tuple[Path, int]:
    """A data set on disk, and the size of its vocabulary."""
    directory = tmp_path_factory.mktemp("data")
    tokenizer = train_tokenizer(iter(["def add(a, b):\n    return a + b\n"]), 600)
    tokenizer.save(directory / "tokenizer.json")
    writer = ShardWriter(directory, shard_examples=4)
    for split, count in (("train", 9), ("validation", 2)):
        for example in runs.examples(count, seed=count):
            writer.add(split, example)
    shards = writer.close()
    write_manifest(directory, Manifest(manifest_hash(shards), {}, "", {}, runs.LENGTH, {}, {}, shards))
    return directory, tokenizer.vocab_size


def test_train_leaves_a_model_directory_and_a_picture(data, tmp_path):
    directory, vocab_size = data
    recipe = dataclasses.replace(RECIPE, model=dataclasses.replace(RECIPE.model, vocab_size=vocab_size), steps=4)
    watch = Watch()
    assert not loop.train(recipe, directory, tmp_path / "a", stop_after=2, progress=watch).finished
    assert "Stopped at step 2" in watch.output.getvalue()
    result = loop.train(recipe, directory, tmp_path / "a", progress=Watch())
    assert (result.step, result.finished) == (4, True)
    model, tokenizer = huggingface.load(tmp_path / "a" / "model")
    assert tokenizer.vocab_size == vocab_size
    np.testing.assert_allclose(
        np.asarray(model.embedding, np.float32), np.asarray(result.model.embedding), rtol=1e-2, atol=1e-4
    )
    assert (tmp_path / "a" / "losses.svg").exists()
    loop.train(recipe, directory, tmp_path / "b", progress=Watch())
    assert losses(tmp_path / "a") == losses(tmp_path / "b")


@pytest.mark.parametrize(
    ("change", "words"),
    [({"vocab_size": 300}, "ids and the model 300"), ({"context_length": 16}, "the model is for 16")],
)
def test_data_that_does_not_fit_the_model_is_refused(data, tmp_path, change, words):
    directory, vocab_size = data
    model = dataclasses.replace(RECIPE.model, **({"vocab_size": vocab_size} | change))
    with pytest.raises(UserError, match=words):
        loop.train(dataclasses.replace(RECIPE, model=model), directory, tmp_path, progress=Watch())


def test_a_run_can_start_from_another_model(data, tmp_path):
    """It begins with the loss that the other ended with, up to the rounding of bfloat16 weights on disk."""
    directory, vocab_size = data
    recipe = dataclasses.replace(RECIPE, model=dataclasses.replace(RECIPE.model, vocab_size=vocab_size), steps=4)
    first = loop.train(recipe, directory, tmp_path / "first", progress=Watch())
    start = tmp_path / "first" / "model"
    stored = json.loads((start / "config.json").read_text())
    assert stored["derived_from"] is None
    (start / "config.json").write_text(json.dumps(stored | {"derived_from": "google/codegemma-2b"}))
    loop.train(recipe, directory, tmp_path / "second", start=start, progress=Watch(), stop_after=1)
    assert "google/codegemma-2b" in (tmp_path / "second" / "model" / "NOTICE").read_text()
    begun = next(row for row in read_metrics(tmp_path / "second" / "metrics.jsonl") if "validation_loss" in row)
    untrained = next(row for row in read_metrics(tmp_path / "first" / "metrics.jsonl") if "validation_loss" in row)
    assert begun["step"] == untrained["step"] == 0
    assert first.validation_loss is not None and first.validation_loss != untrained["validation_loss"]
    assert begun["validation_loss"] == pytest.approx(first.validation_loss, abs=1e-2)
    with pytest.raises(UserError, match="start was"):
        loop.train(recipe, directory, tmp_path / "second", progress=Watch())


def test_a_start_that_does_not_fit_is_refused(data, tmp_path):
    directory, vocab_size = data
    recipe = dataclasses.replace(RECIPE, model=dataclasses.replace(RECIPE.model, vocab_size=vocab_size), steps=4)
    loop.train(recipe, directory, tmp_path / "first", progress=Watch(), stop_after=1)
    start = tmp_path / "first" / "model"
    deeper = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, num_layers=3))
    with pytest.raises(UserError, match="make them equal"):
        loop.train(deeper, directory, tmp_path / "second", start=start, progress=Watch())
    train_tokenizer(iter(["another text"]), 600).save(start / "tokenizer.json")
    with pytest.raises(UserError, match="another tokenizer than the data"):
        loop.train(recipe, directory, tmp_path / "second", start=start, progress=Watch())
