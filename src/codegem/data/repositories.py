"""The repositories that sources name, and the files of each: folders, git checkouts and archives.

Links are not followed, and the configuration of a checkout is not trusted; archives are in `archives`. A file of
JSON lines is a source too, of as many repositories as its lines name (`jsonl`).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codegem.data import jsonl
from codegem.data.archives import tar_archives, zip_archives
from codegem.data.archives.folders import read_folder
from codegem.data.archives.raw_files import Limits, RawFile, Wanted, printable
from codegem.data.archives.tar_archives import read_tar
from codegem.data.archives.zip_archives import read_zip
from codegem.errors import UserError
from codegem.text.languages import CODE, language_of

ARCHIVES = (*tar_archives.ENDINGS, *zip_archives.ENDINGS)
_FILES = (*ARCHIVES, *jsonl.ENDINGS)
_VERSION = re.compile(r"[-_]v?\d+(\.\d+|[-_.]?(a|b|rc|dev|post)\d)*([.+][\w.]+)?(-.*)?$")
_DEBIAN_VERSION = re.compile(r"_[^_]+\.orig$")  # NAME_VERSION.orig.tar.xz; a name of Debian's holds no underscore


@dataclass(frozen=True)
class Source:
    """Where one repository lies: `kind` is "folder", "git", "tar" or "zip"; or "jsonl", where many documents lie."""

    name: str
    location: Path
    kind: str


def find_repositories(sources: Sequence[Path], is_source: Callable[[str], bool]) -> list[Source]:
    """The repositories that the sources name, in the order of their unique names.

    A source is an archive, a file of JSON lines, a git checkout, a project folder, or a folder whose direct
    children are archives, files of JSON lines or checkouts, which stands for all of them; files of JSON lines
    alone beside folders are the data of a project.

    Args:
        is_source: whether a file name is source code; a folder that holds such a file directly is a project,
            whatever archives lie beside it. Prose is none: archives and JSON lines may have a README.

    Raises:
        UserError: a source does not exist, is of another kind, or is an empty folder.
    """
    found = [location for source in sources for location in _expand(source, is_source)]
    locations = sorted({location.resolve(): location for location in found}.values(), key=str)
    short = [_name(location, version=False) for location in locations]
    times = Counter(short)
    names: dict[str, Source] = {}
    for location, name in zip(locations, short, strict=True):
        unique = base = name if times[name] == 1 else _name(location, version=True)
        copy = 1
        while unique in names:
            copy += 1
            unique = f"{base}~{copy}"
        names[unique] = Source(unique, location, _kind(location))
    return [names[name] for name in sorted(names)]


def open_repository(source: Source, limits: Limits, wanted: Wanted) -> Iterator[RawFile]:
    """Every file of a repository, its bytes where they are wanted; directories are not files.

    Paths are unique and, within an archive, in the archive's order.

    Raises:
        UserError: the source is a file of JSON lines, and no repository.
    """
    if source.kind == "jsonl":
        raise UserError(f"{source.location} holds documents, and not one repository: give a folder or an archive.")
    room = _Room(limits.wanted_bytes, wanted)
    if source.kind == "tar":
        files = read_tar(source.location, limits, room)
    elif source.kind == "zip":
        files = read_zip(source.location, limits, room)
    else:
        files = read_folder(source.location, limits, room, tracked=source.kind == "git")
    seen: set[str] = set()
    for file in files:
        if file.path in seen and file.problem is None:
            file = replace(file, data=None, problem="repeated path", detail="the archive holds it twice")
        seen.add(file.path)
        yield file


class _Room:
    """What is wanted, as long as there is room for it in memory; a smaller file may still find some."""

    def __init__(self, room: int, wanted: Wanted):
        self._room, self._wanted = room, wanted

    def __call__(self, path: str, size: int) -> bool:
        if size > self._room or not self._wanted(path, size):
            return False
        self._room -= size
        return True


# Finding


def _kind(location: Path) -> str:
    if location.is_dir():
        return "git" if (location / ".git").exists() else "folder"
    if location.name.lower().endswith(jsonl.ENDINGS):
        return "jsonl"
    return "zip" if location.name.lower().endswith(zip_archives.ENDINGS) else "tar"


def _name(location: Path, version: bool) -> str:
    name = location.resolve().name
    if not location.is_dir():
        ending = next(end for end in _FILES if name.lower().endswith(end))
        name = name[: -len(ending)]
        if not version and ending in ARCHIVES:
            name = (_DEBIAN_VERSION if name.endswith(".orig") else _VERSION).sub("", name) or name
    return printable(name).replace("#", "_")  # what `reading` puts between a file of JSON lines and a line's number


def _is_code(name: str) -> bool:
    return language_of(name) in CODE


def _expand(source: Path, is_source: Callable[[str], bool]) -> list[Path]:
    if source.is_file() and source.name.lower().endswith(_FILES):
        return [source]
    if source.is_file():
        raise UserError(f"{source} is not a repository: give a folder, or one of {', '.join(_FILES)}.")
    if not source.is_dir():
        raise UserError(f"{source} does not exist: give a folder, a git checkout or an archive.")
    children = sorted(source.iterdir())
    if not children:
        raise UserError(f"{source} is empty: there is no file to learn from.")
    if (source / ".git").exists() or any(c.is_file() and is_source(c.name) and _is_code(c.name) for c in children):
        return [source]
    archives = [c for c in children if c.is_file() and c.name.lower().endswith(ARCHIVES)]
    folders = [c for c in children if c.is_dir() and not c.name.startswith(".")]
    checkouts = [c for c in children if c.is_dir() and not c.is_symlink() and (c / ".git").exists()]
    documents = [c for c in children if c.is_file() and c.name.lower().endswith(jsonl.ENDINGS)]
    if not archives and not checkouts and folders:
        documents = []  # the data of a project that has its code further down
    return [*archives, *checkouts, *documents] or [source]
