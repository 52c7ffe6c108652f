"""The arithmetic of one optimizer step, and of validation."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from codegem.model.transformer import Transformer, cast
from codegem.train.cross_entropy import cross_entropy
from codegem.train.optimizer import learning_rate, optimizer
from codegem.train.recipe import TrainRecipe

Batch = Mapping[str, Any]  # `batches.Batch`, or its arrays on the device


class TrainState(NamedTuple):
    """What a step changes."""

    model: Transformer
    optimizer: optax.OptState
    step: Int[Array, ""]


class StepMetrics(NamedTuple):
    """What a step tells; `tokens` is the number of targets that the mean loss is over."""

    loss: Float[Array, ""]
    grad_norm: Float[Array, ""]
    learning_rate: Float[Array, ""]
    tokens: Float[Array, ""]


def init_state(recipe: TrainRecipe, start: Transformer | None = None) -> TrainState:
    """The weights to start from, random ones by default, in float32; an optimizer that has seen nothing."""

    @jax.jit
    def build(model: Transformer) -> TrainState:
        model = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), model)
        return TrainState(model, optimizer(recipe).init(model), jnp.zeros((), jnp.int32))  # type: ignore[arg-type]

    return build(
        jax.jit(Transformer.init, static_argnums=0)(recipe.model, jax.random.key(recipe.seed))
        if start is None
        else start
    )


def loss_sum(model: Transformer, batch: Batch, dtype: DTypeLike) -> Float[Array, ""]:
    """Cross entropy of the targets in nats, each times its loss weight, summed."""
    model = cast(model, dtype)
    hidden = model.hidden(batch["tokens"], positions=batch["positions"], segment_ids=batch["segment_ids"])
    rows = hidden.reshape(-1, hidden.shape[-1])
    return cross_entropy(rows, model.embedding, batch["targets"].reshape(-1), batch["loss_weights"].reshape(-1))


def gradients(model: Transformer, batch: Batch, micro_batch: int, dtype: DTypeLike) -> tuple[Array, Transformer, Array]:
    """Mean loss over the targets of a batch, its float32 gradients, and the number of targets.

    The batch is taken in slices of `micro_batch` rows. Weights are divided by the count of the whole
    batch, so that every target weighs the same whatever slice it is in.
    """
    count = jnp.sum(batch["loss_weights"])
    batch = {**batch, "loss_weights": batch["loss_weights"] / jnp.maximum(count, 1.0)}
    slices = jax.tree.map(lambda x: x.reshape(-1, micro_batch, *x.shape[1:]), batch)

    def add(total: tuple[Array, Transformer], part: Batch) -> tuple[tuple[Array, Transformer], None]:
        new = jax.value_and_grad(loss_sum)(model, part, dtype)
        return jax.tree.map(jnp.add, total, new), None

    nothing = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, model))
    (loss, grads), _ = jax.lax.scan(add, nothing, slices)
    return loss, grads, count


@cache
def make_step(recipe: TrainRecipe) -> Callable[[TrainState, Batch], tuple[TrainState, StepMetrics]]:
    """The compiled step of a recipe. It takes the state over (donated): use the one that it returns."""
    schedule, update = learning_rate(recipe), optimizer(recipe)

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, StepMetrics]:
        loss, grads, count = gradients(state.model, batch, recipe.micro_batch, recipe.dtype)
        changes, moments = update.update(grads, state.optimizer, state.model)  # type: ignore[arg-type]
        model = optax.apply_updates(state.model, changes)  # type: ignore[arg-type]
        metrics = StepMetrics(loss, optax.tree.norm(grads), jnp.asarray(schedule(state.step)), count)
        return TrainState(model, moments, state.step + 1), metrics  # type: ignore[arg-type]

    return jax.jit(step, donate_argnums=0)


@cache
def make_evaluation(recipe: TrainRecipe) -> Callable[[Transformer, Batch], tuple[Array, Array]]:
    """The compiled sum of losses over a batch, and the number of its targets."""

    def evaluate(model: Transformer, batch: Batch) -> tuple[Array, Array]:
        return loss_sum(model, batch, recipe.dtype), jnp.sum(batch["loss_weights"])

    return jax.jit(evaluate)
