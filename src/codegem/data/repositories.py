"""The repositories that sources name, and the files of each: folders, git checkouts and archives.

Links are not followed, and the configuration of a checkout is not trusted; archives are in `archives`.
"""

import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codegem.data.archives import Limits, RawFile, Wanted, printable, read_tar, read_zip, safe_path
from codegem.errors import UserError

ARCHIVES = (".tar.gz", ".tgz", ".zip", ".whl")
_VERSION = re.compile(r"[-_]v?\d+(\.\d+|[-_.]?(a|b|rc|dev|post)\d)*([.+][\w.]+)?(-.*)?$")
_GIT_SECONDS = 120


@dataclass(frozen=True)
class Source:
    """Where one repository lies: `kind` is "folder", "git", "tar" or "zip"."""

    name: str
    location: Path
    kind: str


def find_repositories(sources: Sequence[Path], is_source: Callable[[str], bool]) -> list[Source]:
    """The repositories that the sources name, in the order of their unique names.

    A source is an archive, a git checkout, a project folder, or a folder whose direct children are
    archives or checkouts, which stands for all of them.

    Args:
        is_source: whether a file name is source code; a folder that holds such a file directly is a project,
            whatever archives lie beside it.

    Raises:
        UserError: a source does not exist, is of another kind, or is an empty folder.
    """
    found = [location for source in sources for location in _expand(source, is_source)]
    locations = sorted({location.resolve(): location for location in found}.values(), key=str)
    short = [_name(location, version=False) for location in locations]
    names: dict[str, Source] = {}
    for location, name in zip(locations, short, strict=True):
        unique = base = name if short.count(name) == 1 else _name(location, version=True)
        copy = 1
        while unique in names:
            copy += 1
            unique = f"{base}~{copy}"
        names[unique] = Source(unique, location, _kind(location))
    return [names[name] for name in sorted(names)]


def open_repository(source: Source, limits: Limits, wanted: Wanted) -> Iterator[RawFile]:
    """Every file of a repository, its bytes where they are wanted; directories are not files.

    Paths are unique and, within an archive, in the archive's order.
    """
    readers = {"tar": read_tar, "zip": read_zip}
    if reader := readers.get(source.kind):
        files = reader(source.location, limits, wanted)
    else:
        files = _read_folder(source, limits, wanted)
    seen: set[str] = set()
    for file in files:
        if file.path in seen and file.problem is None:
            file = replace(file, data=None, problem="repeated path", detail="the archive holds it twice")
        seen.add(file.path)
        yield file


# Finding


def _kind(location: Path) -> str:
    if location.is_dir():
        return "git" if (location / ".git").exists() else "folder"
    return "zip" if location.name.lower().endswith((".zip", ".whl")) else "tar"


def _name(location: Path, version: bool) -> str:
    name = location.resolve().name
    if not location.is_dir():
        name = name[: -len(next(end for end in ARCHIVES if name.lower().endswith(end)))]
        if not version:
            name = _VERSION.sub("", name) or name
    return printable(name)


def _expand(source: Path, is_source: Callable[[str], bool]) -> list[Path]:
    if source.is_file() and source.name.lower().endswith(ARCHIVES):
        return [source]
    if source.is_file():
        raise UserError(f"{source} is not a repository: give a folder, or one of {', '.join(ARCHIVES)}.")
    if not source.is_dir():
        raise UserError(f"{source} does not exist: give a folder, a git checkout or an archive.")
    children = sorted(source.iterdir())
    if not children:
        raise UserError(f"{source} is empty: there is no file to learn from.")
    if (source / ".git").exists() or any(c.is_file() and is_source(c.name) for c in children):
        return [source]
    archives = [c for c in children if c.is_file() and c.name.lower().endswith(ARCHIVES)]
    checkouts = [c for c in children if c.is_dir() and not c.is_symlink() and (c / ".git").exists()]
    return [*archives, *checkouts] or [source]


# Folders


def _read_folder(source: Source, limits: Limits, wanted: Wanted) -> Iterator[RawFile]:
    names = _tracked_files(source.location) if source.kind == "git" else _walk(source.location)
    if isinstance(names, RawFile):
        yield names
        return
    root = source.location.resolve()
    total = 0
    for count, name in enumerate(names):
        path, problem = safe_path(name)
        if problem:
            yield RawFile(path, 0, problem=problem, detail="the name is not printable, or climbs out")
            continue
        file = _read_plain(root, name, path, limits, wanted)
        total += len(file.data or b"")
        if count >= limits.files or total > limits.total_bytes:
            detail = f"more than {limits.files} files or {limits.total_bytes} bytes; the rest is left"
            yield RawFile(path, file.size, problem="over the limits", detail=detail)
            return
        yield file


def _walk(root: Path) -> list[str]:
    names = []
    for folder, children, files in os.walk(root, followlinks=False):
        links = [child for child in children if os.path.islink(os.path.join(folder, child))]
        children[:] = sorted(child for child in children if child not in links and child != ".git")
        names += [os.path.relpath(os.path.join(folder, name), root) for name in [*files, *links]]
    return sorted(names)


def _tracked_files(root: Path) -> list[str] | RawFile:
    """What git tracks. The checkout's own configuration may not run a program or point elsewhere."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_OPTIONAL_LOCKS": "0"}
    # The user named this folder: git's check of its owner has nothing to add.
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    command = ["git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    command += [f"--work-tree={root}", "ls-files", "-z", "--cached"]
    call = {"cwd": root, "env": environment | trusted, "capture_output": True, "timeout": _GIT_SECONDS}
    try:
        done = subprocess.run(command, check=False, **call)
    except (OSError, subprocess.TimeoutExpired) as error:
        return RawFile(".git", 0, problem="git failed", detail=str(error))
    if done.returncode != 0:
        message = done.stderr.decode("utf-8", "replace").strip()
        return RawFile(".git", 0, problem="git failed", detail=message[:200])
    return sorted({os.fsdecode(name) for name in done.stdout.split(b"\0") if name})


def _read_plain(root: Path, name: str, path: str, limits: Limits, wanted: Wanted) -> RawFile:
    location = root / name
    try:
        status = location.lstat()
        if stat.S_ISLNK(status.st_mode) or location.parent.resolve() != root / Path(name).parent:
            return RawFile(path, 0, problem="link", detail="links are not followed")
        if not stat.S_ISREG(status.st_mode):
            return RawFile(path, 0, problem="not a plain file", detail="a device, pipe, socket or submodule")
        if not wanted(path, status.st_size) or status.st_size > limits.file_bytes:
            return RawFile(path, status.st_size)
        with open(os.open(location, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return RawFile(path, status.st_size, file.read(limits.file_bytes))
    except OSError as error:
        return RawFile(path, 0, problem="unreadable", detail=error.strerror or str(error))
