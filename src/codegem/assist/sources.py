"""Which files of a folder may be shown to a model, and their text.

Code alone, and of that nothing that git ignores, that other people wrote or a tool made, nothing that looks like a
secret, no link, and nothing large. Links are not followed, so that nothing outside the folder is read.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from codegem.assist.ignoring import IgnoreRules
from codegem.data.filters import decode, reject_path
from codegem.data.imports.projects import PROJECT_FILES
from codegem.data.rules.filter_rules import FilterRules
from codegem.text.languages import CODE

_PLAIN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link, no waiting for a pipe
_PROJECT_BYTES = 1 << 16
_SECRET_NAME = re.compile(
    r"(?i)\.env(\..*)?|.*\.env|\.netrc|\.pypirc|\.npmrc|id_(rsa|dsa|ecdsa|ed25519)(\..*)?|.*\.(pem|key|p12|pfx|jks|kdbx)"
    r"|\.?(secrets?|credentials?|passwords?)(\..*)?"
)
_SECRET_TEXT = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----\s*[\w+/=]{16}")


@dataclass(frozen=True)
class Limits:
    """How much of a folder is looked at.

    Attributes:
        files: of code, at most.
        entries: names of files and folders that are listed, at most.
        file_bytes: of one file; a larger one is left out.
        total_bytes: of all files together; the rest is left out.
        seconds: that listing and reading may take together.
    """

    files: int = 5000
    entries: int = 200_000
    file_bytes: int = 1 << 18
    total_bytes: int = 1 << 26
    seconds: float = 60.0


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Attributes:
        stamps: the files that may be shown, each with what changes when it is written.
        projects: texts of project files, which say under which names code is imported.
        ignored: the rules of its `.gitignore` files.
    """

    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    ignored: IgnoreRules = field(default_factory=lambda: IgnoreRules(()))


def is_secret(path: str) -> bool:
    """Whether a file's name says that it holds secrets.

    >>> is_secret("a/.env.local"), is_secret("deploy/id_rsa"), is_secret("src/environment.py")
    (True, True, False)
    """
    return bool(_SECRET_NAME.fullmatch(path.rpartition("/")[2]))


def is_wanted(path: str, size: int, limits: Limits) -> bool:
    """Whether a file of this name and size may be shown; what git ignores is not asked here."""
    rules = FilterRules(languages=CODE, min_bytes=1, max_bytes=limits.file_bytes)
    hidden = any(part.startswith(".") for part in path.split("/"))
    return not hidden and not is_secret(path) and reject_path(path, size, rules) is None


def list_folder(root: Path, limits: Limits) -> Listing:
    """The files of a folder that may be shown, by name alone; unreadable folders are passed over."""
    stamps, projects, ignores = dict[str, tuple[int, int]](), dict[str, str](), list[tuple[str, str]]()
    rules = IgnoreRules(())
    folders, left, total = [""], limits.entries, 0
    while folders and left > 0 and len(stamps) < limits.files:
        folder = folders.pop()
        entries = list(_entries(root, folder))
        left -= len(entries)
        names = {name for name, _, _ in entries}
        if "pyvenv.cfg" in names:
            continue
        if ".gitignore" in names and (text := read_text(root, _join(folder, ".gitignore"), _PROJECT_BYTES)):
            ignores.append((folder, text))
            rules = IgnoreRules(ignores)
        below = []
        for name, is_folder, status in entries:
            path = _join(folder, name)
            if is_folder:
                if not name.startswith(".") and not rules.ignores_folder(path) and is_wanted(f"{path}/a.py", 1, limits):
                    below.append(path)
            elif name in PROJECT_FILES and status.st_size <= _PROJECT_BYTES and len(projects) < limits.files:
                projects[path] = read_text(root, path, _PROJECT_BYTES) or ""
            elif is_wanted(path, status.st_size, limits) and not rules.ignores(path):
                total += status.st_size
                if total <= limits.total_bytes and len(stamps) < limits.files:
                    stamps[path] = status.st_mtime_ns, status.st_size
        folders += reversed(below)
    return Listing(stamps, projects, rules)


def read_text(root: Path, path: str, most: int) -> str | None:
    """The text of a file; None where it can't be read, is a link, too large, no UTF-8, or holds a private key."""
    try:
        place = root / path
        if place.parent.resolve() != root / Path(path).parent:
            return None
        with open(os.open(place, _PLAIN), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(most + 1)
    except (OSError, ValueError):
        return None
    text, problem = decode(data)
    return None if problem or len(data) > most or holds_secret(text) else text


def holds_secret(text: str) -> bool:
    """Whether a private key stands in a text."""
    return "PRIVATE KEY" in text and bool(_SECRET_TEXT.search(text))


def _entries(root: Path, folder: str) -> Iterator[tuple[str, bool, os.stat_result]]:
    """(name, is a folder, its status) of what is in a folder, links left out, in the order of their names."""
    try:
        with os.scandir(root / folder) as listing:
            for entry in sorted(listing, key=lambda entry: entry.name):
                if not entry.is_symlink() and "\n" not in entry.name and entry.name.isprintable():
                    yield entry.name, entry.is_dir(follow_symlinks=False), entry.stat(follow_symlinks=False)
    except OSError:
        return


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
