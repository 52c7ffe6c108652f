import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from codegem.checkpoints import huggingface
from codegem.errors import UserError
from codegem.text.tokenizer import train_tokenizer
from codegem.train.loop import Result
from codegem.train.metrics import read_metrics
from codegem.train.pretraining import hash_weights, train

from .runs import RECIPE, Watch, losses, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data set on disk, whose vocabulary is that of the recipe's model."""
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory) -> tuple[Path, Result]:
    """A run that was stopped after two steps, and went on."""
    out, watch = tmp_path_factory.mktemp("finished"), Watch()
    assert not train(RECIPE, data, out, stop_after=2, progress=watch).finished
    assert f"Stopped at step 2 after 224 tokens. It is in {out / 'model'}." in watch.output.getvalue()
    return out, train(RECIPE, data, out, progress=Watch())


def test_train_leaves_a_model_directory_and_a_picture(data, finished, tmp_path):
    out, result = finished
    assert (result.step, result.finished) == (12, True)
    model, tokenizer = huggingface.load(out / "model")
    assert tokenizer.vocab_size == RECIPE.model.vocab_size
    np.testing.assert_allclose(
        np.asarray(model.embedding, np.float32), np.asarray(result.model.embedding), rtol=1e-2, atol=1e-4
    )
    assert (out / "training.svg").exists()
    train(RECIPE, data, tmp_path, progress=Watch())
    assert losses(out) == losses(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"vocab_size": 300}, "ids and the model 300"), ({"context_length": 16}, "the model is for 16")],
)
def test_data_that_does_not_fit_the_model_is_refused(data, tmp_path, change, words):
    recipe = dataclasses.replace(RECIPE, model=dataclasses.replace(RECIPE.model, **change))
    with pytest.raises(UserError, match=words):
        train(recipe, data, tmp_path, progress=Watch())


def test_a_run_can_start_from_another_model(data, finished, tmp_path):
    """It begins with the loss that the other ended with, up to the rounding of bfloat16 weights on disk."""
    start = shutil.copytree(finished[0] / "model", tmp_path / "start")
    stored = json.loads((start / "config.json").read_text())
    assert stored["derived_from"] is None
    (start / "config.json").write_text(json.dumps(stored | {"derived_from": "google/codegemma-2b"}))
    out = tmp_path / "second"
    train(RECIPE, data, out, start=start, progress=Watch(), stop_after=1)
    assert "google/codegemma-2b" in (out / "model" / "NOTICE").read_text()
    first, second = (read_metrics(folder / "metrics.jsonl")[0] for folder in (finished[0], out))
    assert first["step"] == second["step"] == 0
    assert second["validation_loss"] == pytest.approx(finished[1].validation_loss, abs=1e-2)
    assert second["validation_loss"] < first["validation_loss"] - 1
    with pytest.raises(UserError, match="start was"):
        train(RECIPE, data, out, progress=Watch())


def test_a_start_that_does_not_fit_is_refused(data, finished, tmp_path):
    start = shutil.copytree(finished[0] / "model", tmp_path / "start")
    deeper = dataclasses.replace(RECIPE, model=dataclasses.replace(RECIPE.model, num_layers=3))
    with pytest.raises(UserError, match="make them equal"):
        train(deeper, data, tmp_path / "second", start=start, progress=Watch())
    train_tokenizer(iter(["another text"]), 600).save(start / "tokenizer.json")
    with pytest.raises(UserError, match="another tokenizer than the data"):
        train(RECIPE, data, tmp_path / "second", start=start, progress=Watch())


def test_sigterm_saves_and_the_command_exits_with_0(data, finished, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "codegem", "train", "nano", "--data", str(data), "--out", str(out)]
    changes = dataclasses.asdict(dataclasses.replace(RECIPE, checkpoint_every=1))
    for name, value in [*changes.items(), *((f"model.{name}", value) for name, value in changes["model"].items())]:
        if isinstance(value, int | float) and not isinstance(value, bool):
            command += [f"--{name.replace('_', '-')}", str(value)]
    command += ["--optimizer", RECIPE.optimizer, "--schedule", RECIPE.schedule]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr
        while child.poll() is None and not (out / "checkpoints" / "1").exists():
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        told = child.stderr.read()
        assert child.wait() == 0, told
    assert "Stopped at step" in told and (out / "model" / "config.json").exists()
    step = max(int(path.name) for path in (out / "checkpoints").iterdir())
    steps = [row for row in losses(finished[0]) if "loss" in row]
    assert [row for row in losses(out) if "loss" in row] == steps[:step]
    assert step < 12


def test_weights_are_told_apart_by_their_content(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    before = hash_weights(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert hash_weights(tmp_path) == before
    (tmp_path / "model.safetensors").write_bytes(b"Weights")
    assert hash_weights(tmp_path) != before
