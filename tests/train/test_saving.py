import errno
import os

import jax.numpy as jnp
import pytest

from codegem.errors import UserError
from codegem.train.saving import Checkpoints, all_finite


class Kept:
    """A store that keeps what it is given, unless the disk is full."""

    def __init__(self, directory):
        self.directory, self.steps, self.full = directory, [], False

    def save(self, step, state, position):
        if self.full:
            raise UserError(f"The checkpoint of step {step} could not be written.")
        self.steps.append(step)


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


GOOD, BAD = {"a": jnp.ones(3)}, {"a": jnp.ones(3), "b": jnp.array([1.0, jnp.inf])}


def test_weights_that_are_not_finite_are_never_saved(kept):
    checkpoints = Checkpoints(kept, print)
    with pytest.raises(
        UserError, match=r"After step 1 some weights are not finite.*There is no checkpoint before it\."
    ):
        checkpoints.save(1, BAD, {}, lambda: None, "")
    checkpoints.save(2, GOOD, {}, lambda: None, "")
    with pytest.raises(UserError, match=rf"The last good checkpoint is that of step 2, in {kept.directory / '2'}\."):
        checkpoints.save(3, BAD, {}, lambda: None, "")
    assert (kept.steps, checkpoints.saved) == ([2], 2)


def test_on_the_way_a_full_disk_is_said_and_at_the_end_it_is_an_error(kept):
    said = []
    checkpoints = Checkpoints(kept, said.append)
    checkpoints.save_or_say(1, GOOD, {}, lambda: None)
    kept.full = True
    checkpoints.save_or_say(2, GOOD, {}, lambda: None)
    (sentence,) = said
    assert "step 2 could not be written. Of the checkpoints, the one of step 1 is kept. The run goes on" in sentence
    with pytest.raises(UserError, match=r"the one of step 1 is kept\. Make room"):
        checkpoints.save(3, GOOD, {}, lambda: None, "Make room.")
    assert checkpoints.saved == 1


def test_a_checkpoint_is_never_ahead_of_the_metrics(kept):
    def sync():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"metrics could not be brought to the disk: No space left on device\."):
        Checkpoints(kept, print).save(1, GOOD, {}, sync, "")
    assert kept.steps == []


def test_whole_numbers_are_finite():
    assert all_finite({"step": jnp.zeros((), jnp.int32)})
    assert not all_finite({"step": jnp.zeros((), jnp.int32), "a": jnp.array(jnp.nan)})
