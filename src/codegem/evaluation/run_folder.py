"""The folder of a run: predictions, verdicts and report, and what run they are of.

    run.json             which model, benchmark, settings and data; written first
    predictions.jsonl    one row for each answer, as they come
    verdicts.jsonl       one row for each answer, as they are judged
    report.json          written last

A run that was killed at any byte goes on from here: whole rows are kept, a torn last one is dropped.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from types import UnionType
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.json_lines import check_fields, parse_rows, read_bytes, whole_lines, write_line


@dataclass(frozen=True)
class RunFolder:
    """Where the files of a run lie."""

    path: Path

    @property
    def run(self) -> Path:
        """Which run it is."""
        return self.path / "run.json"

    @property
    def predictions(self) -> Path:
        """What the model wrote."""
        return self.path / "predictions.jsonl"

    @property
    def verdicts(self) -> Path:
        """What became of it."""
        return self.path / "verdicts.jsonl"

    @property
    def report(self) -> Path:
        """What it comes to."""
        return self.path / "report.json"

    @contextmanager
    def claimed(self, identity: Mapping[str, Any]) -> Iterator[None]:
        """The folder for this run alone, made if it is not there.

        Args:
            identity: what must be equal for a run to go on: names and plain values. "data" is a mapping of file
                names to sha256, of which only files that both runs read must agree: a run may add a split.

        Raises:
            UserError: it holds another run, another process writes to it, or it can't be written.
        """
        with _sentence(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with _locked(self.path):
            self._check(identity)
            yield

    def _check(self, wanted: Mapping[str, Any]) -> None:
        identity: dict[str, Any] = json.loads(json.dumps(wanted))
        if self.run.exists():
            known = self._known()
            _compare(self.path, known, identity)
            identity["data"] = {**known.get("data", {}), **identity.get("data", {})}
        elif self.predictions.exists() or self.verdicts.exists():
            raise UserError(
                f"{self.path} holds predictions or verdicts and no run.json that says of what; give another --out."
            )
        replace_text(self.run, json.dumps(identity, indent=2, ensure_ascii=False) + "\n")

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(read_bytes(self.run))
        except ValueError:
            known = None
        if not isinstance(known, dict) or not isinstance(known.get("data", {}), dict):
            raise UserError(f"{self.run} is damaged; give another --out.")
        return known


class Journal:
    """A file of JSON lines that grows by a row at a time; made by `journal`.

    Attributes:
        rows: that were there.
    """

    def __init__(self, path: Path, file: RawIOBase, rows: list[dict[str, Any]]):
        self._path, self._file = path, file
        self.rows = rows

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row; it is with the system when this returns, whatever then becomes of this process.

        Raises:
            UserError: the disk is full, or gone.
        """
        line = memoryview(write_line(row))
        with _sentence(self._path):
            while line:
                line = line[self._file.write(line) or 0 :]


@contextmanager
def journal(path: Path, fields: Mapping[str, type | UnionType]) -> Iterator[Journal]:
    r"""A file of JSON lines to be gone on with, made if it is not there; a torn last line is dropped.

    Args:
        fields: that each row must have.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "rows.jsonl")
    ...     _ = file.write_text('{"a": 1}\n{"a": ')
    ...     with journal(file, {"a": int}) as rows:
    ...         rows.append({"a": 2})
    ...     file.read_text()
    '{"a": 1}\n{"a": 2}\n'

    Raises:
        UserError: a whole row is not JSON or lacks a field, or the file can't be written.
    """
    with _sentence(path):
        path.touch()
    whole, torn = whole_lines(read_bytes(path))
    rows = []
    for number, row in parse_rows(path, whole):
        check_fields(path, number, row, fields)
        rows.append(row)
    with _sentence(path):
        if torn:
            os.truncate(path, len(whole))
        file = path.open("ab", buffering=0)
    with file:
        yield Journal(path, file, rows)


def replace_text(file: Path, text: str | bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        UserError: it can't be written; what stood there is unchanged.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    with _sentence(file):
        try:
            unfinished.write_bytes(text.encode() if isinstance(text, str) else text)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)


def _compare(folder: Path, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for name, now in wanted.items():
        then = known.get(name)
        if isinstance(now, dict) and isinstance(then, dict):
            shared = then.keys() & now.keys() if name == "data" else then.keys() | now.keys()
            pairs = [(key, then.get(key), now.get(key)) for key in sorted(shared)]
        else:
            pairs = [(name, then, now)]
        for what, before, wants in pairs:
            if before != wants:
                raise UserError(
                    f"{folder} holds another run ({what} was {json.dumps(before)} and is {json.dumps(wants)}); "
                    "give another --out, or delete that folder."
                )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process, however it ends."""
    import fcntl  # not on every system, and nobody else needs it

    with _sentence(folder):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another process works in {folder}; wait for it, or give another --out.") from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _sentence(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{place} can't be written ({error.strerror or error}); put that right, and the same command goes on."
        ) from None
