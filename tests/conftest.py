"""What the tests of several rooms share. Nothing here imports JAX: the tests of text and data don't need it."""

import argparse
import inspect
import json.decoder
import textwrap
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from codegem.text.tokenizer import ByteTokenizer, Tokenizer, train_tokenizer

if TYPE_CHECKING:
    from codegem.model.config import ModelConfig
    from codegem.model.transformer import Transformer

# Machines differ in speed, so nothing is timed; CI finds the same examples every time.
settings.register_profile("codegem", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("codegem")


@pytest.fixture(scope="session")
def bytes_tokenizer() -> Tokenizer:
    """One id a byte."""
    return ByteTokenizer()


@pytest.fixture(scope="session")
def bpe_tokenizer() -> Tokenizer:
    """Our own BPE of 1024 ids, trained on three modules of Python's library."""
    sources = [inspect.getsource(module) for module in (argparse, json.decoder, textwrap)]
    return train_tokenizer(iter(sources), 1024)


@pytest.fixture(scope="session", params=["bytes", "bpe"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """Each vocabulary that needs no download."""
    return request.getfixturevalue(f"{request.param}_tokenizer")


@pytest.fixture(scope="session")
def random_model() -> "Callable[..., Transformer]":
    """A function of (config, seed=0, dtype="float32"): a model whose logits have a deviation near 1.

    Unlike `Transformer.init`, which is made for training, no layer is damped and no norm scale is 0.
    """
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    from codegem.model.transformer import Transformer

    def make(config: "ModelConfig", seed: int = 0, dtype: str = "float32") -> "Transformer":
        numbers = np.random.default_rng(seed)

        def weight(leaf: jax.ShapeDtypeStruct) -> jax.Array:
            size = 0.3 if len(leaf.shape) == 1 else leaf.shape[-1] ** -0.5
            kind = leaf.dtype if len(leaf.shape) == 1 else dtype
            return jnp.asarray(size * numbers.standard_normal(leaf.shape, np.float32), kind)

        return jax.tree.map(weight, eqx.filter_eval_shape(Transformer.init, config, jax.random.key(0)))

    return cache(make)
