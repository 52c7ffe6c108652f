"""`codegem train memory`, as a person and a program use it."""

import json

import pytest

from codegem.cli import main

pytest.importorskip("optax")


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "memory", "codegemma-7b"]) == 0
    told = capsys.readouterr().out
    assert "8,537,680,896 parameters on 1 (data) x 64 (fsdp) x 1 (tensor) devices" in told
    assert "each computes 1 x 8,192 tokens at once" in told
    assert "L R D" in told and "TPU v5e" in told and "XLA" not in told


def test_for_programs_with_fields_of_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--mesh.fsdp",
        "4",
        "--batch-size",
        "8",
        "--micro-batch",
        "2",
        "--remat",
        "blocks",
        "--length",
        "128",
        "--json",
    ]
    assert main(["train", "memory", "nano", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["total"] == sum(part["bytes"] for part in told["parts"]) > 0
    assert told["compiled"] is None


@pytest.mark.parametrize("words", [[], ["codegemma-3b"], ["nano", "--mesh.fsdp", "3"]], ids=str)
def test_what_can_not_be(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "memory", *words]) == 2
    assert capsys.readouterr().err
