"""Archives as streams of raw files, read in place and never unpacked to the disk.

Everything here is untrusted. A member that climbs out, links, or is no plain file is handed on as a
`RawFile` with a `problem`; an archive that is damaged, or asks for more than `Limits`, is read up to there
and one row stands for the rest. A hostile archive costs its own files and never the run.
"""

import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO

_DRIVE = re.compile(r"^[A-Za-z]:")
_MAX_PATH = 400  # characters; a longer name would fill a context by itself
_SLACK = 16 << 20  # bytes an archive may hold before its compression ratio counts
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RuntimeError,  # of zipfile: encrypted members, unknown methods of compression
)


@dataclass(frozen=True)
class Limits:
    """How much one archive or folder may ask for. An archive is read up to the limit and then left.

    Attributes:
        files: members of an archive, or files of a folder.
        total_bytes: bytes after decompression.
        file_bytes: the largest file that is read into memory.
        ratio: decompressed to compressed bytes, beyond the first 16 MiB.
    """

    files: int = 200_000
    total_bytes: int = 2 << 30
    file_bytes: int = 64 << 20
    ratio: float = 200.0


@dataclass(frozen=True)
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


def read_tar(location: Path, limits: Limits, wanted: Wanted) -> Iterator[RawFile]:
    """The files of a `.tar.gz`, without the top folder that they share."""
    files: list[RawFile] = []
    try:
        with location.open("rb") as compressed:
            stream = _Bounded(GzipFile(fileobj=compressed), _allowance(location, limits), limits.file_bytes)
            with tarfile.open(fileobj=stream, mode="r:") as archive:  # type: ignore[arg-type]
                for count, member in enumerate(archive):
                    if count >= limits.files:
                        raise LimitExceeded(f"more than {limits.files} members")
                    if not member.isdir():
                        files.append(_read_member(archive, member, limits, wanted))
            while tail := stream.read(1 << 16):
                if tail.strip(b"\0"):  # tarfile takes a damaged header for the end
                    raise tarfile.ReadError("something else than members follows")
    except LimitExceeded as error:
        files.append(_rest(location, "over the limits", error))
    except _DAMAGE as error:
        files.append(_rest(location, "damaged archive", error))
    yield from _below_top(files)


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo, limits: Limits, wanted: Wanted) -> RawFile:
    path, problem = safe_path(member.name)
    if problem:
        return RawFile(path, member.size, problem=problem, detail="it climbs out, or is not printable")
    if member.issym() or member.islnk():
        return RawFile(path, 0, problem="link", detail=f"to {printable(member.linkname)}")
    if not member.isreg() or member.issparse():
        return RawFile(path, 0, problem="not a plain file", detail="a device, pipe or sparse file")
    if member.size > limits.file_bytes or not wanted(path, member.size):
        return RawFile(path, member.size)
    content = archive.extractfile(member)
    return RawFile(path, member.size, content.read() if content else b"")


def read_zip(location: Path, limits: Limits, wanted: Wanted) -> Iterator[RawFile]:
    """The files of a `.zip`, without the top folder that they share, or of a wheel, which has none."""
    files: list[RawFile] = []
    allowed = _allowance(location, limits)
    try:
        with zipfile.ZipFile(location) as archive:
            for count, member in enumerate(archive.infolist()):
                if count >= limits.files:
                    raise LimitExceeded(f"more than {limits.files} members")
                if member.is_dir():
                    continue
                files.append(_read_zip_member(archive, member, limits, wanted))
                allowed -= len(files[-1].data or b"")
                if allowed < 0:
                    raise LimitExceeded(f"more than {_allowance(location, limits)} bytes")
    except LimitExceeded as error:
        files.append(_rest(location, "over the limits", error))
    except _DAMAGE as error:
        files.append(_rest(location, "damaged archive", error))
    yield from files if location.suffix.lower() == ".whl" else _below_top(files)


def _read_zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits, wanted: Wanted) -> RawFile:
    path, problem = safe_path(member.filename)
    if problem:
        return RawFile(path, member.file_size, problem=problem, detail="it climbs out, or is not printable")
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        return RawFile(path, 0, problem="link", detail="links are not followed")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return RawFile(path, 0, problem="not a plain file", detail="a device or a pipe")
    if member.flag_bits & 1:
        return RawFile(path, member.file_size, problem="encrypted", detail="no password is known")
    if member.file_size > limits.file_bytes or not wanted(path, member.file_size):
        return RawFile(path, member.file_size)
    try:
        with archive.open(member) as content:  # gives no more than the size that the archive states
            return RawFile(path, member.file_size, content.read())
    except _DAMAGE as error:
        return RawFile(path, member.file_size, problem="damaged archive", detail=str(error)[:200])


def _allowance(location: Path, limits: Limits) -> int:
    """Bytes that an archive may hold after decompression."""
    return min(limits.total_bytes, int(location.stat().st_size * limits.ratio) + _SLACK)


def _rest(location: Path, problem: str, error: Exception) -> RawFile:
    """One row that stands for what was not read."""
    return RawFile("…", 0, problem=problem, detail=f"{location.name}: {str(error)[:200]}; the rest is left")


def _below_top(files: list[RawFile]) -> Iterator[RawFile]:
    """The files, without the one top folder that all sound ones share."""
    sound = [file.path for file in files if file.problem is None]
    tops = {path.split("/", 1)[0] for path in sound if "/" in path}
    shared = len(tops) == 1 and all("/" in path for path in sound)
    top = f"{tops.pop()}/" if shared else ""
    for file in files:
        yield replace(file, path=file.path.removeprefix(top))


class _Bounded:
    """A stream that reads forward, up to a number of bytes in all and at one time."""

    def __init__(self, stream: BinaryIO | GzipFile, total: int, at_once: int):
        self._stream, self._total, self._at_once = stream, total, at_once
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._at_once + tarfile.RECORDSIZE:
            raise LimitExceeded(f"a part of {size} bytes, of {self._at_once} allowed")
        if self._position + size > self._total + tarfile.RECORDSIZE:
            raise LimitExceeded(f"more than {self._total} bytes")
        data = self._stream.read(size)
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Move forward; the archive is read once, in its order."""
        if whence != os.SEEK_SET or position < self._position:
            raise tarfile.ReadError("the archive's headers point backwards")
        while self._position < position and self.read(min(1 << 16, position - self._position)):
            pass
        return self._position
