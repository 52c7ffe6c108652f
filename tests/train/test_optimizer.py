import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from codegem.model.transformer import Transformer
from codegem.train.optimizer import learning_rate, optimizer

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
    model = jax.tree.map(lambda leaf: jnp.ones(leaf.shape), shapes)
    update = optimizer(RECIPE)
    changes, _ = update.update(jax.tree.map(jnp.zeros_like, model), update.init(model), model)
    after = optax.apply_updates(model, changes)
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
