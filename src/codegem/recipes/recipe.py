"""A recipe: everything between a folder of repositories and a model."""

from dataclasses import dataclass

from codegem.data.recipe import DataRecipe
from codegem.train.recipe import TrainRecipe


@dataclass(frozen=True)
class Recipe:
    """One value that `codegem data build` and `codegem train` read."""

    data: DataRecipe
    train: TrainRecipe
