"""Folders and git checkouts as raw files.

Links are not followed, the configuration of a checkout is not trusted, and files may vanish or change
while they are read.
"""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from codegem.data.archives.raw_files import Limits, RawFile, Wanted, printable, safe_path

_GIT_SECONDS = 120


def read_folder(root: Path, limits: Limits, wanted: Wanted, *, tracked: bool) -> Iterator[RawFile]:
    """The files below a folder in the order of their paths; of a checkout, those that git tracks.

    Args:
        tracked: the folder is a git checkout.
    """
    names, problems = _tracked_files(root) if tracked else _walk(root, limits.files)
    yield from problems
    resolved = root.resolve()
    total = 0
    for count, name in enumerate(sorted(names)):
        path, problem = safe_path(name)
        if problem:
            yield RawFile(path, 0, problem=problem, detail="the name is not printable, or climbs out")
            continue
        file = _read_plain(resolved, name, path, limits, wanted)
        total += len(file.data or b"")
        if count >= limits.files or total > limits.total_bytes:
            detail = f"more than {limits.files} files or {limits.total_bytes} bytes; the rest is left"
            yield RawFile(path, file.size, problem="over the limits", detail=detail)
            return
        yield file


def _walk(root: Path, limit: int) -> tuple[list[str], list[RawFile]]:
    """The names of up to `limit` + 1 files below a folder, and the folders in it that cannot be listed.

    A loop and not `os.walk`, which calls itself for every level.
    """
    names: list[str] = []
    problems: list[RawFile] = []
    folders = [""]
    while folders and len(names) <= limit:
        folder = folders.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as listing:
                entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing)
        except OSError as error:
            path = printable(folder) or "…"
            problems.append(RawFile(path, 0, problem="unreadable", detail=error.strerror or str(error)))
            continue
        below = [(os.path.join(folder, name), is_folder) for name, is_folder in entries if name != ".git"]
        names += [name for name, is_folder in below if not is_folder][: limit + 1 - len(names)]
        folders += [name for name, is_folder in reversed(below) if is_folder]
    return names, problems


def _tracked_files(root: Path) -> tuple[list[str], list[RawFile]]:
    """What git tracks. The checkout's own configuration may not run a program, fetch, or point elsewhere."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_OPTIONAL_LOCKS": "0"}
    # Git may want objects that a partial clone lacks; no way of fetching them is allowed.
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}
    # The user named this folder: git's check of its owner has nothing to add.
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    command = ["git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    command += [f"--work-tree={root}", "ls-files", "-z", "--cached"]
    call = {"cwd": root, "env": environment | trusted, "capture_output": True, "timeout": _GIT_SECONDS}
    try:
        done = subprocess.run(command, check=False, **call)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], [RawFile(".git", 0, problem="git failed", detail=printable(str(error)[:200]))]
    if done.returncode != 0:
        message = printable(done.stderr.decode("utf-8", "replace").strip()[:200])
        return [], [RawFile(".git", 0, problem="git failed", detail=message)]
    return list({os.fsdecode(name) for name in done.stdout.split(b"\0") if name}), []


def _read_plain(root: Path, name: str, path: str, limits: Limits, wanted: Wanted) -> RawFile:
    location = root / name
    try:
        status = location.lstat()
        if stat.S_ISLNK(status.st_mode) or location.parent.resolve() != root / Path(name).parent:
            return RawFile(path, 0, problem="link", detail="links are not followed")
        if not stat.S_ISREG(status.st_mode):
            return RawFile(path, 0, problem="not a plain file", detail="a device, pipe, socket or submodule")
        if status.st_size > limits.file_bytes or not wanted(path, status.st_size):
            return RawFile(path, status.st_size)
        # It may have become something else since: a link is not opened, and a pipe is not waited for.
        with open(os.open(location, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return RawFile(path, 0, problem="not a plain file", detail="it changed while it was read")
            return RawFile(path, status.st_size, file.read(status.st_size))
    except OSError as error:
        return RawFile(path, 0, problem="unreadable", detail=error.strerror or str(error))
