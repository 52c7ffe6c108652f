"""Zip archives and wheels, whose members are listed before any is read.

Format: PKWARE's APPNOTE, as the standard library's `zipfile` reads it.
"""

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from codegem.data.archives.raw_files import (
    DAMAGE,
    LimitExceeded,
    Limits,
    RawFile,
    Wanted,
    allowance,
    below_top,
    rest,
    safe_path,
)

ENDINGS = (".zip", ".whl")
_ENTRY = b"PK\x01\x02"  # begins every entry of the list of members
_PIECE = 1 << 20
# The decompressors that zipfile bounds; with the others a few bytes may become gigabytes.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_zip(location: Path, limits: Limits, wanted: Wanted) -> Iterator[RawFile]:
    """The files of a `.zip`, without the top folder that they share, or of a wheel, which has none."""
    files: list[RawFile] = []
    try:
        _refuse_long_list(location, limits)
        allowed = total = allowance(location, limits)
        with zipfile.ZipFile(location) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                files.append(_read_member(archive, member, limits, wanted))
                allowed -= len(files[-1].data or b"")
                if allowed < 0:
                    raise LimitExceeded(f"more than {total} bytes")
    except LimitExceeded as error:
        files.append(rest(location, "over the limits", error))
    except DAMAGE as error:
        files.append(rest(location, "damaged archive", error))
    yield from files if location.suffix.lower() == ".whl" else below_top(files)


def _refuse_long_list(location: Path, limits: Limits) -> None:
    """zipfile holds the whole list of members, half a kilobyte for each: count them before it does."""
    count, end = 0, b""
    with location.open("rb") as file:
        while piece := file.read(_PIECE):
            count += (end + piece).count(_ENTRY)
            end = piece[-len(_ENTRY) + 1 :]
            if count > limits.files:
                raise LimitExceeded(f"more than {limits.files} members")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits, wanted: Wanted) -> RawFile:
    path, problem = safe_path(member.filename)
    if problem:
        return RawFile(path, 0, problem=problem, detail="it climbs out, or is not printable")
    if member.file_size > limits.total_bytes:
        return RawFile(path, 0, problem="over the limits", detail=f"it says it has {member.file_size} bytes")
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        return RawFile(path, 0, problem="link", detail="links are not followed")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return RawFile(path, 0, problem="not a plain file", detail="a device or a pipe")
    if member.flag_bits & 1:
        return RawFile(path, member.file_size, problem="encrypted", detail="no password is known")
    if member.compress_type not in _METHODS:
        return RawFile(path, member.file_size, problem="unknown compression", detail=f"method {member.compress_type}")
    if member.file_size > limits.file_bytes or not wanted(path, member.file_size):
        return RawFile(path, member.file_size)
    try:
        # With its size, else zipfile decompresses whatever is there before it cuts it off.
        with archive.open(member) as content:
            return RawFile(path, member.file_size, content.read(member.file_size) if member.file_size else b"")
    except DAMAGE as error:
        return RawFile(path, member.file_size, problem="damaged archive", detail=str(error)[:200])
