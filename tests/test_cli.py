"""The command line as a person uses it: exit status, one sentence, no traceback."""

import json
from pathlib import Path

import pytest

from codegem import __version__
from codegem.cli import COMMANDS, main


def test_without_a_command_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(f"codegem {name}" in text for name in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*name.split(), "--help"])
    assert stopped.value.code == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert f"codegem {name} " in text.replace(f"usage: codegem {name}", "") or name == "models"


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (["frobnicate"], 2, "There is no command 'frobnicate'"),
        (["complete", "nowhere.py:3"], 1, "nowhere.py does not exist"),
        (["complete", "nowhere.py"], 2, "FILE:LINE"),
        (["train"], 2, "Name a recipe"),
        (["train", "giga", "--data", "x", "--out", "y"], 2, "There is no recipe 'giga'"),
        (["data", "build", "nowhere", "--out", "y"], 1, "nowhere"),
        (["data", "show", "nowhere"], 1, "nowhere holds no data set"),
        (["data", "fetch", "nowhere.toml", "--out", "y"], 1, "nowhere.toml"),
        (["train", "nano", "--data", "nowhere", "--out", "y"], 1, "nowhere holds no data set"),
        (["eval", "repository", "nowhere"], 1, "nowhere"),
    ],
)
def test_a_mistake_gets_one_sentence(
    words: list[str],
    status: int,
    part: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == status
    told = capsys.readouterr().err.strip()
    assert part in told
    assert told.startswith("codegem: ") and "\n" not in told


def test_wrong_options_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["complete"])
    assert stopped.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_extra_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def command(words: list[str]) -> None:
        raise ModuleNotFoundError("No module named 'daft'", name="daft")

    monkeypatch.setattr("codegem.cli._command", lambda words: (command, words))
    assert main(["data", "build"]) == 1
    assert "install codegem with its `data` extra" in capsys.readouterr().err


def test_complete_prints_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("def add(a, b):\n    return \n\nprint(add(1, 2))\n", encoding="utf-8")
    assert main(["complete", f"{file}:2", "--max-tokens", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["line"] == 2 and told["column"] == 12 and told["model"] == "nano"
    assert told["tokens"] <= 4 and told["stop_reason"] in ("stop", "length")


def test_models_lists_nano(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert "nano" in capsys.readouterr().out
