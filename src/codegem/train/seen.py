"""Which training rows a run has learned from: batches come in an order that the recipe decides."""

from dataclasses import dataclass
from pathlib import Path

import grain
import numpy as np

from codegem.checkpoints.run_file import read_run
from codegem.data.shards import read_manifest
from codegem.errors import UserError


@dataclass(frozen=True, eq=False)
class Seen:
    """What a run has read.

    Attributes:
        rows: int64 [N], numbers of rows of the training split, rising.
        steps: of the optimizer.
    """

    rows: np.ndarray
    steps: int


def seen_rows(run: Path, data: Path) -> Seen:
    """What the last checkpoint of a run has read of a data set.

    Args:
        run: the folder of `codegem train` or `codegem tune`.

    Raises:
        UserError: it has no checkpoint that can be read, or is of other data.
    """
    folders = sorted((run / "checkpoints").glob("[0-9]*"), key=lambda path: (len(path.name), path.name))
    folders = [folder for folder in folders if folder.name.isdecimal()]
    if not folders:
        raise UserError(f"{run} holds no checkpoint; give the folder of a run of `codegem train`.")
    try:
        values = read_run(folders[-1])
        hash_of_data, recipe, step = (
            values["identity"]["data"],
            values["identity"]["recipe"],
            values["position"]["step"],
        )
        batch_size, seed = int(recipe["batch_size"]), int(recipe["seed"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folders[-1]} can't be read ({error!r:.100}); give another run.") from None
    manifest = read_manifest(data)
    if manifest.hash != hash_of_data:
        raise UserError(
            f"{run} learned from the data set {str(hash_of_data)[:16]}, and {data} is {manifest.hash[:16]}; give the "
            "data set of that run."
        )
    return Seen(rows_read(manifest.examples("train"), seed, step * batch_size), step)


def rows_read(examples: int, seed: int, count: int) -> np.ndarray:
    """int64, rising: which of so many examples are among the first `count` that `batches.training_batches` reads.

    Every epoch holds each example once, so that from one epoch on all of them are.
    """
    if count >= examples:
        return np.arange(examples, dtype=np.int64)
    order = grain.MapDataset.source(range(examples)).shuffle(seed=seed)
    return np.sort(np.array([order[place] for place in range(count)], np.int64))
