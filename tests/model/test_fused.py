"""The fused model against the model it was made of."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from codegem.kernels import ops
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model.config import ModelConfig
from codegem.model.fused import FusedTransformer, fuse, pack
from codegem.model.linear import wide_product
from codegem.model.quantize import quantize
from codegem.model.transformer import Transformer, cast

CONFIG = ModelConfig(vocab_size=300, num_layers=3, d_model=128, num_heads=4, num_kv_heads=1, head_dim=32, d_mlp=320)
GROUPED = ModelConfig(vocab_size=90, num_layers=2, d_model=96, num_heads=4, num_kv_heads=2, head_dim=16, d_mlp=100)

needs_kernels = pytest.mark.skipif(not ops.available(), reason="the kernels were not built")


class RoundedLinear(eqx.Module):
    """A quantized layer in plain JAX whose input is rounded as the kernels do it."""

    weight: QuantizedMatrix

    def __call__(self, x: Array) -> Array:
        return wide_product(rounded(x, self.weight.block), self.weight)


def rounded(x: Array, block: int) -> Array:
    """Each block of columns to 8 bits: a scale of absmax / 127, to the nearest even."""
    padded = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % block)])
    blocks = padded.reshape(*x.shape[:-1], -1, block)
    scale = jnp.abs(blocks).max(axis=-1, keepdims=True) / 127
    codes = jnp.round(blocks / jnp.where(scale == 0, 1, scale))
    return (codes * scale).reshape(padded.shape)[..., : x.shape[-1]]


def with_rounded_inputs(model: Transformer) -> Transformer:
    """Every product of the blocks takes rounded inputs."""

    def layers(tree: Transformer) -> list:
        parts = [(block.attention, block.mlp) for block in tree.blocks]
        return [layer for a, m in parts for layer in (a.q, a.k, a.v, a.o, m.gate, m.up, m.down)]

    return eqx.tree_at(layers, model, [RoundedLinear(layer.weight) for layer in layers(model)])


def tokens_of(config: ModelConfig, batch: int, length: int) -> Array:
    return jnp.asarray(np.random.default_rng(1).integers(0, config.vocab_size, (batch, length)), jnp.int32)


def relative(found: Array, expected: Array) -> float:
    return float(jnp.sqrt(jnp.mean((found - expected) ** 2) / jnp.mean(expected**2)))


@needs_kernels
@pytest.mark.parametrize("config", [CONFIG, GROUPED], ids=["multi-query", "grouped"])
@pytest.mark.parametrize("bits", [8, 4])
def test_rounded_activations_are_the_only_difference(
    config: ModelConfig, bits: int, random_model: Callable[..., Transformer]
):
    """Plain JAX with the same rounding gives the same, up to sums in another order."""
    model = quantize(random_model(config), bits)
    tokens, lengths = tokens_of(config, 2, 10), jnp.zeros(2, jnp.int32)
    found, cache = fuse(model).extend(tokens, model.init_cache(2, 12, jnp.float32), lengths)
    plain = with_rounded_inputs(model)
    expected, plain_cache = plain.extend(tokens, model.init_cache(2, 12, jnp.float32), lengths)
    assert relative(model.final_norm(found), expected) < 1e-3
    for layer, plain_layer in zip(cache, plain_cache, strict=True):
        assert relative(layer.keys[:, :10], plain_layer.keys[:, :10]) < 1e-3
    logits = wide_product(rounded(expected, 64), model.embedding)
    assert relative(fuse(model).unembed(found), logits) < 1e-3


@needs_kernels
@pytest.mark.parametrize("config", [CONFIG, GROUPED], ids=["multi-query", "grouped"])
def test_dense_weights_are_computed_as_in_float32(config: ModelConfig, random_model: Callable[..., Transformer]):
    """With a cache of float32, nothing is rounded but what enters a product on the amx set: to 16 bits."""
    model = random_model(config, dtype="bfloat16")
    wide = cast(model, jnp.float32)
    tokens, lengths = tokens_of(config, 2, 40), jnp.zeros(2, jnp.int32)
    fused = fuse(model)
    found, cache = fused.extend(tokens, fused.init_cache(2, 48, jnp.float32), lengths)
    expected, plain_cache = wide.extend(tokens, wide.init_cache(2, 48), lengths)
    assert relative(wide.final_norm(found), expected) < 2e-5
    for layer, plain_layer in zip(cache, plain_cache, strict=True):
        assert relative(layer.values[:, :40], plain_layer.values[:, :40]) < 2e-5
    assert relative(fused.unembed(found), wide.unembed(expected)) < 2e-5
    found, _ = fused.extend(tokens, fused.init_cache(2, 48), lengths)
    assert relative(fused.unembed(found), wide.unembed(expected)) < 5e-3


@needs_kernels
def test_packed_models_compute_without_being_fused(random_model: Callable[..., Transformer]):
    model = random_model(CONFIG, dtype="bfloat16")
    packed = jax.tree.map(pack, model)
    tokens = tokens_of(CONFIG, 1, 12)
    assert relative(packed(tokens), cast(model, jnp.float32)(tokens)) < 1e-5
    assert cast(packed, jnp.float32).embedding.dtype == jnp.bfloat16


@needs_kernels
@pytest.mark.parametrize("bits", [8, 4])
def test_near_the_plain_model(bits: int, random_model: Callable[..., Transformer]):
    """Rounding activations to 8 bits and keys and values to bfloat16 moves logits of deviation 1 by about 0.02."""
    model = quantize(random_model(CONFIG), bits)
    tokens = tokens_of(CONFIG, 1, 24)
    fused = fuse(model)
    hidden, _ = fused.extend(tokens, fused.init_cache(1, 24), jnp.zeros(1, jnp.int32))
    assert relative(fused.unembed(hidden), model(tokens)) < 0.05


@needs_kernels
@pytest.mark.parametrize("bits", [16, 8, 4])
def test_a_row_does_not_know_its_neighbours(bits: int, random_model: Callable[..., Transformer]):
    """Bit for bit: pieces of any size, as prompts, drafts and single tokens are read."""
    fused = fuse(random_model(CONFIG, dtype="bfloat16") if bits == 16 else quantize(random_model(CONFIG), bits))
    tokens = tokens_of(CONFIG, 1, 90)
    extend = jax.jit(FusedTransformer.extend)
    whole, _ = extend(fused, tokens, fused.init_cache(1, 96), jnp.zeros(1, jnp.int32))
    cache, pieces, done = fused.init_cache(1, 96), [], 0
    for size in (1, 2, 3, 4, 5, 8, 1, 17, 49):
        piece, cache = extend(fused, tokens[:, done : done + size], cache, jnp.array([done], jnp.int32))
        pieces.append(piece)
        done += size
    np.testing.assert_array_equal(jnp.concatenate(pieces, axis=1), whole)
    np.testing.assert_array_equal(fused.unembed(whole[:, 7:8]), fused.unembed(whole)[:, 7:8])


@needs_kernels
@pytest.mark.parametrize("bits", [16, 4])
def test_packed_weights_are_not_copied(bits: int, random_model: Callable[..., Transformer]):
    dense = random_model(CONFIG, dtype="bfloat16")
    model = quantize(dense, bits) if bits == 4 else jax.tree.map(pack, dense)
    fused = fuse(model)
    assert isinstance(fused, FusedTransformer)
    assert {id(leaf) for leaf in jax.tree.leaves(fused)} == {id(leaf) for leaf in jax.tree.leaves(model)}


def test_other_models_stay_as_they_are(random_model: Callable[..., Transformer], monkeypatch: pytest.MonkeyPatch):
    wide = random_model(CONFIG)
    assert fuse(wide) is wide
    monkeypatch.setattr(ops, "available", lambda: False)
    for model in (random_model(CONFIG, dtype="bfloat16"), quantize(wide, 8)):
        assert fuse(model) is model


@needs_kernels
@pytest.mark.parametrize("bits", [16, 8])
def test_one_position_of_each_row_is_the_one_among_all(bits: int, random_model: Callable[..., Transformer]):
    """Bit for bit, and the cache is the same."""
    fused = fuse(random_model(CONFIG, dtype="bfloat16") if bits == 16 else quantize(random_model(CONFIG), bits))
    tokens, lengths, last = tokens_of(CONFIG, 2, 40), jnp.zeros(2, jnp.int32), jnp.array([39, 7])
    extend = jax.jit(FusedTransformer.extend)
    every, cache = extend(fused, tokens, fused.init_cache(2, 48), lengths)
    one, same_cache = extend(fused, tokens, fused.init_cache(2, 48), lengths, last)
    np.testing.assert_array_equal(one[:, 0], every[jnp.arange(2), last])
    jax.tree.map(np.testing.assert_array_equal, cache, same_cache)
