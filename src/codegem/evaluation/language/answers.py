"""Results in the folder of a run, by what was asked: a run that was stopped goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codegem.evaluation.run_folder import Journal, journal

FILE = "answers.jsonl"


class Answers:
    """Results on disk; the folder says of which weights they are."""

    def __init__(self, file: Journal):
        self._file = file
        self._found = {row["key"]: row["result"] for row in file.rows}

    def get(self, key: str) -> Any:
        """A result, or None."""
        return self._found.get(key)

    def put(self, key: str, result: Any) -> None:
        """Keep a result; it is with the system when this returns."""
        if key not in self._found:
            self._file.append({"key": key, "result": result})
            self._found[key] = result


@contextmanager
def answers(folder: Path) -> Iterator[Answers]:
    """What a folder holds, to be gone on with.

    Args:
        folder: claimed for this run.

    Raises:
        UserError: the file is damaged, or can't be written.
    """
    with journal(folder / FILE, {"key": str, "result": list | str}) as file:
        yield Answers(file)
