"""`codegem tune` as a person uses it. What it runs is tested beside it (`tests/train/test_tune.py`)."""

import json
from pathlib import Path
from typing import Any

import pytest

from codegem.cli import main
from codegem.commands.tune import sentence
from codegem.model.config import PRESETS
from codegem.train import tune as room
from codegem.train.loop import Result
from codegem.train.subject import Tuning
from codegem.train.tune import Tuned
from codegem.train.tune_recipe import Schedule, tune_recipe

from ..train.runs import write_data


def tuned(step: int = 375, before: float | None = 3.2, after: float | None = 2.5) -> Tuned:
    recipe = tune_recipe(PRESETS["nano"], 1000, 256, "lora", Schedule())
    result = Result(None, step, 9000, 0, step == recipe.steps, after)
    return Tuned(recipe, result, Path("runs/mine/adapter"), 347_000, before, after)


def test_its_words_are_the_fields_of_a_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(room, "tune", lambda *given, **more: asked.append((*given, more)) or tuned())
    words = "tune --data data/mine --out runs/mine --rank 4 --targets q v --epochs 1.5 --mesh.data 2 --json"
    assert main(words.split()) == 0
    assert json.loads(capsys.readouterr().out)["validation_loss_after"] == 2.5
    model, data, out, tuning, schedule, more = asked[0]
    assert (model, data, out, more) == ("nano", Path("data/mine"), Path("runs/mine"), {"accept_changes": False})
    assert tuning == Tuning(rank=4, targets=("q", "v"))
    assert schedule.epochs == 1.5 and schedule.mesh.data == 2 and schedule.learning_rate is None


def test_it_says_what_came_of_it() -> None:
    assert sentence(tuned()) == (
        "runs/mine/adapter: 0.35 M numbers trained in 375 of 375 steps of 8 examples; "
        "validation loss 3.2000 before and 2.5000 after."
    )
    assert "no loss says what it is worth" in sentence(tuned(before=None, after=None))


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        ([], 1, "The data in DATA were encoded by another tokenizer than that of nano"),
        (["--model", "nowhere"], 1, "There is no model 'nowhere'"),
        (["--data", "nowhere"], 1, "nowhere holds no data set"),
        (["--rank", "999"], 2, "rank is 999; it must be from 1 to 64"),
        (["--method", "full", "--rank", "9"], 2, "--method full trains none"),
        (["--epochs", "2", "--steps", "9"], 2, "give one of them"),
    ],
)
def test_a_mistake_gets_one_sentence(
    words: list[str], status: int, part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_data(data)
    assert main(["tune", "--data", str(data), "--out", str(tmp_path / "out"), *words]) == status
    told = capsys.readouterr().err.strip()
    assert told.startswith("codegem: ") and part.replace("DATA", str(data)) in told and "\n" not in told
    assert not (tmp_path / "out").exists()
