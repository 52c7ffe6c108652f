"""What the recipes say, held against what is published (arXiv 2406.11409 and the model card)."""

import pytest

from codegem.errors import UsageError
from codegem.recipes import RECIPES, find
from codegem.text.languages import CODE, GROUPS


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be(name: str):
    recipe = find(name)
    recipe.data.check()
    assert recipe.data.vocab_size == recipe.train.model.vocab_size
    assert recipe.data.context_length <= recipe.train.model.context_length


@pytest.mark.parametrize(
    ("name", "rate", "tokens"),
    [("codegemma-2b", 0.8, 500e9), ("codegemma-2b-1.1", 0.9, 1000e9), ("codegemma-7b", 0.8, 500e9)],
)
def test_the_published_figures(name: str, rate: float, tokens: float):
    data, train = find(name).data, find(name).train
    assert (data.context_length, data.order, data.fim.suffix_start) == (8192, "dependency", "syntax")
    assert (data.fim.rate, data.fim.psm_share) == (rate, 0.5)
    assert train.steps * train.batch_size * 8192 == pytest.approx(tokens, rel=0.001)


def test_the_mixtures():
    assert find("codegemma-2b").data.mixture == () and set(find("codegemma-2b").data.filters.languages) == set(CODE)
    mixture = dict(find("codegemma-7b").data.mixture)
    assert set(mixture) == set(GROUPS) and mixture["code"] == 0.8 and sum(mixture.values()) == pytest.approx(1)


def test_a_recipe_that_is_not_there():
    with pytest.raises(UsageError, match=r"no recipe 'nona'; the recipes are nano, .*codegemma-7b"):
        find("nona")
