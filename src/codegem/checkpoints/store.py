"""Training state on disk, so that a run which was stopped goes on as if it had not been.

    DIRECTORY/STEP/state/     the arrays by name, written by Orbax
    DIRECTORY/STEP/run.json   identity   what the run is: recipe, hash of the data, hash of the tokenizer
                              position   where it is: step, tokens seen, state of the data iterator
                              files      SHA-256 of each file of state/
                              sha256     of the three values above, as JSON with sorted keys

A checkpoint gets its name when it is whole, and the last two are kept.
"""

import gc
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from codegem.checkpoints.orbax_arrays import quiet
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
        say: called with a sentence when a damaged checkpoint is passed over.
    """

    def __init__(self, directory: Path, identity: dict[str, Any], say: Callable[[str], None]):
        self._directory = directory.resolve()
        self._identity, self._say = identity, say
        self._orbax = ocp.Checkpointer(ocp.StandardCheckpointHandler())

    def save(self, step: int, state: Any, position: dict[str, Any]) -> None:
        """Write a checkpoint, then remove all but the last two.

        Raises:
            UserError: it could not be written; the checkpoints before it are as they were.
        """
        with quiet():
            failure = self._write(step, _named(state), position)
            if failure:
                gc.collect()  # what a failed write leaves behind complains when it is collected: now, quietly
        if failure:
            raise UserError(f"The checkpoint of step {step} could not be written to {self._directory}: {failure}.")
        for old in self.steps()[:-_KEPT]:
            shutil.rmtree(self._directory / str(old), ignore_errors=True)

    def restore(self, like: Any) -> Restored | None:
        """The last checkpoint that is whole, or None where there is none yet.

        Args:
            like: a state of the same structure, whose arrays say shapes, dtypes and placement.

        Raises:
            UserError: the checkpoint is of another identity, or every one is damaged.
        """
        self._remove_unfinished()
        steps = self.steps()
        for step in reversed(steps):
            try:
                run = _read_run(self._directory / str(step))
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._say(f"The checkpoint of step {step} is damaged ({_why(error)}); the one before it is used.")
                continue
            self._refuse_other(run["identity"], step)
            for damaged in steps[steps.index(step) + 1 :]:  # the run will reach them again
                shutil.rmtree(self._directory / str(damaged))
            return Restored(self._read_state(step, like), run["position"])
        if steps:
            raise UserError(
                f"Every checkpoint in {self._directory} is damaged: remove that folder to start again from step 0."
            )
        return None

    def steps(self) -> list[int]:
        """Steps of the checkpoints that were finished, in their order."""
        return sorted(int(path.name) for path in self._directory.glob("*") if path.name.isdecimal())

    def _write(self, step: int, arrays: dict[str, Any], position: dict[str, Any]) -> str | None:
        """Write one checkpoint, or say why not. A full disk reaches us as ValueError, OSError or XlaRuntimeError."""
        final, unfinished = self._directory / str(step), self._directory / f"{step}{_UNFINISHED}"
        try:
            self._remove_unfinished()
            unfinished.mkdir(parents=True)
            needed, free = sum(array.nbytes for array in arrays.values()), shutil.disk_usage(self._directory).free
            if needed > free:
                return f"it needs {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free"
            self._orbax.save(unfinished / "state", args=ocp.args.StandardSave(arrays))
            _write_run(unfinished, {"identity": self._identity, "position": position, "files": _hashes(unfinished)})
            if final.exists():
                shutil.rmtree(final)
            unfinished.rename(final)
        except Exception as error:
            return _why(error)
        finally:
            self._remove_unfinished()
        return None

    def _read_state(self, step: int, like: Any) -> Any:
        shapes = {name: _shape(leaf) for name, leaf in _named(like).items()}
        arrays = self._orbax.restore(self._directory / str(step) / "state", args=ocp.args.StandardRestore(shapes))
        return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in shapes])

    def _refuse_other(self, identity: dict[str, Any], step: int) -> None:
        saved, mine = _flat(identity), _flat(self._identity)
        names = sorted(name for name in saved.keys() | mine.keys() if saved.get(name) != mine.get(name))
        if names:
            changes = ", ".join(f"{name} was {saved.get(name)} and is {mine.get(name)}" for name in names)
            raise UserError(
                f"The checkpoint of step {step} in {self._directory} is of another run: {changes}. "
                "Go on with what it was, or choose another --out."
            )

    def _remove_unfinished(self) -> None:
        for path in self._directory.glob(f"*{_UNFINISHED}"):
            shutil.rmtree(path, ignore_errors=True)


def _write_run(folder: Path, run: dict[str, Any]) -> None:
    with (folder / "run.json").open("w", encoding="utf-8") as file:
        json.dump({**run, "sha256": _seal(run)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _read_run(folder: Path) -> dict[str, Any]:
    """The values of run.json, once the whole checkpoint is seen to be as it was written."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if run.pop("sha256") != _seal(run):
        raise ValueError("run.json has changed")
    found = _hashes(folder)
    for name, digest in run["files"].items():
        if found.get(name) != digest:
            raise ValueError(f"{name} has changed" if name in found else f"{name} is missing")
    return run


def _seal(run: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of the state."""
    hashes = {}
    for path in sorted((folder / "state").rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                hashes[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


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
