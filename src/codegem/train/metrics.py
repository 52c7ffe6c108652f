"""`metrics.jsonl`: one JSON object for each step and each validation, in the order of the steps.

    {"step": 1, "loss": 9.05, "grad_norm": 2.1, "learning_rate": 3e-05, "tokens": 16370, "tokens_per_second": 5100.0}
    {"step": 1, "tokens": 16370, "validation_loss": 8.97}

`tokens` counts the targets trained on so far, losses are nats a target, and the loss of a step is that
of the weights before it.
"""

import json
import os
from pathlib import Path
from typing import Any

from codegem.errors import UserError

Row = dict[str, float]


class MetricsFile:
    """Appends rows, each of them whole as soon as it is written.

    Rows that find no room on the disk wait in memory and are written with a later one.
    """

    def __init__(self, path: Path, last_step: int | None):
        """Keep the rows up to `last_step`, which are not made again; None begins an empty file."""
        self._waiting: list[Row] = []
        kept = [] if last_step is None else [row for row in read_metrics(path) if row["step"] <= last_step]
        self.rows = kept
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(path.name + ".new")
            new.write_text("".join(map(_line, kept)), encoding="utf-8")
            os.replace(new, path)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise UserError(f"{path} can't be written: {error.strerror}; choose another --out or make room.") from None

    def append(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)
        self._waiting.append(row)
        end = self._file.seek(0, os.SEEK_END)
        data = "".join(map(_line, self._waiting)).encode()
        try:
            whole = self._file.write(data) == len(data)
        except OSError:
            whole = False
        if whole:
            self._waiting.clear()
        else:
            self._file.truncate(end)

    def sync(self) -> None:
        """Bring the rows to the disk: a checkpoint must not be ahead of them."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Nothing more is appended."""
        self._file.close()


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


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row) + "\n"
