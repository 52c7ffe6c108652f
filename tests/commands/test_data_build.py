"""`codegem data build` as it is typed: a recipe by name, and any field of it."""

import json
from pathlib import Path

import pytest

from codegem.cli import main
from codegem.data.shards import read_manifest

pytest.importorskip("daft")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("one", "two", "three"):
        body = "".join(f"def {name}_{n}(x):\n    return x * {n}\n\n\n" for n in range(12))
        (folder / f"{name}.py").write_text(body, encoding="utf-8")
    return folder


def build(project: Path, out: Path, *options: str) -> int:
    return main(["data", "build", str(project), "--out", str(out), "--vocab-size", "700", "--workers", "1", *options])


def test_code_without_a_licence_is_named_with_the_field_that_keeps_it(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert build(project, tmp_path / "out") == 1
    assert "3 licence unknown: see filters.unknown_licence" in capsys.readouterr().err
    assert build(project, tmp_path / "out", "--filters.unknown-licence") == 0
    assert read_manifest(tmp_path / "out").counts["kept"] == 3


def test_a_field_overrides_the_recipe_that_is_named(project: Path, tmp_path: Path):
    options = ["--recipe=codegemma-2b-1.1", "--filters.unknown-licence", "--order", "random", "--context-length", "512"]
    assert build(project, tmp_path / "out", *options, "--fim.middle", "nodes") == 0
    recipe = read_manifest(tmp_path / "out").recipe
    assert (recipe["order"], recipe["context_length"], recipe["fim"]["middle"]) == ("random", 512, "nodes")
    assert recipe["fim"]["rate"] == 0.9 and "kotlin" in recipe["filters"]["languages"]


def test_the_report_and_an_example_can_be_looked_at(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert build(project, tmp_path / "out", "--filters.unknown-licence") == 0
    assert main(["data", "report", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.startswith("<!doctype html>") and "dependency" in page
    capsys.readouterr()
    assert main(["data", "show", str(tmp_path / "out"), "--json"]) == 0
    spans = [span for segment in json.loads(capsys.readouterr().out)["segments"] for span in segment]
    assert spans[0] == {"role": "control", "text": "<bos>", "tokens": 1, "masked": True}


def test_no_recipe_of_that_name(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert build(project, tmp_path / "out", "--recipe", "nona") == 2
    assert "no recipe 'nona'" in capsys.readouterr().err
