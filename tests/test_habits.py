"""The habits of the house, checked: style, types, the order of imports, a true map."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)


@pytest.mark.parametrize("action", [["check"], ["format", "--check"]])
def test_style(action: list[str]) -> None:
    done = run(sys.executable, "-m", "ruff", *action, "src", "tests", "scripts", "benchmarks")
    assert done.returncode == 0, done.stdout + done.stderr


def test_types() -> None:
    done = run(sys.executable, "-m", "pyright", "--pythonpath", sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr


def test_imports_point_down() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = run(str(linter) if linter.exists() else shutil.which("lint-imports") or "lint-imports")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", ["data", "text"])
def test_a_room_without_arrays_imports_no_jax(room: str) -> None:
    modules = [f"codegem.{room}.{path.stem}" for path in (ROOT / "src" / "codegem" / room).glob("*.py")]
    found = [name for name in modules if importlib.util.find_spec(name)]
    assert len(found) == len(modules) > 3
    program = (
        f"import sys, importlib\nfor name in {found!r}: importlib.import_module(name)\nassert 'jax' not in sys.modules"
    )
    done = run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr


def test_the_map_names_every_module() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    modules = [path.name for path in (ROOT / "src").rglob("*.py") if path.name != "__init__.py"]
    assert modules
    assert not [name for name in modules if name not in text]


def test_nothing_names_a_registry_or_pickles() -> None:
    """Hosts of package registries stay out of the project, and so do formats that run code when read."""
    hosts = ["pypi." + "org", "pythonhosted." + "org", "registry." + "npmjs"]
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "scripts").rglob("*.py"), *ROOT.glob("*.toml")]:
        text = path.read_text(encoding="utf-8")
        assert not [host for host in hosts if host in text], path
        assert "import " + "pickle" not in text, path
