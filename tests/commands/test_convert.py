"""`codegem convert` as a person uses it."""

import json
from pathlib import Path

import pytest

from codegem.checkpoints.converting import Converted
from codegem.cli import main
from codegem.commands.convert import _Progress, sentence


def test_it_says_what_it_wrote(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    destination = tmp_path / "nano.gguf"
    assert main(["convert", "nano", str(destination), "--to", "gguf", "--type", "q8_0"]) == 0
    told = capsys.readouterr()
    size = f"{destination.stat().st_size / 1e6:,.1f}"
    assert told.out == f"{destination}: 5.9 M parameters in q8_0, GGUF, 1 file of {size} MB.\n"
    assert told.err == ""


def test_it_tells_programs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["convert", "nano", str(tmp_path / "hf"), "--to", "hf", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == sum(Path(path).stat().st_size for path in told["files"])
    assert told["format"] == "hf" and told["derived_from"] is None and told["parameters"] == 5_900_544


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (["nano", "out", "--to", "hf", "--type", "q4_0"], 2, "There is no type 'q4_0' in the format hf"),
        (["nowhere", "out", "--to", "hf"], 1, "There is no model 'nowhere'"),
        (["nano", ".", "--to", "gguf"], 1, ". is a directory; a GGUF model is one file"),
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
    assert main(["convert", *words]) == status
    told = capsys.readouterr().err.strip()
    assert told.startswith("codegem: ") and part in told and "\n" not in told
    assert not any(tmp_path.iterdir())


def test_googles_weights_are_named() -> None:
    written = Converted(Path("out"), "hf", "bf16", 10**6, (Path("a"), Path("b")), 2 * 10**6, "google/codegemma-2b")
    assert sentence(written) == (
        "out: 1.0 M parameters in bf16, Hugging Face's layout, 2 files of 2.0 MB together, with the NOTICE that the "
        "terms of google/codegemma-2b ask for."
    )


def test_progress_is_shown_when_it_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 5.0, 16.0, 17.0])
    monkeypatch.setattr("codegem.commands.convert.time.monotonic", lambda: next(clock))
    with _Progress() as progress:
        for done in (1, 2, 3):
            progress.update(done, 3)
    assert capsys.readouterr().err == "2 of 3 tensors written\n"
