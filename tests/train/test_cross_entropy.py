import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from codegem.train.cross_entropy import ROWS, cross_entropy


def plain(hidden, embedding, targets, weights):
    losses = optax.softmax_cross_entropy_with_integer_labels(hidden @ embedding.T, targets)
    return jnp.sum(losses * weights)


@pytest.mark.parametrize("rows", [1, 37, ROWS, 2 * ROWS + 5])
def test_loss_and_gradients_are_those_of_the_plain_formula(rows):
    keys = jax.random.split(jax.random.key(rows), 4)
    hidden, embedding = jax.random.normal(keys[0], (rows, 16)), jax.random.normal(keys[1], (50, 16))
    targets = jax.random.randint(keys[2], (rows,), 0, 50)
    weights = jax.random.uniform(keys[3], (rows,)) / rows
    got = jax.jit(jax.value_and_grad(cross_entropy, (0, 1)))(hidden, embedding, targets, weights)
    want = jax.jit(jax.value_and_grad(plain, (0, 1)))(hidden, embedding, targets, weights)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-5)
    for mine, theirs in zip(got[1], want[1], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(cross_entropy(hidden, embedding, targets, weights), want[0], rtol=1e-5)
