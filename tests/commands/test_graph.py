"""`codegem data graph`, as a person and a program use it."""

import json
import tarfile
from pathlib import Path

import pytest

from codegem.cli import main

pytest.importorskip("tree_sitter")

FILES = {
    "app/a.py": b"from app import b\n",
    "app/b.py": b"def f():\n    from app import a\n",
    "tests/test_b.py": b"from app import b\n",
    "go.mod": b"module example.org/m\n",
    "x/x.go": b'package x\nimport "example.org/m/y"\n',
    "y/y.go": b"package y\n",
    "broken.py": b"\xff\xfe\x00",
    "notes.md": b"import app\n",
    "node_modules/z/z.js": b"require('./q')\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "project"


def test_json(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "graph", str(repository), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "edges": [
            ["app/a.py", "app/b.py", 0.5, "kept"],
            ["app/b.py", "app/a.py", 0.125, "dropped"],
            ["tests/test_b.py", "app/b.py", 0.5, "kept"],
            ["x/x.go", "y/y.go", 0.5, "kept"],
        ],
        "order": ["app/b.py", "tests/test_b.py", "app/a.py", "y/y.go", "x/x.go", "node_modules/z/z.js"],
        "tests": [["tests/test_b.py", "app/b.py"]],
    }


def test_an_archive_gives_the_same(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "project-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(repository, "project-1.0")
    told = []
    for path in (repository, archive):
        assert main(["data", "graph", str(path), "--json"]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]


def test_a_person_sees_tests_under_their_source(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "graph", str(repository)]) == 0
    text = capsys.readouterr().out
    assert "6 files, 3 imports kept, 1 dropped, 1 tests beside a source" in text
    assert "  app/b.py\n    tests/test_b.py\n" in text
    assert "app/b.py -> app/a.py" in text


def test_one_repository_at_a_time(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("one", "two"):
        with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as tar:
            tar.add(repository, name)
    assert main(["data", "graph", str(folder)]) == 1
    assert "holds 2 repositories, and a graph is of one" in capsys.readouterr().err


def test_a_repository_without_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    assert main(["data", "graph", str(tmp_path)]) == 1
    assert "holds no source file" in capsys.readouterr().err
