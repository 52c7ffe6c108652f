import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.model.transformer import Transformer
from codegem.train.logprobs import target_logprobs, token_logprobs
from codegem.train.turns import answer_row

from .runs import MODEL, RECIPE


def plainly(hidden, embedding, targets):
    logits = hidden @ embedding.T
    return jnp.take_along_axis(jax.nn.log_softmax(logits), targets[:, None], axis=1)[:, 0]


@pytest.mark.parametrize("count", [5, 600])  # one block that is not full, and more than one
def test_values_and_gradients_are_those_of_whole_logits(count):
    keys = jax.random.split(jax.random.key(0), 4)
    hidden, embedding = jax.random.normal(keys[0], (count, 8)), jax.random.normal(keys[1], (37, 8))
    targets, weights = jax.random.randint(keys[2], (count,), 0, 37), jax.random.normal(keys[3], (count,))

    def of(function):
        return jax.jit(jax.value_and_grad(lambda h, e: jnp.sum(jnp.tanh(function(h, e, targets)) * weights), (0, 1)))

    got, want = of(target_logprobs)(hidden, embedding), of(plainly)(hidden, embedding)
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_tokens_have_the_probabilities_that_the_model_gives():
    model = Transformer.init(MODEL, jax.random.key(0))
    rows = [answer_row([2, 5, 9, 11], [12, 13, 1], 32, 8), answer_row([2, 7], [8, 1], 32, 8)]
    batch = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    logits = jax.nn.log_softmax(jax.jit(Transformer.__call__)(model, batch["tokens"]))
    want = [[logits[0, place, token] for place, token in ((3, 12), (4, 13), (5, 1))]]
    want += [[logits[1, place, token] for place, token in ((1, 8), (2, 1))]]
    recipe = dataclasses.replace(RECIPE, dtype="float32")
    got = jax.jit(token_logprobs, static_argnums=2)(model, batch, recipe)
    for row, answer in zip(got, want, strict=True):
        np.testing.assert_allclose(row[: len(answer)], answer, rtol=1e-4, atol=1e-5)
