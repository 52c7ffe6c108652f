"""What toolchains keep in the user's cache."""

import stat
from pathlib import Path

import pytest

from codegem.sandbox import warm
from codegem.sandbox.limits import SandboxError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "codegem" / "toolchains"


def test_a_folder_is_made_once_for_each_key(cache: Path):
    made = []

    def make(folder: Path, final: Path) -> None:
        made.append(final)
        (folder / "deep").mkdir(mode=0o700)
        (folder / "deep" / "file").write_text(str(final))
        (folder / "deep" / "file").chmod(0o600)

    first = warm.folder("thing", ("1",), make)
    assert warm.folder("thing", ("1",), make) == first and warm.folder("thing", ("2",), make) != first
    assert len(made) == 2 and first.parent == cache and first.name.startswith("thing-")
    assert (first / "deep" / "file").read_text() == str(first)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (first, first / "deep", first / "deep" / "file")]
    assert modes == [0o755, 0o755, 0o644]


def test_what_fails_leaves_nothing(cache: Path):
    def fails(folder: Path, final: Path) -> None:
        (folder / "half").write_text("x")
        raise SandboxError("the compiler is broken")

    with pytest.raises(SandboxError, match="the compiler is broken"):
        warm.folder("thing", (), fails)
    assert list(cache.iterdir()) == []


def test_another_process_was_faster(cache: Path):
    def late(folder: Path, final: Path) -> None:
        final.mkdir()
        (final / "theirs").write_text("x")

    assert [path.name for path in warm.folder("thing", (), late).iterdir()] == ["theirs"]


def test_a_cache_that_cannot_be_written_is_said(cache: Path):
    cache.parent.mkdir(parents=True)
    cache.write_text("in the way")
    with pytest.raises(SandboxError, match=r"could not be made: .*; set XDG_CACHE_HOME to a folder with space"):
        warm.folder("thing", (), lambda folder, final: None)
