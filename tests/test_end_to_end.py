"""From a small repository to a completion, by the commands that a person types."""

import json
import random
from pathlib import Path

import pytest

from codegem.cli import main

COMMON = ["--model.num-layers", "2"]


def write_repository(folder: Path) -> None:
    """Forty small modules of the same shape, with a licence."""
    folder.mkdir(parents=True)
    (folder / "LICENSE").write_text(
        "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy", "utf-8"
    )
    (folder / "pyproject.toml").write_text('[project]\nname = "shapes"\nlicense = "MIT"\n', "utf-8")
    numbers = random.Random(0)
    for index in range(40):
        name = numbers.choice(["circle", "square", "line", "point"]) + str(index)
        body = "".join(f"def {name}_{part}(value):\n    return value + {part}\n\n\n" for part in range(6))
        (folder / f"{name}.py").write_text(f'"""A {name}."""\n\n\n{body}', "utf-8")


def test_from_a_repository_to_a_completion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_repository(tmp_path / "shapes")
    data, run = tmp_path / "data", tmp_path / "run"
    assert main(["data", "build", str(tmp_path / "shapes"), "--out", str(data), "--json"]) == 0
    manifest = json.loads(capsys.readouterr().out)
    counts = manifest["counts"]
    assert counts["kept"] == 40 and counts["kept"] + counts["rejected"] == counts["read"]

    assert main(["data", "show", str(data), "--json"]) == 0
    roles = {span["role"] for segment in json.loads(capsys.readouterr().out)["segments"] for span in segment}
    assert {"control", "path"} <= roles

    options = ["--steps", "3", "--warmup-steps", "1", "--batch-size", "1", "--micro-batch", "1", *COMMON]
    assert main(["train", "nano", "--data", str(data), "--out", str(run), *options]) == 0
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert len(losses) == 3 and losses[-1] < losses[0]
    capsys.readouterr()

    file = tmp_path / "new.py"
    file.write_text("def area(value):\n    return \n", encoding="utf-8")
    arguments = ["complete", f"{file}:2", "--model", str(run / "model"), "--max-tokens", "3", "--json"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == str(run / "model") and told["tokens"] <= 3

    command = ["eval", "repository", str(tmp_path / "shapes"), "--model", str(run / "model"), "--limit", "2", "--json"]
    assert main([*command, "--out", str(tmp_path / "evaluation")]) == 0
    rows = {row["group"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["lines"]["problems"] == 2 and rows["lines"]["skipped"] == 0
