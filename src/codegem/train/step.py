"""The arithmetic of one optimizer step, and of validation, for whatever is trained on whatever objective."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PyTree

from codegem.model.sharding import by_rows, in_slices, layouts, put
from codegem.model.transformer import Transformer, cast
from codegem.train.cross_entropy import cross_entropy
from codegem.train.layout import OnMesh, abstract, run_mesh
from codegem.train.optimizer import learning_rate, optimizer
from codegem.train.recipe import TrainRecipe

Batch = Mapping[str, Any]  # `batches.Batch`, or its arrays on the device
Extras = dict[str, Float[Array, ""]]
Join = Callable[[Any, Any], Transformer]
Step = Callable[..., tuple["TrainState", "StepMetrics"]]
Evaluation = Callable[..., tuple[Array, Array, Extras]]


class TrainState(NamedTuple):
    """What a step changes.

    `model` is what is trained: a `Transformer`, or whatever `join` makes one of. `step` counts the batches that were
    taken, `skipped` those of them that changed nothing, because their loss or a gradient was not finite.
    """

    model: PyTree
    optimizer: optax.OptState
    step: Int[Array, ""]
    skipped: Int[Array, ""]


class StepMetrics(NamedTuple):
    """What a step tells.

    `tokens` is the sum of the loss weights that the mean loss is over: for text, the number of targets. `skipped` is
    that of the state after the step, and `extras` what the objective tells besides its loss.
    """

    loss: Float[Array, ""]
    grad_norm: Float[Array, ""]
    learning_rate: Float[Array, ""]
    tokens: Float[Array, ""]
    skipped: Int[Array, ""]
    extras: Extras


class Objective(Protocol):
    """What is to become small; a frozen dataclass, so that a program is compiled once for each.

    It is given some rows of a batch, a dict of arrays whose leading axis is the row. `batch["loss_weights"]`, of
    whatever shape, are divided already by their sum over the whole batch: a loss that is the weighted sum over its
    rows is the mean over the batch when the losses of its parts are added. The dict that it returns holds more such
    sums, to be told.
    """

    def __call__(self, model: Transformer, batch: Batch, recipe: TrainRecipe, /) -> tuple[Array, Extras]: ...


@dataclass(frozen=True)
class NextToken:
    """Cross entropy of the targets, in nats."""

    def __call__(self, model: Transformer, batch: Batch, recipe: TrainRecipe, /) -> tuple[Array, Extras]:
        model = cast(model, recipe.dtype)
        hidden = hidden_of(model, batch, recipe)
        rows = hidden.reshape(-1, hidden.shape[-1])
        targets, weights = batch["targets"].reshape(-1), batch["loss_weights"].reshape(-1)
        return by_rows(_cross_entropy, rows, targets, weights, summed=True, embedding=model.embedding), {}


def hidden_of(model: Transformer, batch: Batch, recipe: TrainRecipe) -> Float[Array, "B T D"]:
    """Activations behind the final norm for the tokens of a batch, kept for the backward pass as the recipe says."""
    return model.hidden(
        batch["tokens"],
        positions=batch["positions"],
        segment_ids=batch["segment_ids"],
        remat=recipe.remat,
        scan_layers=recipe.scan_layers,
    )


def _cross_entropy(rows: Array, targets: Array, weights: Array, embedding: Array) -> Array:
    return cross_entropy(rows, embedding, targets, weights)


NEXT_TOKEN = NextToken()


def init_state(recipe: TrainRecipe, trained: PyTree | None = None) -> TrainState:
    """What the training starts from, in float32, and an optimizer that has seen nothing.

    Args:
        trained: the weights to start from: a `Transformer`, or what `join` takes; default a random `Transformer`.
    """

    mesh = run_mesh(recipe.mesh)
    if mesh is None:
        return _first_state(recipe, _random_model(recipe) if trained is None else trained)
    layout = layouts(abstract_state(recipe, mesh, trained), mesh)
    if trained is None:
        return jax.jit(lambda: _first_state(recipe, _random_model(recipe)), out_shardings=layout)()
    return jax.jit(partial(_first_state, recipe), out_shardings=layout)(put(trained, mesh))


def abstract_state(recipe: TrainRecipe, mesh: Mesh, trained: PyTree | None = None) -> TrainState:
    """Shapes, dtypes and layouts of what `init_state` makes, for compiling ahead of time; nothing is computed."""
    state = jax.eval_shape(lambda: _first_state(recipe, _random_model(recipe) if trained is None else trained))
    return abstract(state, mesh)


@partial(jax.jit, static_argnums=0)
def _random_model(recipe: TrainRecipe) -> Transformer:
    return Transformer.init(recipe.model, jax.random.key(recipe.seed))


@partial(jax.jit, static_argnums=0)
def _first_state(recipe: TrainRecipe, trained: PyTree) -> TrainState:
    trained = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), trained)
    return TrainState(trained, optimizer(recipe).init(trained), jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))


def gradients(
    loss: Callable[[PyTree, Batch], tuple[Array, Extras]], trained: PyTree, batch: Batch, micro_batch: int
) -> tuple[Array, Extras, PyTree, Array]:
    """Mean loss over a batch, the means told besides, the gradients, and the sum of the loss weights.

    Each device takes its rows in slices of `micro_batch`, or as many as divide them. Weights are divided by the sum of
    the whole batch, so that every target weighs the same whatever slice it is in.
    """
    total = jnp.sum(batch["loss_weights"])
    batch = {**batch, "loss_weights": batch["loss_weights"] / jnp.maximum(total, 1.0)}
    slices = in_slices(batch, micro_batch)

    def add(sum_before: PyTree, part: Batch) -> tuple[PyTree, tuple[Array, Extras]]:
        told, new = jax.value_and_grad(loss, has_aux=True)(trained, part)
        return jax.tree.map(jnp.add, sum_before, new), told

    grads, told = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, trained), slices)
    mean, extras = jax.tree.map(lambda parts: parts.sum(axis=0), told)
    return mean, extras, grads, total


@cache
def make_step(recipe: TrainRecipe, objective: Objective = NEXT_TOKEN, join: Join | None = None) -> Step:
    """The compiled step of a recipe: step(state, batch, frozen=None) -> (state, metrics).

    It takes the state over (donated): use the one that it returns. Where the loss or a gradient is not finite,
    weights and moments stay as they were.

    Args:
        objective: hashable; default the loss of a language model.
        join: (state.model, frozen) -> the `Transformer` to be judged, where not all of it is trained; `frozen` is
            never differentiated, and may hold packed matrices.
    """
    schedule, update = learning_rate(recipe), optimizer(recipe)
    loss_of = _loss(recipe, objective, join)

    def step(state: TrainState, batch: Batch, frozen: PyTree = None) -> tuple[TrainState, StepMetrics]:
        loss, extras, grads, total = gradients(
            lambda trained, part: loss_of(trained, part, frozen), state.model, batch, recipe.micro_batch
        )
        norm = optax.tree.norm(grads)
        changes, moments = update.update(grads, state.optimizer, state.model)
        changed = optax.apply_updates(state.model, changes), moments
        good = jnp.isfinite(loss) & jnp.isfinite(norm)
        model, moments = jax.tree.map(
            lambda new, old: jnp.where(good, new, old), changed, (state.model, state.optimizer)
        )
        rate = jnp.asarray(schedule(state.step - state.skipped))  # the optimizer has counted the good ones
        skipped = state.skipped + jnp.where(good, 0, 1)
        metrics = StepMetrics(loss, norm, rate, total, skipped, extras)
        return TrainState(model, moments, state.step + 1, skipped), metrics

    return jax.jit(step, donate_argnums=0) if recipe.mesh.devices == 1 else OnMesh(step, keeps=True)


@cache
def make_evaluation(recipe: TrainRecipe, objective: Objective = NEXT_TOKEN, join: Join | None = None) -> Evaluation:
    """The compiled sums over a batch: evaluate(trained, batch, frozen=None) -> (losses, loss weights, extras)."""
    loss_of = _loss(recipe, objective, join)

    def evaluate(trained: PyTree, batch: Batch, frozen: PyTree = None) -> tuple[Array, Array, Extras]:
        loss, extras = loss_of(trained, batch, frozen)
        return loss, jnp.sum(batch["loss_weights"]), extras

    return jax.jit(evaluate) if recipe.mesh.devices == 1 else OnMesh(evaluate, keeps=False)


def _loss(
    recipe: TrainRecipe, objective: Objective, join: Join | None
) -> Callable[[PyTree, Batch, PyTree], tuple[Array, Extras]]:
    def loss(trained: PyTree, batch: Batch, frozen: PyTree) -> tuple[Array, Extras]:
        model = trained if join is None else join(trained, frozen)
        return objective(model, batch, recipe)

    return loss
