"""The logic of the VS Code extension, by Node's own test runner; nothing is installed for it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "editors" / "vscode"


def test_the_logic_of_the_extension():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    tests = sorted(str(path) for path in (FOLDER / "test").glob("*.test.js"))
    done = subprocess.run([node, "--test", *tests], cwd=FOLDER, capture_output=True, text=True, timeout=120)
    assert tests and done.returncode == 0, done.stdout + done.stderr


def test_what_the_manifest_names_is_there():
    manifest = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    code = (FOLDER / "src" / "extension.js").read_text(encoding="utf-8")
    commands = [row["command"] for row in manifest["contributes"]["commands"]]
    assert commands and all(f'"{name}":' in code for name in commands)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    settings = manifest["contributes"]["configuration"]["properties"]
    assert settings and all(f"`{name}`" in readme for name in settings)
