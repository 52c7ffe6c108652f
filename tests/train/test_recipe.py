import dataclasses

import pytest

from codegem.errors import UsageError

from .runs import RECIPE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"batch_size": 5}, "batch_size 5 is not a multiple of micro_batch 2"),
        ({"warmup_steps": 12}, "warmup_steps is 12; it must be between 0 and steps - 1 = 11"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused(change, words):
    with pytest.raises(UsageError, match=words):
        dataclasses.replace(RECIPE, **change)
