import json
from pathlib import Path

import pytest

from codegem.cli import main


def test_plot_draws_one_run_beside_it_and_several_here(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "metrics.jsonl").write_text(json.dumps({"step": 1, "tokens": 5, "loss": 2.0}) + "\n")
    assert main(["train", "plot", "a"]) == 0
    assert main(["train", "plot", "a", "b"]) == 0
    assert capsys.readouterr().out == "a/training.svg\ncomparison.svg\n"
    assert "b: 1 steps" in Path("comparison.svg").read_text()


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [(["plot"], 2, "Name the --out of a run"), (["plot", "nowhere"], 1, "nowhere holds no run")],
)
def test_a_mistake_gets_one_sentence(words, status, part, capsys):
    assert main(["train", *words]) == status
    assert part in capsys.readouterr().err


def test_help_names_the_verbs(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    assert "codegem train plot" in text and "codegem train memory" in text
    assert "--mesh.fsdp" in text
