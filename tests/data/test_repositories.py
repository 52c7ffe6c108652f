"""Sources to repositories; folders and git checkouts to files."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from codegem.data.archives.raw_files import Limits, RawFile
from codegem.data.repositories import Source, find_repositories, open_repository
from codegem.errors import UserError


def find(*sources: Path) -> list[Source]:
    return find_repositories(sources, lambda name: name.endswith(".py"))


def read(source: Source, limits: Limits | None = None) -> dict[str, RawFile]:
    return {file.path: file for file in open_repository(source, limits or Limits(), lambda path, size: True)}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def archive(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.py", "x = 1")
    return path


def git(root: Path, *arguments: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = write(tmp_path / "project", {"a.py": "a = 1\n", "pkg/b.py": "b = 2\n", "build/junk.py": "junk\n"})
    git(root, "init", "--quiet")
    git(root, "add", "a.py", "pkg/b.py")
    return root


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("flask-3.1.2.tar.gz", "flask"),
        ("typing_extensions-4.12.2.tar.gz", "typing_extensions"),
        ("zope.interface-7.0b1.tar.gz", "zope.interface"),
        ("python-dateutil-2.9.0.post0.tar.gz", "python-dateutil"),
        ("pywavelets-1.9.0-cp311-cp311-manylinux_2_27_x86_64.whl", "pywavelets"),
        ("attrs-26.1.0-py3-none-any.whl", "attrs"),
        ("click-main.zip", "click-main"),
        ("zlib_1.2.13.dfsg.orig.tar.bz2", "zlib"),
        ("golang-toml_1.2.0~rc1+git2018.0a1b.orig.tar.xz", "golang-toml"),
        ("tanstack-query-core-5.90.2.tgz", "tanstack-query-core"),
        ("h2-4.4.1-py3-none-any.whl", "h2"),
        ("v1.0.zip", "v1.0"),
    ],
)
def test_the_name_of_a_package_is_without_its_version(tmp_path: Path, file: str, name: str):
    assert [source.name for source in find(archive(tmp_path / file))] == [name]


def test_names_are_unique_and_do_not_depend_on_the_order_of_the_sources(tmp_path: Path):
    paths = [
        archive(tmp_path / "x" / "p-1.0.zip"),
        archive(tmp_path / "y" / "p-1.0.zip"),
        archive(tmp_path / "q-2.zip"),
    ]
    sources = find(*paths)
    assert [source.name for source in sources] == ["p-1.0", "p-1.0~2", "q"]
    assert find(*reversed(paths), paths[0]) == sources


def test_a_folder_of_archives_and_checkouts_is_many_repositories(tmp_path: Path, checkout: Path):
    archive(tmp_path / "flask-3.0.tar.gz")
    archive(tmp_path / "click-8.0-py3-none-any.whl")
    (tmp_path / "notes.txt").write_text("no source code")
    assert [(source.name, source.kind) for source in find(tmp_path)] == [
        ("click", "zip"),
        ("flask", "tar"),
        ("project", "git"),
    ]


def test_a_project_with_an_archive_beside_its_code_is_one_repository(tmp_path: Path):
    archive(write(tmp_path / "p", {"setup.py": "setup()"}) / "fixture.zip")
    assert [(source.name, source.kind) for source in find(tmp_path / "p")] == [("p", "folder")]


def test_wrong_sources_are_told_in_a_sentence(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("x")
    for name, words in {"absent": "does not exist", "empty": "is empty", "a.txt": "is not a repository"}.items():
        with pytest.raises(UserError, match=words):
            find(tmp_path / name)


def test_a_folder_is_read_without_following_links(tmp_path: Path):
    root = write(tmp_path / "p", {"a.py": "a = 1", "d/b.py": "b = 2"})
    secret = write(tmp_path / "secret", {"key.py": "key"})
    (root / "file.py").symlink_to(secret / "key.py")
    (root / "folder").symlink_to(secret)
    os.mkfifo(root / "pipe.py")
    files = read(Source("p", root, "folder"))
    assert {path: file.problem for path, file in files.items()} == {
        "a.py": None,
        "d/b.py": None,
        "file.py": "link",
        "folder": "link",
        "pipe.py": "not a plain file",
    }
    assert files["d/b.py"].data == b"b = 2"


def test_a_name_that_is_not_text_is_refused(tmp_path: Path):
    root = write(tmp_path / "p", {"a.py": "a"})
    with open(os.fsencode(root) + b"/\xff.py", "w") as file:
        file.write("x")
    assert sorted(file.problem or "" for file in read(Source("p", root, "folder")).values()) == ["", "unsafe path"]


def test_a_folder_over_the_limits_is_left(tmp_path: Path):
    root = write(tmp_path / "p", {f"{n}.py": "x" * 10 for n in range(9)})
    files = read(Source("p", root, "folder"), Limits(files=4))
    assert [file.problem for file in files.values()] == [None] * 4 + ["over the limits"]
    files = read(Source("p", root, "folder"), Limits(total_bytes=25))
    assert [file.problem for file in files.values()] == [None] * 2 + ["over the limits"]


def test_of_a_checkout_the_tracked_files_are_read(checkout: Path):
    assert {path: file.data for path, file in read(find(checkout)[0]).items()} == {
        "a.py": b"a = 1\n",
        "pkg/b.py": b"b = 2\n",
    }


def test_a_tracked_file_behind_a_link_or_gone_is_refused(checkout: Path, tmp_path: Path):
    secret = write(tmp_path / "secret", {"b.py": "secret"})
    (checkout / "pkg" / "b.py").unlink()
    (checkout / "pkg").rmdir()
    (checkout / "pkg").symlink_to(secret)
    (checkout / "a.py").unlink()
    assert {path: file.problem for path, file in read(find(checkout)[0]).items()} == {
        "a.py": "unreadable",
        "pkg/b.py": "link",
    }


def test_the_configuration_of_a_checkout_runs_nothing(checkout: Path, tmp_path: Path):
    trap, mark = tmp_path / "trap.sh", tmp_path / "mark"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.x.process"):
        git(checkout, "config", key, str(trap))
    git(checkout, "config", "core.worktree", str(tmp_path))
    assert set(read(find(checkout)[0])) == {"a.py", "pkg/b.py"}
    assert not mark.exists()


def test_the_environment_of_a_hook_does_not_lead_elsewhere(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    assert set(read(find(checkout)[0])) == {"a.py", "pkg/b.py"}


def test_a_checkout_that_git_cannot_read_is_refused(tmp_path: Path):
    root = write(tmp_path / "p", {"a.py": "a", ".git/HEAD": "nonsense"})
    assert {path: file.problem for path, file in read(find(root)[0]).items()} == {".git": "git failed"}


def test_a_path_that_an_archive_holds_twice_is_read_once(tmp_path: Path):
    path = tmp_path / "p.zip"
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "w") as file:
        file.writestr("a.py", "first")
        file.writestr("a.py", "second")
    files = list(open_repository(find(path)[0], Limits(), lambda name, size: True))
    assert [(f.path, f.problem) for f in files] == [("a.py", None), ("a.py", "repeated path")]
