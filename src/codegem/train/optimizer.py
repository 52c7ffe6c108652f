"""AdamW with clipping, linear warm-up and a cosine."""

import jax
import optax

from codegem.train.recipe import TrainRecipe


def learning_rate(recipe: TrainRecipe) -> optax.Schedule:
    """The learning rate of step 0, 1, …: a line up to `learning_rate`, then half a cosine down."""
    return optax.warmup_cosine_decay_schedule(
        init_value=recipe.learning_rate / (recipe.warmup_steps + 1),
        peak_value=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        decay_steps=recipe.steps,
        end_value=recipe.learning_rate * recipe.final_learning_rate_share,
    )


def optimizer(recipe: TrainRecipe) -> optax.GradientTransformation:
    """AdamW (arXiv 1711.05101) on gradients clipped by their global norm; only matrices decay."""
    return optax.chain(
        optax.clip_by_global_norm(recipe.clip_norm),
        optax.adamw(
            learning_rate(recipe),
            b1=recipe.beta1,
            b2=recipe.beta2,
            weight_decay=recipe.weight_decay,
            mask=lambda parameters: jax.tree.map(lambda leaf: leaf.ndim > 1, parameters),
        ),
    )
