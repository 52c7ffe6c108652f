"""A file that grows by whole records, on a disk that may be full."""

import os
from pathlib import Path


class AppendOnly:
    """Appends records, each of them whole as soon as it is written.

    Records that find no room on the disk wait in memory, and are written with a later one.

    Raises:
        OSError: the file can't be opened.
    """

    def __init__(self, path: Path):
        self._waiting = b""
        self._file = path.open("ab", buffering=0)

    def append(self, record: bytes) -> None:
        """Add a record."""
        self._waiting += record
        end = self._file.seek(0, os.SEEK_END)
        try:
            whole = self._file.write(self._waiting) == len(self._waiting)
        except OSError:
            whole = False
        if whole:
            self._waiting = b""
        else:
            self._file.truncate(end)

    def sync(self) -> None:
        """Bring the records to the disk.

        Raises:
            OSError: the disk does not take them.
        """
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Nothing more is appended."""
        self._file.close()


def write_new(path: Path, content: bytes) -> None:
    """Write a file that appears under its name when it is whole."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    os.replace(new, path)
