"""Whole recipes, each read from top to bottom: what data, what model, what training."""

from codegem.errors import UsageError
from codegem.recipes.nano import NANO, NANO_INFILL
from codegem.recipes.recipe import Recipe

RECIPES = {"nano": NANO, "nano-infill": NANO_INFILL}


def find(name: str) -> Recipe:
    """A recipe by its name.

    Raises:
        UsageError: there is none.
    """
    if name not in RECIPES:
        raise UsageError(f"There is no recipe {name!r}; the recipes are {', '.join(RECIPES)}.")
    return RECIPES[name]
