"""Downloading with apt: which version has the pinned archive, apt's words, and what is asked of it."""

import hashlib
import os
from pathlib import Path

import pytest

from codegem.data.registries.corpus_manifest import Package
from codegem.data.registries.debian_client import DebianClient
from codegem.data.registries.downloads import TransientError
from codegem.errors import UserError

CONTENT = b"the archive"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PINNED = Package("debian", "one", "1:1.0-1", "MIT", "one_1.0.orig.tar.xz", SHA256, "train")
INDEX = f"""Package: one
Binary: one, one-dev
Version: 1:2.0-1
Checksums-Sha256:
 {"0" * 64} 11 one_2.0.orig.tar.xz

Package: one
Version: 1:1.0-1+deb12u3
Files:
 {"1" * 32} 11 one_1.0.orig.tar.xz
Checksums-Sha256:
 {"1" * 64} 900 one_1.0-1+deb12u3.dsc
 {SHA256} 11 one_1.0.orig.tar.xz
 {"2" * 64} 11 one_1.0.orig-data.tar.xz
 {"3" * 64} 11 one_1.0-1+deb12u3.debian.tar.xz

Package: two
Version: 9
Checksums-Sha256:
 {SHA256} 11 two_9.orig.tar.xz
"""


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small programs in apt's place; `asked` holds what they were called with."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    program(folder, "apt-cache", f"cat <<'END'\n{INDEX}END\n")
    program(folder, "apt-get", f"printf '{CONTENT.decode()}' > one_1.0.orig.tar.xz\n")
    return folder


def program(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{script}')
    file.chmod(0o755)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def test_the_revision_that_has_the_pinned_archive_is_asked_for(apt: Path, into: Path) -> None:
    assert DebianClient().download(PINNED, into).read_bytes() == CONTENT
    shown, fetched = (apt / "asked").read_text().splitlines()
    assert shown == "showsrc --only-source one"
    assert fetched == "source --download-only --tar-only --only-source one=1:1.0-1+deb12u3"


def test_an_archive_that_no_release_has_is_named_with_the_versions(apt: Path, into: Path) -> None:
    other = Package("debian", "one", "1:1.0-1", "MIT", "one_1.0.orig.tar.xz", "4" * 64, "train")
    with pytest.raises(UserError, match=r"versions 1:1\.0-1\+deb12u3, 1:2\.0-1.*add a deb-src line"):
        DebianClient().download(other, into)


def test_without_source_packages_in_its_lists_the_way_out_is_told(apt: Path, into: Path) -> None:
    program(apt, "apt-cache", "echo \"E: You must put some 'deb-src' URIs in your sources.list\"; exit 100\n")
    with pytest.raises(UserError, match="needs a deb-src line"):
        DebianClient().download(PINNED, into)


def test_without_apt_the_systems_that_have_it_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt is not installed"):
        DebianClient()


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("E: Failed to fetch x  Temporary failure resolving 'y'", TransientError),
        ("E: Failed to fetch x  503  Service Unavailable", TransientError),
        ("E: Could not get lock /var/lib/apt", TransientError),
        ("E: Failed to fetch x  404  Not Found", UserError),
    ],
)
def test_apts_words_are_understood(apt: Path, into: Path, words: str, kind: type[Exception]) -> None:
    program(apt, "apt-get", f'echo "{words}"; echo "E: Failed to fetch some archives."; exit 100\n')
    with pytest.raises(kind, match=r"Failed to fetch|get lock"):
        DebianClient().download(PINNED, into)


def test_the_first_version_comes_unpinned_in_order_to_be_pinned(apt: Path, into: Path) -> None:
    program(apt, "apt-get", "echo x > one_2.0.orig.tar.xz\n")
    assert DebianClient().download_unpinned("one", into).name == "one_2.0.orig.tar.xz"
    assert DebianClient().version_of("two", "two_9.orig.tar.xz", SHA256, into) == "9"
