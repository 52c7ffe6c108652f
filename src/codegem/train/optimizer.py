"""What becomes of the gradients: AdamW or Muon, clipping, a learning rate that grows, and falls along a cosine or late.

AdamW keeps a mean and a mean square of every gradient. Muon keeps a mean of a matrix's gradients and turns it into
the nearest matrix whose singular values are about 1, so that no direction of the matrix learns faster than another;
the embedding, norms and whatever else is no matrix of a layer stay with AdamW, as its authors say.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.tree_util import GetAttrKey, KeyPath
from jaxtyping import Array, Float

from codegem.kernels import training_ops
from codegem.model.sharding import on_one_cpu
from codegem.train.recipe import TrainRecipe

_MOMENTUM = 0.95
# Five steps of a quintic whose slope at 0 is as steep as may be; singular values end between 0.7 and 1.2.
_QUINTIC, _STEPS = (3.4445, -4.7750, 2.0315), 5


def learning_rate(recipe: TrainRecipe) -> optax.Schedule:
    """The learning rate of step 0, 1, …: a line up to `learning_rate`, then down as `schedule` says.

    "cosine" is half a cosine over all the other steps. "wsd" (warm-up, stable, decay; arXiv 2404.06395) stays, and
    falls over the last `decay_share` of the steps by 1 - sqrt (arXiv 2405.18392).
    """
    peak, last = recipe.learning_rate, recipe.learning_rate * recipe.final_learning_rate_share
    first, warmup = peak / (recipe.warmup_steps + 1), recipe.warmup_steps
    if recipe.schedule == "cosine":
        return optax.warmup_cosine_decay_schedule(first, peak, warmup, recipe.steps, last)
    falling = min(max(1, round(recipe.steps * recipe.decay_share)), recipe.steps - warmup)

    def fall(step: Any) -> Array:
        return peak - (peak - last) * jnp.sqrt(jnp.clip(step / falling, 0.0, 1.0))

    parts = [optax.linear_schedule(first, peak, warmup), optax.constant_schedule(peak), fall]
    return optax.join_schedules(parts, [warmup, recipe.steps - falling])


def optimizer(recipe: TrainRecipe) -> optax.GradientTransformation:
    """The optimizer of a recipe, on gradients clipped by their global norm; only matrices decay."""
    update = _adamw(recipe)
    if recipe.optimizer == "muon":
        update = optax.partition({"muon": _muon(recipe), "adamw": update}, _labels)
    return optax.chain(optax.clip_by_global_norm(recipe.clip_norm), update)


def orthogonal(matrix: Float[Array, "*batch out in"]) -> Float[Array, "*batch out in"]:
    """The matrix with its singular values moved close to 1, by Newton and Schulz's iteration.

    Only the directions count: the length of the input does not matter. (Keller Jordan et al., "Muon: an optimizer for
    hidden layers in neural networks", 2024.)
    """
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = jnp.matrix_transpose(matrix) if tall else matrix
    x = x / (jnp.linalg.norm(x, axis=(-2, -1), keepdims=True) + 1e-7)
    a, b, c = _QUINTIC
    for _ in range(_STEPS):
        square = x @ jnp.matrix_transpose(x)
        x = a * x + (b * square + c * square @ square) @ x
    return jnp.matrix_transpose(x) if tall else x


def _orthogonal_all(matrices: list[Array]) -> list[Array]:
    """`orthogonal` of each; on CPUs as one kernel, whose products are of bfloat16."""
    sizes = [size for matrix in matrices for size in matrix.shape]
    if on_one_cpu() and all(m.ndim == 2 for m in matrices) and training_ops.fits(matrices, *sizes, dtype=jnp.float32):
        return training_ops.orthogonal(matrices, _QUINTIC, _STEPS)
    return [orthogonal(matrix) for matrix in matrices]


def _adamw(recipe: TrainRecipe) -> optax.GradientTransformation:
    """AdamW (arXiv 1711.05101)."""
    return optax.adamw(
        learning_rate(recipe),
        b1=recipe.beta1,
        b2=recipe.beta2,
        weight_decay=recipe.weight_decay,
        mask=lambda parameters: jax.tree.map(lambda leaf: leaf.ndim > 1, parameters),
    )


def _muon(recipe: TrainRecipe) -> optax.GradientTransformation:
    """Muon with the scale that lets it share AdamW's learning rate and weight decay (arXiv 2502.16982, 0.2)."""

    def change(gradients: Any, _: Any) -> Any:
        leaves, structure = jax.tree.flatten(gradients)
        made = _orthogonal_all(leaves)
        scaled = [recipe.muon_rms * max(leaf.shape[-2:]) ** 0.5 * leaf for leaf in made]
        return jax.tree.unflatten(structure, scaled)

    return optax.chain(
        optax.trace(_MOMENTUM, nesterov=True),
        optax.stateless(change),
        optax.add_decayed_weights(recipe.weight_decay),
        optax.scale_by_learning_rate(learning_rate(recipe)),
    )


def _labels(parameters: Any) -> Any:
    """Which optimizer a weight has: Muon for matrices of layers, one by one where they are stacked."""

    def label(path: KeyPath, leaf: Array) -> str:
        embeds = any(isinstance(key, GetAttrKey) and key.name == "embedding" for key in path)
        return "adamw" if leaf.ndim < 2 or embeds else "muon"

    return jax.tree_util.tree_map_with_path(label, parameters)
