"""What all archives have in common: their files, their limits, and which paths are sound.

Archives are read in place and never unpacked to the disk (`tar_archives`, `zip_archives`). Everything in them
is untrusted. A member that climbs out, links, or is no plain file is handed on as a `RawFile` with a
`problem`; an archive that is damaged, or asks for more than `Limits`, is read up to there and one row
stands for the rest. A hostile archive costs its own files and never the run.
"""

import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

_DRIVE = re.compile(r"^[A-Za-z]:")
_MAX_PATH = 400  # characters; a longer name would fill a context by itself
_SLACK = 16 << 20  # bytes an archive may hold before its compression ratio counts
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RuntimeError,  # of zipfile: unknown methods of compression; of tarfile: headers nested without end
)


@dataclass(frozen=True)
class Limits:
    """How much one archive or folder may ask for. An archive is read up to the limit and then left.

    Attributes:
        files: members of an archive, or files of a folder.
        total_bytes: bytes after decompression.
        wanted_bytes: bytes of one repository that are held in memory; a file that finds no room is not read.
        file_bytes: the largest file that is read into memory.
        ratio: decompressed to compressed bytes, beyond the first 16 MiB.
    """

    files: int = 200_000
    total_bytes: int = 2 << 30
    wanted_bytes: int = 512 << 20
    file_bytes: int = 64 << 20
    ratio: float = 200.0


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file of a repository.

    Attributes:
        path: with forward slashes, below the top folder that all files of an archive share.
        data: its bytes, or None where nobody wanted them or there is a problem.
        problem: why it can't be read, a short fixed phrase; `detail` has the values.
    """

    path: str
    size: int
    data: bytes | None = None
    problem: str | None = None
    detail: str = ""


class LimitExceeded(Exception):
    """An archive asked for more than `Limits` grants."""


Wanted = Callable[[str, int], bool]  # (path, size in bytes) -> are its bytes needed?


def safe_path(name: str) -> tuple[str, str | None]:
    """A member's path with forward slashes, and what is wrong with it, if anything is.

    >>> safe_path("./a/b.py"), safe_path("../b.py")[1]
    (('a/b.py', None), 'unsafe path')
    """
    path = name.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    clean = "/".join(parts)
    if path.startswith("/") or _DRIVE.match(path) or ".." in parts or not parts:
        return printable(name), "unsafe path"
    if len(clean) > _MAX_PATH or not clean.isprintable():
        return printable(name), "unsafe path"
    return clean, None


def printable(name: str) -> str:
    """A name with whatever is not printable spelled out."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name[: _MAX_PATH + 1])
    return shown.encode("utf-8", "backslashreplace").decode()


def allowance(location: Path, limits: Limits) -> int:
    """Bytes that an archive may hold after decompression."""
    return min(limits.total_bytes, int(location.stat().st_size * limits.ratio) + _SLACK)


def rest(location: Path, problem: str, error: Exception) -> RawFile:
    """One row that stands for what was not read."""
    return RawFile("…", 0, problem=problem, detail=f"{location.name}: {printable(str(error)[:200])}; the rest is left")


def below_top(files: list[RawFile]) -> Iterator[RawFile]:
    """The files, without the one top folder that all sound ones share."""
    sound = [file.path for file in files if file.problem is None]
    tops = {path.split("/", 1)[0] for path in sound if "/" in path}
    shared = len(tops) == 1 and all("/" in path for path in sound)
    top = f"{tops.pop()}/" if shared else ""
    for file in files:
        yield replace(file, path=file.path.removeprefix(top)) if top else file
