"""Files that are replaced whole: a process that is killed leaves each one as it was or as it should be."""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

Write = Callable[[Path], object]


def replace_files(directory: Path, files: Mapping[str, Write], *, stale: Iterable[str] = ()) -> None:
    """Write all files elsewhere on the same disk, then rename them into `directory` in their order.

    Args:
        files: what writes each file, given the path to write to.
        stale: files of the directory that mean nothing beside the new ones; removed at last.

    Raises:
        OSError: the directory can't be written; what it held is unchanged.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".saving-") as staging:
        for name, write in files.items():
            write(Path(staging, name))
            with open(Path(staging, name), "rb") as written:
                os.fsync(written.fileno())
        for name in files:
            os.replace(Path(staging, name), directory / name)
    for name in stale:
        if name not in files:
            (directory / name).unlink(missing_ok=True)


def replace_file(path: Path, write: Write) -> None:
    """`replace_files` for one file.

    Raises:
        OSError: it can't be written; what stood there is unchanged.
    """
    replace_files(path.parent, {path.name: write})
