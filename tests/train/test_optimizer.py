import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from codegem.model.transformer import Transformer
from codegem.train.optimizer import learning_rate, optimizer, orthogonal

from .runs import MODEL, RECIPE


def test_the_learning_rate_grows_linearly_and_falls_along_half_a_cosine():
    recipe = dataclasses.replace(RECIPE, steps=104, warmup_steps=4, learning_rate=1.0, final_learning_rate_share=0.1)
    rate = learning_rate(recipe)
    assert [float(rate(step)) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert float(rate(54)) == pytest.approx(0.55)
    assert float(rate(104)) == pytest.approx(0.1)


def test_without_warm_up_the_first_step_has_the_whole_learning_rate():
    rate = learning_rate(dataclasses.replace(RECIPE, warmup_steps=0))
    assert float(rate(0)) == pytest.approx(RECIPE.learning_rate)


def test_only_matrices_decay():
    shapes = jax.eval_shape(lambda: Transformer.init(MODEL, jax.random.key(0)))
    model = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), shapes)
    update = optimizer(RECIPE)

    @jax.jit
    def step(model: Transformer) -> Transformer:
        changes, _ = update.update(jax.tree.map(jnp.zeros_like, model), update.init(model), model)
        return optax.apply_updates(model, changes)

    after = step(model)
    for leaf in jax.tree.leaves(eqx.filter(after, eqx.is_array)):
        assert np.all(np.asarray(leaf) == 1.0) if leaf.ndim == 1 else np.all(np.asarray(leaf) < 1.0)


def test_a_long_gradient_counts_as_one_of_the_norm_it_is_clipped_to():
    recipe = dataclasses.replace(RECIPE, weight_decay=0.0, clip_norm=1.0)
    update = optimizer(recipe)
    weights = {"w": jnp.ones((2, 2))}

    def moments(scale: float):
        gradient = {"w": jnp.full((2, 2), scale)}
        return optax.tree_utils.tree_get(update.update(gradient, update.init(weights), weights)[1], "mu")["w"]

    np.testing.assert_allclose(moments(0.5), moments(500.0), rtol=1e-6)  # norm 1, and norm 1000
    np.testing.assert_allclose(moments(0.25) * 2, moments(0.5), rtol=1e-6)


def test_a_late_fall_stays_at_the_peak_until_its_share_of_the_steps_is_left():
    recipe = dataclasses.replace(RECIPE, steps=100, warmup_steps=4, learning_rate=1.0, schedule="wsd", decay_share=0.25)
    rate = learning_rate(recipe)
    assert [float(rate(step)) for step in (0, 3, 4, 40, 75)] == pytest.approx([0.2, 0.8, 1.0, 1.0, 1.0])
    assert float(rate(79)) == pytest.approx(1.0 - 0.9 * 0.4)
    assert float(rate(100)) == pytest.approx(0.1)
    whole = learning_rate(dataclasses.replace(recipe, decay_share=1.0))  # nothing is left to stay
    assert [float(whole(step)) for step in (0, 4, 100)] == pytest.approx([0.2, 1.0, 0.1])


@pytest.mark.parametrize("shape", [(16, 6), (2, 8, 8)])
def test_a_matrix_is_turned_into_one_whose_singular_values_are_about_one(shape: tuple[int, ...]):
    matrix = jax.random.normal(jax.random.key(0), shape)
    turn = jax.jit(orthogonal)
    found = turn(matrix)
    np.testing.assert_allclose(found, turn(1000.0 * matrix), atol=1e-4)
    values = np.linalg.svd(np.asarray(found), compute_uv=False)
    assert values.min() > 0.3 and values.max() < 1.3
    left, _, right = np.linalg.svd(np.asarray(matrix), full_matrices=False)
    nearest = left @ right
    assert np.sum(nearest * np.asarray(found)) > 0.8 * np.sum(nearest**2)


def test_muon_turns_as_optax_does():
    theirs = optax.contrib.scale_by_muon(beta=0.0, weight_dimension_numbers=optax.contrib.MuonDimensionNumbers())
    weights = jax.random.normal(jax.random.key(1), (12, 5))
    turned, _ = jax.jit(theirs.update)(weights, theirs.init(weights))
    np.testing.assert_allclose(jax.jit(orthogonal)(weights), turned, atol=1e-4)  # type: ignore[arg-type]


def test_muon_is_for_matrices_of_layers_and_the_rest_stays_with_adamw():
    shapes = jax.eval_shape(lambda: Transformer.init(MODEL, jax.random.key(0)))
    keys = iter(jax.random.split(jax.random.key(2), 100))
    model = jax.tree.map(lambda leaf: jax.random.normal(next(keys), leaf.shape), shapes)

    def changes(recipe) -> Transformer:
        update = optimizer(recipe)
        return jax.jit(lambda model: update.update(model, update.init(model), model)[0])(model)

    recipe = dataclasses.replace(RECIPE, warmup_steps=0, weight_decay=0.0)
    adamw, muon = changes(recipe), changes(dataclasses.replace(recipe, optimizer="muon"))
    np.testing.assert_array_equal(muon.embedding, adamw.embedding)
    np.testing.assert_array_equal(muon.blocks[0].mlp_norm.scale, adamw.blocks[0].mlp_norm.scale)
    weight = np.asarray(muon.blocks[0].mlp.down.weight)
    assert not np.allclose(weight, adamw.blocks[0].mlp.down.weight)
    size = np.sqrt(np.mean(weight**2))  # 0.2 of the learning rate, as AdamW's changes are once it runs
    assert 0.1 * recipe.learning_rate < size < 0.3 * recipe.learning_rate
