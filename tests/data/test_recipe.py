"""Values that a recipe can't have."""

from dataclasses import replace

import pytest

from codegem.data.filters import FilterRules
from codegem.data.fim_sampling import FimRules
from codegem.data.recipe import DataRecipe
from codegem.errors import UserError


def test_the_default_recipe_can_be():
    DataRecipe().check()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"context_length": 16}, "16 tokens is too short: at least 64"),
        ({"fim": FimRules(rate=1.1)}, "fim.rate is a share between 0 and 1, and not 1.1"),
        ({"fim": FimRules(psm_share=-1)}, "fim.psm_share"),
        ({"fim": FimRules(max_lines=0)}, "at least 1, and not 0"),
        ({"validation_share": 2.0}, "validation_share"),
        ({"order": "dependency"}, "choose one of alphabetical, random"),
        ({"filters": FilterRules(languages=("cobol",))}, "no language 'cobol': choose from python"),
    ],
)
def test_a_value_that_cannot_be_is_told(change: dict, words: str):
    with pytest.raises(UserError, match=words):
        replace(DataRecipe(), **change).check()
