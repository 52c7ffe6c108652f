"""Values that a recipe can't have."""

from dataclasses import replace

import pytest

from codegem.data.decontamination import ContaminationRules
from codegem.data.duplicates.near_duplicates import DedupRules
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
        ({"order": "newest"}, "choose one of dependency, alphabetical, random, none"),
        ({"fim": FimRules(middle="words")}, "fim.middle is one of characters, nodes, lines, random"),
        ({"fim": FimRules(suffix_start="word")}, "fim.suffix_start is one of"),
        ({"fim": FimRules(max_length=0)}, "fim.max_length is at least 1, and not 0"),
        ({"fim": FimRules(ends=("word",))}, "fim.ends are some of expression"),
        ({"mixture": (("cobol", 1.0),)}, "no class 'cobol'"),
        ({"dedup": DedupRules(threshold=2.0)}, "threshold of 2.0"),
        ({"contamination": ContaminationRules(words=3)}, "min_words is 8"),
        ({"filters": FilterRules(languages=("cobol",))}, "no language 'cobol': choose from python"),
    ],
)
def test_a_value_that_cannot_be_is_told(change: dict, words: str):
    with pytest.raises(UserError, match=words):
        replace(DataRecipe(), **change).check()
