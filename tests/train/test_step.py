import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from codegem.model.transformer import Transformer
from codegem.train.batches import validation_batches
from codegem.train.step import NEXT_TOKEN, gradients, init_state, make_evaluation, make_step

from .runs import MODEL, RECIPE, examples

FLOAT32 = dataclasses.replace(RECIPE, dtype="float32")


@pytest.fixture
def batch():
    values = next(validation_batches(examples(4, seed=3), 4, limit=4))
    values["loss_weights"][1, 3:] = 0  # slices of unequal weight
    return {name: jnp.asarray(value) for name, value in values.items()}


def plain_loss(model, batch):
    logits = model(batch["tokens"], positions=batch["positions"], segment_ids=batch["segment_ids"])
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, batch["targets"])
    return jnp.sum(losses * batch["loss_weights"]) / jnp.sum(batch["loss_weights"])


@pytest.mark.parametrize("micro_batch", [1, 4])
def test_slices_give_the_mean_over_the_targets_of_the_whole_batch(batch, micro_batch):
    model = Transformer.init(MODEL, jax.random.key(0))

    def loss_of(model, part):
        return NEXT_TOKEN(model, part, FLOAT32)

    loss, extras, grads, count = jax.jit(lambda model: gradients(loss_of, model, batch, micro_batch))(model)
    assert extras == {}
    want, want_grads = jax.jit(jax.value_and_grad(plain_loss))(model, batch)
    assert float(count) == batch["loss_weights"].sum()
    np.testing.assert_allclose(loss, want, rtol=1e-5)
    for got, wanted in zip(jax.tree.leaves(grads), jax.tree.leaves(want_grads), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_targets_that_do_not_count_change_nothing(batch):
    state = init_state(FLOAT32)
    other = batch | {"targets": jnp.where(batch["loss_weights"] > 0, batch["targets"], 77)}
    losses = [make_evaluation(FLOAT32)(state.model, part)[0] for part in (batch, other)]
    assert float(losses[0]) == float(losses[1])


def test_weights_and_moments_stay_float32_under_bfloat16_arithmetic(batch):
    state, metrics = make_step(RECIPE)(init_state(RECIPE), batch)
    kinds = {leaf.dtype for leaf in jax.tree.leaves(state)}
    assert kinds == {jnp.dtype(jnp.float32), jnp.dtype(jnp.int32)}
    total, count, _ = make_evaluation(FLOAT32)(init_state(RECIPE).model, batch)
    assert float(metrics.loss) == pytest.approx(float(total / count), rel=0.01)


def test_the_step_compiles_once_and_takes_its_state_over(batch):
    step = make_step(RECIPE)
    first = init_state(RECIPE)
    state, metrics = step(first, batch)
    programs = step._cache_size()
    for _ in range(2):
        state, metrics = step(state, batch)
    assert step._cache_size() == programs
    assert first.model.embedding.is_deleted()
    assert int(state.step) == 3
    assert float(metrics.learning_rate) == pytest.approx(RECIPE.learning_rate)


def test_an_untrained_model_is_near_the_uniform_loss_and_learns(batch):
    state, step = init_state(RECIPE), make_step(RECIPE)
    losses = []
    for _ in range(10):
        state, metrics = step(state, batch)
        losses.append(float(metrics.loss))
    assert losses[0] == pytest.approx(math.log(MODEL.vocab_size), abs=0.2)
    assert losses[-1] < losses[0] - 1.0


def test_the_logits_never_stand_whole():
    model = dataclasses.replace(MODEL, vocab_size=4096, context_length=1024)
    recipe = dataclasses.replace(RECIPE, model=model, batch_size=4, micro_batch=4)
    kinds = {
        "tokens": "int32",
        "targets": "int32",
        "positions": "int32",
        "segment_ids": "int32",
        "loss_weights": "float32",
    }
    shapes = {name: jax.ShapeDtypeStruct((4, 1024), kind) for name, kind in kinds.items()}
    state = jax.eval_shape(lambda: init_state(recipe))
    memory = make_step(recipe).lower(state, shapes).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 4 * 1024 * 4096 * 4


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(batch):
    step, state = make_step(RECIPE), init_state(RECIPE)
    state, _ = step(state, batch)
    before = jax.device_get((state.model, state.optimizer))
    spoilt = batch | {"loss_weights": batch["loss_weights"].at[0, 0].set(jnp.nan)}
    state, metrics = step(state, spoilt)
    jax.tree.map(np.testing.assert_array_equal, jax.device_get((state.model, state.optimizer)), before)
    assert not math.isfinite(float(metrics.loss))
    assert (int(state.step), int(state.skipped), int(metrics.skipped)) == (2, 1, 1)
    state, metrics = step(state, batch)
    assert (int(state.step), int(metrics.skipped)) == (3, 1)
    assert float(metrics.learning_rate) == pytest.approx(RECIPE.learning_rate * 2 / 3)  # of the second good step
    assert not np.array_equal(state.model.embedding, before[0].embedding)


@dataclasses.dataclass(frozen=True)
class Weighted:
    """Pairs of rows, judged by what their hidden states sum to; tells how many pairs there were."""

    def __call__(self, model, batch, recipe):
        pairs = batch["tokens"]
        hidden = model.hidden(pairs.reshape(-1, pairs.shape[-1])).reshape(*pairs.shape, -1)
        found = jnp.sum(hidden.astype(jnp.float32), axis=(1, 2, 3)) ** 2
        return jnp.sum(found * batch["loss_weights"]), {"share": jnp.sum(batch["loss_weights"])}


def test_another_objective_trains_a_part_of_the_model_and_leaves_the_rest():
    """Rows may be pairs; what is trained is joined to what is frozen; weights are divided by their sum."""
    base = Transformer.init(MODEL, jax.random.key(0))
    pairs = {"tokens": np.arange(48, dtype=np.int32).reshape(4, 2, 6), "loss_weights": np.array([1, 2, 0, 5.0], "f")}

    def join(trained, frozen):
        return dataclasses.replace(frozen, final_norm=dataclasses.replace(frozen.final_norm, scale=trained["scale"]))

    step = make_step(FLOAT32, Weighted(), join)
    state, metrics = step(init_state(FLOAT32, {"scale": base.final_norm.scale}), pairs, base)
    losses, total, extras = make_evaluation(FLOAT32, Weighted(), join)({"scale": base.final_norm.scale}, pairs, base)
    assert float(metrics.loss) == pytest.approx(float(losses / total), rel=1e-5)
    assert float(metrics.extras["share"]) == pytest.approx(1)
    assert float(extras["share"]) == float(metrics.tokens) == 8
    assert jax.tree.leaves(state.model)[0].shape == (MODEL.d_model,)
    assert np.any(state.model["scale"] != base.final_norm.scale)
