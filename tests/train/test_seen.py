"""Which rows a run has read is what its batches hold."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegem.checkpoints.run_file import write_run
from codegem.data.shards import read_manifest
from codegem.errors import UserError
from codegem.train.batches import training_batches
from codegem.train.seen import rows_read, seen_rows

from .runs import examples, write_data


@pytest.mark.parametrize(("rows", "batch_size", "steps", "seed"), [(7, 2, 9, 0), (40, 8, 4, 3)])
def test_rows_are_those_of_the_batches(rows: int, batch_size: int, steps: int, seed: int) -> None:
    source = [replace(row, tokens=np.full_like(row.tokens, number)) for number, row in enumerate(examples(rows, 0))]
    batches = training_batches(source, batch_size, seed)
    read = np.concatenate([next(batches)["tokens"][:, 0] for _ in range(steps)])
    assert rows_read(rows, seed, steps * batch_size).tolist() == sorted(set(read.tolist()))


def checkpoint(run: Path, step: int, data: str, **recipe: Any) -> None:
    folder = run / "checkpoints" / str(step)
    folder.mkdir(parents=True)
    identity = {"data": data, "recipe": {"batch_size": 2, "seed": 0, **recipe}}
    write_run(folder, {"identity": identity, "position": {"step": step}, "code": "", "files": {}})


def test_the_last_checkpoint_says_how_far_a_run_came(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_data(data)
    digest = read_manifest(data).hash
    for step in (900, 1000):
        checkpoint(tmp_path / "run", step, digest)
    seen = seen_rows(tmp_path / "run", data)
    assert seen.steps == 1000 and seen.rows.tolist() == list(range(9))
    checkpoint(tmp_path / "other", 5, "ab" * 32)
    with pytest.raises(UserError, match="learned from the data set abab"):
        seen_rows(tmp_path / "other", data)
    with pytest.raises(UserError, match="holds no checkpoint"):
        seen_rows(tmp_path, data)
    (tmp_path / "run" / "checkpoints" / "1000" / "run.json").write_text("{}")
    with pytest.raises(UserError, match="can't be read"):
        seen_rows(tmp_path / "run", data)
