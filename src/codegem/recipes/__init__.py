"""Whole recipes, each read from top to bottom: what data, what model, what training."""

from codegem.errors import UsageError
from codegem.recipes.codegemma_2b import CODEGEMMA_2B, CODEGEMMA_2B_1_1
from codegem.recipes.codegemma_7b import CODEGEMMA_7B
from codegem.recipes.nano import NANO, NANO_GPU, NANO_INFILL
from codegem.recipes.recipe import Recipe

RECIPES = {
    "nano": NANO,
    "nano-infill": NANO_INFILL,
    "nano-gpu": NANO_GPU,
    "codegemma-2b": CODEGEMMA_2B,
    "codegemma-2b-1.1": CODEGEMMA_2B_1_1,
    "codegemma-7b": CODEGEMMA_7B,
}


def find(name: str) -> Recipe:
    """A recipe by its name.

    Raises:
        UsageError: there is none.
    """
    if name not in RECIPES:
        raise UsageError(f"There is no recipe {name!r}; the recipes are {', '.join(RECIPES)}.")
    return RECIPES[name]
