"""Tar archives (`.tar.gz`, `.tar.xz`, `.tar.bz2`), read once from their beginning to their end.

Formats: POSIX.1-2001 pax and GNU tar, as the standard library's `tarfile` reads them. Zstandard is not in the
standard library of the Pythons that we support, so `.tar.zst` is not read.
"""

import bz2
import lzma
import os
import tarfile
from collections.abc import Iterator
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO, Protocol

from codegem.data.archives.raw_files import (
    DAMAGE,
    LimitExceeded,
    Limits,
    RawFile,
    Wanted,
    allowance,
    below_top,
    printable,
    rest,
    safe_path,
)

ENDINGS = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
_PIECE = 1 << 16
_XZ_MEMORY = 128 << 20  # `xz -9` needs 65 MiB to decompress; a header may ask for 4 GiB


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_tar(location: Path, limits: Limits, wanted: Wanted) -> Iterator[RawFile]:
    """The files of a tar archive, without the top folder that they share."""
    files: list[RawFile] = []
    try:
        with location.open("rb") as compressed:
            stream = _Bounded(_decompressed(location, compressed), allowance(location, limits), limits.file_bytes)
            _read_members(stream, limits, wanted, files)
            while tail := stream.read(_PIECE):
                if tail.strip(b"\0"):  # tarfile takes a damaged header for the end
                    raise tarfile.ReadError("something else than members follows")
    except LimitExceeded as error:
        files.append(rest(location, "over the limits", error))
    except DAMAGE as error:
        files.append(rest(location, "damaged archive", error))
    yield from below_top(files)


def _decompressed(location: Path, file: BinaryIO) -> _Readable:
    name = location.name.lower()
    if name.endswith(".xz"):
        return _Xz(file)
    return bz2.BZ2File(file) if name.endswith(".bz2") else GzipFile(fileobj=file)


def _read_members(stream: "_Bounded", limits: Limits, wanted: Wanted, files: list[RawFile]) -> None:
    with tarfile.open(fileobj=stream, mode="r:") as archive:  # type: ignore[arg-type]
        count = 0
        while member := archive.next():
            archive.members.clear()  # else tarfile remembers a kilobyte for each
            count += 1
            if count > limits.files:
                raise LimitExceeded(f"more than {limits.files} members")
            if not 0 <= member.size <= limits.total_bytes:
                raise LimitExceeded(f"a member that says it has {member.size} bytes")
            if not member.isdir():
                files.append(_read_member(archive, member, limits, wanted))


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


class _Xz:
    """The bytes of an xz file. Unlike `lzma.LZMAFile` it bounds the memory that the file's header asks for."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._decompressor = self._new()

    def read(self, size: int, /) -> bytes:
        while True:
            if self._decompressor.eof:
                packed = self._decompressor.unused_data.lstrip(b"\0") or self._file.read(_PIECE).lstrip(b"\0")
                if not packed:  # zeros are padding between streams
                    return b""
                self._decompressor = self._new()
            else:
                packed = self._file.read(_PIECE) if self._decompressor.needs_input else b""
                if not packed and self._decompressor.needs_input:
                    raise EOFError("the compressed data end before their end mark")
            if data := self._decompressor.decompress(packed, size):
                return data

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


class _Bounded:
    """A stream that reads forward, up to a number of bytes in all and at one time."""

    def __init__(self, stream: _Readable, total: int, at_once: int):
        self._stream, self._total, self._at_once = stream, total, at_once
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._at_once + tarfile.RECORDSIZE:
            raise LimitExceeded(f"a part of {size} bytes, of {self._at_once} allowed")
        if self._position + size > self._total + tarfile.RECORDSIZE:
            raise LimitExceeded(f"more than {self._total} bytes")
        pieces, missing = [], size
        while missing and (piece := self._stream.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Move forward; the archive is read once, in its order."""
        if whence != os.SEEK_SET or position < self._position:
            raise tarfile.ReadError("the archive's headers point backwards")
        while self._position < position and self.read(min(_PIECE, position - self._position)):
            pass
        return self._position
