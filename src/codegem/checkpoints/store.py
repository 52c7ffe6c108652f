"""Training state on disk, so that a run which was stopped goes on as if it had not been.

    DIRECTORY/STEP/state/     the arrays by name, written by Orbax
    DIRECTORY/STEP/run.json   identity   what the run is: recipe, hash of the data, hash of the tokenizer
                              position   where it is: step, tokens seen, state of the data iterator
                              code       which code wrote it
                              files      SHA-256 of each file of state/
                              sha256     of the four values above, as JSON with sorted keys

A checkpoint gets its name when it is whole, and the last two are kept. Where a run has several processes, each writes
and reads its own arrays, in a folder that all of them see, and the first does all else; any number of processes and any
layout can read what others wrote.
"""

import gc
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from codegem.checkpoints.agreeing import from_any, from_first, is_first
from codegem.checkpoints.orbax_arrays import quiet
from codegem.checkpoints.run_file import hashes, read_run, write_run
from codegem.errors import UserError

_KEPT = 2
_UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class Restored:
    """A checkpoint that was read: the state, and what was saved beside it."""

    state: Any
    position: dict[str, Any]


class Store:
    """The checkpoints of one run.

    Args:
        directory: made when the first checkpoint is saved.
        identity: plain JSON values, nested or not; a checkpoint of another identity is refused.
        say: called with a sentence when a damaged checkpoint is passed over, and when other code wrote one.
        code: release and commit. Another one is only said: a run that takes weeks must survive a mended line of code,
            and its losses show whether the change was harmless.
        accept_changes: say in what a checkpoint's identity differs rather than refuse it.
    """

    def __init__(
        self,
        directory: Path,
        identity: dict[str, Any],
        say: Callable[[str], None],
        *,
        code: str = "",
        accept_changes: bool = False,
    ):
        self.directory = directory.resolve()
        self._identity, self._say, self._code, self._accept_changes = identity, say, code, accept_changes
        self._orbax = ocp.Checkpointer(ocp.StandardCheckpointHandler())

    def save(self, step: int, state: Any, position: dict[str, Any]) -> None:
        """Write a checkpoint, then remove all but the last two.

        Raises:
            UserError: it could not be written, and is on no process; the checkpoints before it are as they were.
        """
        with quiet():
            failure = self._write(step, _named(state), position)
            if failure:
                gc.collect()  # what a failed write leaves behind complains when it is collected: now, quietly
        if failure:
            raise UserError(f"The checkpoint of step {step} could not be written to {self.directory}: {failure}.")
        if is_first():
            for old in self.steps()[:-_KEPT]:
                shutil.rmtree(self.directory / str(old), ignore_errors=True)

    def restore(self, like: Any) -> Restored | None:
        """The last checkpoint that is whole, or None where there is none yet.

        Args:
            like: a state of the same structure, whose arrays say shapes, dtypes and placement; it need not be placed
                as the one that was saved.

        Raises:
            UserError: the checkpoint is of another identity, or every one is damaged.
        """
        failure, step = None, None
        if is_first():
            try:
                step = self._last_whole()
            except UserError as error:
                failure = str(error)
        _raise(from_first(failure))
        told = from_first(None if step is None else str(step))
        if told is None:
            return None
        folder = self.directory / told
        _raise(from_any(None if folder.is_dir() else f"{folder} is not there for every process: share --out."))
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return Restored(self._read_state(folder, like), run["position"])

    def steps(self) -> list[int]:
        """Steps of the checkpoints that were finished, in their order."""
        return sorted(int(path.name) for path in self.directory.glob("*") if path.name.isdecimal())

    def _last_whole(self) -> int | None:
        """The step to go on from, after removing what can't be used."""
        self._remove_unfinished()
        steps = self.steps()
        for step in reversed(steps):
            try:
                run = read_run(self.directory / str(step))
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._say(f"The checkpoint of step {step} is damaged ({_why(error)}); the one before it is used.")
                continue
            self._compare(run, step)
            for damaged in steps[steps.index(step) + 1 :]:  # the run will reach them again
                shutil.rmtree(self.directory / str(damaged))
            return step
        if steps:
            raise UserError(
                f"Every checkpoint in {self.directory} is damaged: remove that folder to start again from step 0."
            )
        return None

    def _write(self, step: int, arrays: dict[str, Any], position: dict[str, Any]) -> str | None:
        """Write one checkpoint, or say why not; every process does its part, and all of them say the same.

        A full disk reaches us as ValueError, OSError or XlaRuntimeError.
        """
        unfinished = self.directory / f"{step}{_UNFINISHED}"
        needed = sum(array.nbytes for array in arrays.values())
        try:
            return (
                from_first(_failure(lambda: self._prepare(unfinished, needed)) if is_first() else None)
                or from_any(_failure(lambda: self._write_arrays(unfinished, arrays)))
                or from_first(_failure(lambda: self._finish(step, unfinished, position)) if is_first() else None)
            )
        finally:
            if is_first():
                self._remove_unfinished()

    def _prepare(self, unfinished: Path, needed: int) -> None:
        self._remove_unfinished()
        unfinished.mkdir(parents=True)
        free = shutil.disk_usage(self.directory).free
        if needed > free:
            raise OSError(f"it needs {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free")

    def _write_arrays(self, unfinished: Path, arrays: dict[str, Any]) -> None:
        _raise(from_any(None if unfinished.is_dir() else f"{unfinished} is not there for every process: share --out"))
        self._orbax.save(unfinished / "state", args=ocp.args.StandardSave(arrays))

    def _finish(self, step: int, unfinished: Path, position: dict[str, Any]) -> None:
        run = {"identity": self._identity, "position": position, "code": self._code, "files": hashes(unfinished)}
        write_run(unfinished, run)
        final = self.directory / str(step)
        if final.exists():
            shutil.rmtree(final)
        unfinished.rename(final)

    def _read_state(self, folder: Path, like: Any) -> Any:
        shapes = {name: _shape(leaf) for name, leaf in _named(like).items()}
        saved: dict[str, Any] = self._orbax.metadata(folder / "state").item_metadata.tree  # type: ignore[union-attr]
        other = sorted(
            name
            for name in saved.keys() | shapes.keys()
            if name not in saved or name not in shapes or tuple(saved[name].shape) != shapes[name].shape
        )
        if other:
            raise UserError(
                f"The checkpoint in {folder} has other arrays than the run: {', '.join(other[:3])}"
                f"{f' and {len(other) - 3} more' if len(other) > 3 else ''}. Choose another --out."
            )
        arrays = self._orbax.restore(folder / "state", args=ocp.args.StandardRestore(shapes))
        return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in shapes])

    def _compare(self, run: dict[str, Any], step: int) -> None:
        """Refuse a checkpoint of another identity, unless told not to; say where other code wrote it."""
        saved, mine = _flat(run["identity"]), _flat(self._identity)
        names = sorted(name for name in saved.keys() | mine.keys() if saved.get(name) != mine.get(name))
        changes = ", ".join(f"{name} was {saved.get(name)} and is {mine.get(name)}" for name in names)
        if names and not self._accept_changes:
            raise UserError(
                f"The checkpoint of step {step} in {self.directory} is of another run: {changes}. "
                "Go on with what it was, choose another --out, or accept it with --accept-changes."
            )
        if names:
            self._say(f"From step {step} on, the run is another: {changes}.")
        if run["code"] != self._code:
            self._say(f"The checkpoint of step {step} was written by codegem {run['code']}, and this is {self._code}.")

    def _remove_unfinished(self) -> None:
        for path in self.directory.glob(f"*{_UNFINISHED}"):
            shutil.rmtree(path, ignore_errors=True)


def _failure(work: Callable[[], None]) -> str | None:
    """Do it, or say why it could not be done."""
    try:
        work()
    except Exception as error:
        return _why(error)
    return None


def _raise(failure: str | None) -> None:
    if failure:
        raise UserError(failure)


def _named(state: Any) -> dict[str, Any]:
    """Arrays by their path in the state: {"model.blocks.0.attention.q.weight": …}."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _shape(leaf: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _why(error: Exception) -> str:
    """The system's own words where it has them, else the first line of the error."""
    text = str(error)
    if any(mark in text for mark in ("No space left", "ENOSPC", "RESOURCE_EXHAUSTED")):
        return "no space left on the disk"
    return (getattr(error, "strerror", None) or text or type(error).__name__).splitlines()[0][:160]
