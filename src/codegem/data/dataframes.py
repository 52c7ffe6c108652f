"""Daft, as the data line uses it: one generator over the rows of a table, on all workers."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from codegem.errors import UserError

if TYPE_CHECKING:
    import daft

_RUNNERS = {"local": "native", "ray": "ray"}  # our names and Daft's


def start(runner: str) -> Any:
    """The module `daft`, silent, with the runner "local" or "ray".

    Raises:
        UserError: Daft or Ray is not installed.
    """
    # Daft reports its use to its makers, and draws a progress bar of its own, unless told not to.
    for name, value in {
        "DO_NOT_TRACK": "1",
        "SCARF_NO_ANALYTICS": "1",
        "DAFT_ANALYTICS_ENABLED": "0",
        "DAFT_PROGRESS_BAR": "0",
    }.items():
        os.environ[name] = value
    # Its worker processes are fresh ones: they find this package where this process found it.
    paths = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))
    try:
        import daft
    except ImportError:
        raise UserError("Building data needs Daft: install codegem with its `data` extra.") from None
    if runner == "ray" and importlib.util.find_spec("ray") is None:
        raise UserError("The runner `ray` needs the package ray: install it, or use the runner `local`.")
    if daft.get_or_infer_runner_type() != _RUNNERS[runner]:  # a process sets it once
        daft.set_runner_ray() if runner == "ray" else daft.set_runner_native()
    return daft


def flat_map(
    rows: "daft.DataFrame",
    function: Callable[..., Iterator[dict[str, Any]]],
    columns: list[str],
    schema: pa.Schema,
    workers: int,
) -> Iterator[pa.Table]:
    """Run a generator on some columns of every row, in processes of its own where there are several workers.

    Yields:
        Tables of `schema` with the results of one or more rows, in any order; a row without results gives a
        row of nulls.
    """
    import daft

    kinds = {field.name: daft.DataType.from_arrow_type(field.type) for field in schema}
    udf = daft.func(function, return_dtype=daft.DataType.struct(kinds), unnest=True, use_process=workers > 1)
    called: Any = udf(*[daft.col(column) for column in columns])
    for batch in rows.into_batches(1).select(called).to_arrow_iter():
        yield pa.Table.from_batches([batch]).cast(schema)
