"""The checkpoints of a run: when one is written, when not, and what is said about it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree

from codegem.checkpoints.store import Restored, Store
from codegem.errors import UserError
from codegem.train.distributed import any_process


class Checkpoints:
    """Saves a run's state where it is sound.

    Args:
        store: where the checkpoints lie.
        say: called with a sentence when a checkpoint on the way could not be written.
    """

    def __init__(self, store: Store, say: Callable[[str], None]):
        self._store, self._say = store, say
        self.saved: int | None = None  # the step of the last one

    def resume(self, like: PyTree) -> Restored | None:
        """The last checkpoint that is whole, or None where there is none."""
        restored = self._store.restore(like)
        if restored is not None:
            self.saved = restored.position["step"]
            self._say(f"Going on from the checkpoint of step {self.saved}.")
        return restored

    def save(self, step: int, state: PyTree, position: dict[str, Any], sync: Callable[[], None], way_out: str) -> None:
        """Write a checkpoint.

        Args:
            position: where the run is.
            sync: brings to the disk what a checkpoint must not be ahead of; OSError where it can't.
            way_out: how to go on, in a sentence, where the checkpoint can't be written.

        Raises:
            UserError: it could not be written; those before it are as they were.
        """
        if not all_finite(state):
            raise UserError(
                f"After step {step} some weights are not finite, and no checkpoint is written of them. {self.last()}"
            )
        try:
            _bring(sync)
            self._store.save(step, state, position)
        except UserError as error:
            raise UserError(f"{error} Of the checkpoints, {self._kept()}. {way_out}") from error
        self.saved = step

    def save_or_say(self, step: int, state: PyTree, position: dict[str, Any], sync: Callable[[], None]) -> None:
        """A checkpoint on the way: where it can't be written the run goes on, and tries again at the next."""
        try:
            self.save(step, state, position, sync, "The run goes on; make room before it is time for the next.")
        except UserError as error:
            self._say(str(error))

    def last(self) -> str:
        """A sentence that names the last checkpoint."""
        if self.saved is None:
            return "There is no checkpoint before it."
        return f"The last good checkpoint is that of step {self.saved}, in {self._store.directory / str(self.saved)}."

    def _kept(self) -> str:
        return "there is none before it" if self.saved is None else f"the one of step {self.saved} is kept"


def all_finite(tree: PyTree) -> bool:
    """Whether no number of a tree of arrays is infinite or not a number.

    >>> all_finite({"a": jnp.ones(2), "step": jnp.zeros((), jnp.int32)}), all_finite([jnp.log(jnp.zeros(1))])
    (True, False)
    """
    return bool(_finite(tree))


@jax.jit
def _finite(tree: PyTree) -> Bool[Array, ""]:
    numbers = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in numbers] or [jnp.array(True)]))


def _bring(sync: Callable[[], None]) -> None:
    """Call `sync`; where it fails for one process of a run, all of them write no checkpoint."""
    failure = None
    try:
        sync()
    except OSError as error:
        failure = f": {error.strerror}"
    if any_process(failure is not None):
        raise UserError(f"The metrics could not be brought to the disk{failure or ''}.")
