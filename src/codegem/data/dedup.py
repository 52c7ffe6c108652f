"""Exact duplicates: of files that differ in white space alone, one is kept."""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import daft


def fingerprint(text: str) -> str:
    """SHA-256 of the text's words: equal for texts that differ in white space alone."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def mark_duplicates(files: "daft.DataFrame") -> "daft.DataFrame":
    """Say of every file which file stands for it.

    Args:
        files: columns `repository`, `path` and `fingerprint`, with any others.

    Returns:
        The same rows and the column `kept_as`: "repository:path" of the first file, in the order of
        (repository, path), with this fingerprint. The file that stands for itself is the one to keep.
    """
    from daft import Window, col
    from daft.functions import first_value

    same = Window().partition_by("fingerprint").order_by("repository", "path")
    same = same.rows_between(Window.unbounded_preceding, Window.unbounded_following)
    return files.with_column("kept_as", first_value(col("repository") + ":" + col("path")).over(same))
