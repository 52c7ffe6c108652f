"""`metrics.jsonl`: one JSON object for each step and each validation, in the order of the steps.

    {"step": 1, "loss": 9.05, "grad_norm": 2.1, "learning_rate": 3e-05, "skipped": 0, "tokens": 16370,
     "tokens_per_second": 5100.0, "waited": 0.0001, "time": 1794.2}
    {"step": 1, "tokens": 16370, "validation_loss": 8.97, "time": 1795.0}

The loss of a step is that of the weights before it, in nats a target; `tokens` counts the targets learned from so
far, `skipped` the steps so far that were not finite (their loss and norm are left out), `waited` is how many seconds
the step waited for its batch, and `time` is when the row was written, in seconds since 1970. An objective may add
numbers of its own. The folder `tensorboard` beside the file has the same numbers under the same names.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codegem.errors import UserError
from codegem.train.appending import AppendOnly, write_new
from codegem.train.event_files import EventFile

Row = dict[str, float]


class MetricsFile:
    """Appends rows to a metrics file, and to event files in the folder `tensorboard` beside it.

    Rows that find no room on the disk wait in memory and are written with a later one.

    >>> metrics = MetricsFile(Path("run", "metrics.jsonl"), last_step=None)      # doctest: +SKIP
    >>> metrics.append({"step": 1, "loss": 9.05}); metrics.last("loss")          # doctest: +SKIP
    (1, 9.05)
    """

    def __init__(self, path: Path, last_step: int | None, *, write: bool = True):
        """Keep the rows up to `last_step`, which are not made again; None begins an empty file.

        Args:
            write: False for the processes of a run that only read along.

        Raises:
            UserError: the file can't be written.
        """
        kept = [] if last_step is None else [row for row in read_metrics(path) if row["step"] <= last_step]
        self._last: dict[str, tuple[int, float]] = {}
        for row in kept:
            self._note(row)
        self._file, self._events = self._opened(path, kept) if write else (None, None)

    def append(self, row: Mapping[str, float]) -> None:
        """Add a row; the time is put in."""
        timed = {**row, "time": round(time.time(), 3)}
        self._note(timed)
        if self._file and self._events:
            self._file.append(_line(timed))
            self._events.append(timed)

    def last(self, name: str) -> tuple[int, float] | None:
        """The step and the value of the last row that has a number of that name."""
        return self._last.get(name)

    def sync(self) -> None:
        """Bring the rows to the disk: a checkpoint must not be ahead of them.

        Raises:
            OSError: the disk does not take them.
        """
        if self._file:
            self._file.sync()

    def close(self) -> None:
        """Nothing more is appended."""
        for file in (self._file, self._events):
            if file:
                file.close()

    def _opened(self, path: Path, kept: list[Row]) -> tuple[AppendOnly, EventFile]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_new(path, b"".join(map(_line, kept)))
            return AppendOnly(path), EventFile(path.with_name("tensorboard"), kept)
        except OSError as error:
            raise UserError(f"{path} can't be written: {error.strerror}; choose another --out or make room.") from None

    def _note(self, row: Row) -> None:
        self._last |= {name: (int(row["step"]), value) for name, value in row.items()}


def read_metrics(path: Path) -> list[Row]:
    """The rows of a metrics file, without a last one that was cut; none where there is no file."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows


def _line(row: dict[str, Any]) -> bytes:
    return (json.dumps(row) + "\n").encode()
