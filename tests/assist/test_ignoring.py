"""Rules of gitignore(5), beside git itself."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from codegem.assist.ignoring import IgnoreRules

PATHS = [
    *("a.py", "a/b.py", "a/b/c.py", "b/a.py", "build/x.py", "a/build/x.py", "x.log", "keep.log", "a/keep.log"),
    *(".env", "a b.py", "[x].py", "#c.py", "!d.py", "a/b/c/d.py", "éa.py", "ab.py", "a*b.py"),
]
RULES = [
    "*.log\n!keep.log",
    "/build/\n!build/x.py",
    "build/",
    "a/**",
    "**/b",
    "a/**/d.py",
    "a/*\n!a/b",
    "*\n!*/\n!*.py",
    "[ab].py\n[!a]b.py",
    "\\[x\\].py\n\\#c.py\n\\!d.py\na\\*b.py",
    "a b.py  \n# comment\n\n?.py",
    ".*\n**",
]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_as_git_has_it(tmp_path: Path) -> None:
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for number, text in enumerate(RULES):
        root = tmp_path / str(number)
        for path in PATHS:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        below = "*.py\n!c.py\n" if number % 2 else "d.py\n"
        (root / ".gitignore").write_text(text, "utf-8")
        (root / "a" / "b" / ".gitignore").write_text(below, "utf-8")
        subprocess.run(["git", "init", "-q", root], check=True, env=environment)
        command = ["git", "-c", "core.quotePath=false", "check-ignore", "-z", "--stdin"]
        done = subprocess.run(command, cwd=root, env=environment, input="\0".join(PATHS).encode(), capture_output=True)
        rules = IgnoreRules([("a/b", below), ("", text)])
        assert {path for path in PATHS if rules.ignores(path)} == set(done.stdout.decode().split("\0")) - {""}, text


@pytest.mark.parametrize("pattern", ["*a" * 100 + "b", "**/" * 80 + "b", "[" * 200, "[z-a]", "\\", "a/" * 120])
def test_no_pattern_takes_long_or_fails(pattern: str) -> None:
    rules = IgnoreRules([("", pattern)])
    assert not rules.ignores("a" * 250 + "/" + "a" * 250 + ".py")
