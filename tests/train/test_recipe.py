import dataclasses

import pytest

from codegem.errors import UsageError
from codegem.train.recipe import TrainRecipe

from .runs import RECIPE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"batch_size": 5}, "batch_size 5 is not a multiple of micro_batch 2"),
        ({"warmup_steps": 12}, "warmup_steps is 12; it must be between 0 and steps - 1 = 11"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
        ({"bad_steps": 0}, "bad_steps is 0; it must be at least 1"),
        ({"decay_share": 0.0}, "decay_share is 0.0; it must be above 0"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused(change, words):
    with pytest.raises(UsageError, match=words):
        dataclasses.replace(RECIPE, **change)


def test_what_a_run_must_go_on_with_leaves_out_how_it_is_computed_and_looked_at():
    fixed = RECIPE.fixed()
    assert fixed["learning_rate"] == RECIPE.learning_rate and fixed["model"]["d_model"] == RECIPE.model.d_model
    assert set(fixed) | set(TrainRecipe.FREE) == {field.name for field in dataclasses.fields(TrainRecipe)}
    assert not set(fixed) & set(TrainRecipe.FREE)
