"""Daft, as the data line uses it: one function over the rows of a table, on all workers."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from codegem.errors import UserError

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


def each(rows: dict[str, list[str]], function: Callable[..., str], workers: int) -> Iterator[str]:
    """Call a function with the values of every row, on so many workers: processes of their own, or this one for 1.

    A worker does one row at a time, in one thread.

    Args:
        rows: columns of text, by their names; the function takes them in this order.

    Yields:
        What the function returns, as the rows are done.
    """
    import daft

    class Task:
        @daft.method(return_dtype=daft.DataType.string())
        def __call__(self, *values: str) -> str:
            return function(*values)

    task = daft.cls(max_concurrency=workers, use_process=workers > 1)(Task)()
    called = task(*[daft.col(name) for name in rows]).alias("result")
    for batch in daft.from_pydict(rows).into_batches(1).select(called).to_arrow_iter():
        yield from batch["result"].to_pylist()
