import shutil
import subprocess
from pathlib import Path

import pytest

from codegem import __version__
from codegem.train import code_version as module
from codegem.train.code_version import code_version


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A package of another folder, without a repository."""
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(module, "_PACKAGE", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    code_version.cache_clear()
    yield tmp_path
    code_version.cache_clear()


def git(folder: Path, *words: str) -> None:
    settings = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *settings, *words], check=True, capture_output=True)


def test_a_checkout_names_its_commit_and_what_was_changed(package):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    git(package, "init")
    assert code_version() == __version__  # somebody else's repository, which does not track the package
    git(package, "add", "__init__.py")
    git(package, "commit", "-m", "a")
    git(package, "tag", "one")
    code_version.cache_clear()
    assert code_version() == f"{__version__} (one)"
    (package / "__init__.py").write_text("changed = True\n")
    code_version.cache_clear()
    assert code_version() == f"{__version__} (one-dirty)"


def test_without_git_it_is_the_release(package, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert code_version() == __version__
