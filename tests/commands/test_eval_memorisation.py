"""`codegem eval memorisation`, as a person and a program use it; what a model writes is of no account here."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from codegem.checkpoints.run_file import write_run
from codegem.cli import main
from codegem.commands import opening
from codegem.commands.opening import Opened
from codegem.data.records import TrainingExample
from codegem.data.shards import Manifest, ShardWriter, manifest_hash, read_manifest, write_manifest
from codegem.evaluation.memorisation.canaries import rows_of
from codegem.evaluation.runner import whole
from codegem.inference.continuing import Continuing
from codegem.inference.engine import Engine
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import SourceFile
from codegem.text.tokenizer import ByteTokenizer

BYTES = ByteTokenizer()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Nine rows of one file each, one of them held back."""
    rows: list[TrainingExample] = rows_of([SourceFile(f"{n}.py", f"{n} = 1\n" * 25) for n in range(9)], 160, BYTES)
    folder = tmp_path / "set"
    folder.mkdir()
    BYTES.save(folder / "tokenizer.json")
    writer = ShardWriter(folder, shard_examples=100)
    for number, row in enumerate(rows):
        writer.add("validation" if number == 8 else "train", row)
    shards = writer.close()
    write_manifest(folder, Manifest(manifest_hash(shards), {}, "", {}, 160, {}, {}, shards))
    return folder


@pytest.fixture
def model(random_model: Callable[..., Transformer], monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The model that every --model names; it repeats the last six tokens, which is a line."""
    made = Engine(random_model(ModelConfig(266, 1, 8, 1, 1, 8, 16, context_length=192)), BYTES, name="tiny")

    def after(self: Continuing, sequences: Sequence[Sequence[int]], count: int) -> Iterator[list[int]]:
        return ((list(sequence[-6:]) * 10)[:count] for sequence in sequences)

    monkeypatch.setattr(Continuing, "after", after)
    monkeypatch.setattr(opening, "open_source", lambda *_: Opened(made, whole, {"weights": "ab"}))
    return made


def test_a_person_gets_lines_and_a_program_the_findings(
    data: Path, model: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", "memorisation", "--data", str(data), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.startswith("Memorisation: tiny\n") and "repeated exactly " in told and "100.0%" in told
    assert told.endswith(f"{tmp_path}/out/findings.json\n")
    assert main([*words, "--json"]) == 0
    figures = {figure["name"]: figure for figure in json.loads(capsys.readouterr().out)["figures"]}
    assert (
        figures["exact"]["counted"] == 8 and figures["exact.python"]["value"] == figures["exact.control"]["value"] == 1
    )


def test_a_run_says_which_rows_were_seen(
    data: Path, model: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run" / "checkpoints" / "2"
    folder.mkdir(parents=True)
    identity = {"data": read_manifest(data).hash, "recipe": {"batch_size": 2, "seed": 0}}
    write_run(folder, {"identity": identity, "position": {"step": 2}, "code": "", "files": {}})
    words = ["eval", "memorisation", "--data", str(data), "--out", str(tmp_path / "out"), "--places", "anywhere"]
    assert main([*words, "--trained", str(tmp_path / "run")]) == 0
    assert "Windows are of 4 of 8 training rows" in capsys.readouterr().out


def test_a_model_behind_an_address_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Remote:
        name = "remote"

        def generate(self, requests: object) -> Iterator[object]:
            return iter(())

    monkeypatch.setattr(opening, "open_source", lambda *_: Opened(Remote(), whole, {"weights": None}))  # type: ignore[arg-type]
    assert main(["eval", "memorisation", "--data", str(data), "--out", str(tmp_path / "out")]) == 1
    assert "remote is behind an address" in capsys.readouterr().err and not (tmp_path / "out").exists()
