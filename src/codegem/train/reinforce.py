"""Reinforcement on verifiable rewards: group relative policy optimization (GRPO, Shao et al., arXiv 2402.03300).

A round draws a group of answers to each of some questions, judges them (`rewards`), and takes an answer's advantage
from its own group: its reward less the group's mean, over the group's standard deviation. With π the model that is
trained, π_old the one that drew and π₀ the one that the run begins with, the loss of a token is

    -min(r·A, clip(r, 1 - ε, 1 + ε)·A) + β·(π₀/π - ln(π₀/π) - 1),    r = π/π_old

averaged over the tokens of an answer, then over the answers. The engine draws with other roundings than training has,
so π_old is computed anew by training's own program.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from codegem.data.fim_sampling import generator
from codegem.errors import UsageError
from codegem.model.transformer import Transformer
from codegem.train.logprobs import token_logprobs
from codegem.train.recipe import TrainRecipe


@dataclass(frozen=True)
class RewardRules:
    """What reinforcement does besides the recipe, whose batch is the answers of a round.

    Attributes:
        group: answers to one question.
        max_tokens: of an answer; one that is longer has no reward.
        updates: steps on the answers of a round.
        clip: ε; how far a token's probability may move on the answers of a round before it is left alone.
        kl: β; how dear it is to leave the model that the run begins with. The paper has 0.04.
    """

    group: int = 8
    max_tokens: int = 128
    updates: int = 1
    clip: float = 0.2
    kl: float = 0.04

    def __post_init__(self):
        if self.group < 2:
            raise UsageError(f"group is {self.group}; an answer needs others to be compared with, so at least 2.")
        if self.max_tokens < 1 or self.updates < 1:
            raise UsageError(f"max_tokens is {self.max_tokens} and updates {self.updates}; both must be at least 1.")
        if not 0 < self.clip < 1 or self.kl < 0:
            raise UsageError(f"clip is {self.clip} and kl {self.kl}; clip is between 0 and 1, and kl at least 0.")

    def check(self, recipe: TrainRecipe) -> None:
        """Raises UsageError where the rules don't go with a recipe."""
        if recipe.batch_size % self.group:
            raise UsageError(
                f"batch_size {recipe.batch_size} is not a multiple of group {self.group}; choose one that is."
            )
        if recipe.steps % self.updates:
            raise UsageError(f"steps {recipe.steps} is not a multiple of updates {self.updates}; choose one that is.")


@dataclass(frozen=True)
class GroupLoss:
    """GRPO's objective; a row is an answer.

    Of a batch it takes what `turns.answer_row` gives, the `loss_weights` [B, A] of an answer's tokens summing to 1 over
    it; `advantages` [B]; `old` and `reference` [B, A], the log-probabilities by π_old and π₀.
    """

    clip: float
    kl: float

    def __call__(
        self, model: Transformer, batch: Mapping[str, Any], recipe: TrainRecipe
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The weighted loss; with the same weights the estimate of KL(π, π₀), and the share of tokens clipped."""
        weights, advantages = batch["loss_weights"], batch["advantages"][:, None]
        said = token_logprobs(model, batch, recipe)
        # Outside the answers nothing counts, and exp could be infinite there.
        ratio = jnp.exp(jnp.where(weights > 0, said - batch["old"], 0.0))
        away = jnp.where(weights > 0, batch["reference"] - said, 0.0)
        free = ratio * advantages
        gain = jnp.minimum(free, jnp.clip(ratio, 1 - self.clip, 1 + self.clip) * advantages)
        kl = jnp.exp(away) - away - 1
        told = {"kl": jnp.sum(weights * kl), "clipped": jnp.sum(weights * (gain < free))}
        return jnp.sum(weights * (self.kl * kl - gain)), told


def advantages(rewards: Sequence[float | None], group: int) -> np.ndarray:
    """Of the answers of some groups, one group behind the other; 0 where nothing is known, or all are alike.

    >>> advantages([1.0, 0.0, None, 1.0, 1.0, 1.0], 3).tolist()
    [1.0, -1.0, 0.0, 0.0, 0.0, 0.0]
    """
    found = np.zeros(len(rewards), np.float32)
    for start in range(0, len(rewards), group):
        known = {
            place: reward for place, reward in enumerate(rewards[start : start + group], start) if reward is not None
        }
        spread = statistics.pstdev(known.values()) if known else 0.0
        if spread > 0:
            mean = statistics.fmean(known.values())
            for place, reward in known.items():
                found[place] = (reward - mean) / spread
    return found


def drawn_tasks(count: int, wanted: int, seed: int, number: int) -> list[int]:
    """Places of the `wanted` tasks of a round among `count`: every task once, then every one again in another order.

    >>> sorted(drawn_tasks(4, 2, seed=0, number=0) + drawn_tasks(4, 2, seed=0, number=1))
    [0, 1, 2, 3]
    """
    places = range(number * wanted, (number + 1) * wanted)
    orders = {}
    for epoch in {place // count for place in places}:
        orders[epoch] = generator(seed, "tasks", epoch).sample(range(count), count)
    return [orders[place // count][place % count] for place in places]


def draw_seeds(count: int, seed: int, number: int) -> list[int]:
    """A seed for each answer of a round."""
    draw = generator(seed, "rollouts", number)
    return [draw.randrange(1 << 31) for _ in range(count)]
