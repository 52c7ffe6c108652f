"""Codes and scales against their definition, the rule for the embedding, and what quantizing costs nano."""

import argparse
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import codegem
from codegem.checkpoints.huggingface import load
from codegem.errors import UserError
from codegem.kernels.matrix import BLOCKS, QuantizedMatrix
from codegem.model.config import PRESETS, ModelConfig
from codegem.model.quantize import embedding_bits, layout, quantize, quantize_matrix, round_to_codes
from codegem.model.transformer import Transformer

NANO = Path(codegem.__file__).parent / "assets" / "nano"
SMALL = ModelConfig(vocab_size=100, num_layers=2, d_model=96, num_heads=4, num_kv_heads=1, head_dim=16, d_mlp=160)

weights = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 3), st.integers(1, 70)), elements=st.floats(-100, 100, width=32)
)


@pytest.mark.parametrize("bits", [4, 8])
@given(weight=weights, block=st.sampled_from(BLOCKS))
def test_codes_are_the_nearest(bits: int, weight: np.ndarray, block: int):
    """For every weight no other code of its block is nearer, up to float32's own rounding."""
    codes, scales = round_to_codes(weight, bits, block)
    steps = np.repeat(scales.astype(np.float64), block, axis=1)[:, : weight.shape[1]]
    choices = np.arange(-8, 8) if bits == 4 else np.arange(-127, 128)
    error = np.abs(codes * steps - weight)
    best = np.abs(choices[:, None, None] * steps - weight).min(axis=0)
    assert codes.min() >= choices[0] and codes.max() <= choices[-1]
    assert (error <= best + 1e-5 * np.abs(steps)).all()


@pytest.mark.parametrize(("bits", "extreme"), [(4, -8), (8, 127)])
@given(weight=weights)
def test_the_largest_magnitude_takes_the_last_code(bits: int, extreme: int, weight: np.ndarray):
    codes, scales = round_to_codes(weight, bits, 128)
    for row, largest in enumerate(np.abs(weight).max(axis=1)):
        if scales[row, 0] != 0:
            ends = codes[row, np.abs(weight[row]) == largest]
            assert extreme in (ends if bits == 4 else np.abs(ends))


def test_blocks_without_a_scale_are_zeros():
    """Zeros, and weights so small that the scale would be subnormal."""
    weight = np.array([[0.0] * 32 + [1e-40] * 31 + [-2e-38]], np.float32)
    for bits in (4, 8):
        codes, scales = round_to_codes(weight, bits, 32)
        assert not codes.any() and not scales.any()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(wrong: float):
    with pytest.raises(UserError, match="not finite"):
        round_to_codes(np.array([[1.0, wrong]], np.float32), 4)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("shape", [(1, 1), (16, 64), (33, 100), (700, 1000)])
def test_a_matrix_is_its_rows(bits: int, shape: tuple[int, int]):
    """Rounded and packed a part at a time: as if it were done at once, with the shapes that `layout` says."""
    weight = np.random.default_rng(0).standard_normal(shape).astype(jnp.bfloat16)
    matrix = quantize_matrix(weight, bits, 64)
    codes, scales = round_to_codes(weight, bits, 64)
    found_codes, found_scales = matrix.unpack()
    np.testing.assert_array_equal(found_codes, codes)
    np.testing.assert_array_equal(np.asarray(found_scales, np.float32), scales.astype(np.float32))
    of_codes, of_scales = layout(*shape, bits, 64)
    assert (matrix.codes.shape, matrix.codes.dtype) == (of_codes.shape, of_codes.dtype)
    assert (matrix.scales.shape, matrix.scales.dtype) == (of_scales.shape, of_scales.dtype)


def test_taken_rows_are_those_of_the_matrix():
    weight = np.random.default_rng(0).standard_normal((100, 96)).astype(np.float32)
    for bits in (4, 8):
        matrix = quantize_matrix(weight, bits, 64)
        rows = jnp.array([[0, 99, 17], [16, 15, 17]])
        np.testing.assert_array_equal(matrix.take(rows), matrix.dequantize()[rows])


@pytest.mark.parametrize("bits", [4, 8])
def test_the_model_is_near_the_one_it_was_made_of(bits: int, random_model: Callable[..., Transformer]):
    """In plain JAX: hidden states, logits and the cache's path; three quarters of a step is what rounding costs."""
    model = random_model(SMALL)
    small = quantize(model, bits)
    tokens = jnp.asarray(np.random.default_rng(0).integers(0, 100, (2, 12)))
    read = jax.jit(lambda model: model(tokens))  # one program, not one for each operation
    exact, found = read(model), read(small)
    error = float(jnp.sqrt(jnp.mean((found - exact) ** 2) / jnp.mean(exact**2)))
    assert error < {8: 0.03, 4: 0.4}[bits]
    cache = small.init_cache(2, 16, jnp.float32)
    logits = jax.jit(lambda model: model.unembed(model.extend(tokens, cache, jnp.zeros(2, jnp.int32))[0]))(small)
    np.testing.assert_allclose(logits, found, atol=1e-4)


def test_what_is_quantized(random_model: Callable[..., Transformer]):
    small = quantize(random_model(SMALL, dtype="bfloat16"), 4, block=32)
    matrices = jax.tree.leaves(small, is_leaf=lambda leaf: isinstance(leaf, QuantizedMatrix))
    assert sum(isinstance(leaf, QuantizedMatrix) for leaf in matrices) == 1 + 7 * SMALL.num_layers
    assert all(leaf.dtype == jnp.float32 for leaf in matrices if not isinstance(leaf, QuantizedMatrix))
    assert small.blocks[1].mlp.down.weight.bits == 4 and small.blocks[1].mlp.down.weight.block == 32
    assert small.init_cache(1, 4)[0].keys.dtype == jnp.bfloat16


def test_the_report_reaches_the_whole():
    model = Transformer.init(SMALL, jax.random.key(0))
    seen: list[tuple[int, int]] = []
    quantize(model, 8, report=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (SMALL.parameters, SMALL.parameters) and seen == sorted(seen)


@pytest.mark.parametrize("bits", [2, 5, 16])
def test_other_bits_are_refused(bits: int):
    with pytest.raises(UserError, match=f"8 or 4 bits, not {bits}"):
        quantize(Transformer.init(SMALL, jax.random.key(0)), bits)


def test_a_quantized_model_is_refused():
    small = quantize(Transformer.init(SMALL, jax.random.key(0)), 8)
    with pytest.raises(UserError, match="quantized already"):
        quantize(small, 4)


def test_the_embedding_keeps_8_bits_where_logits_would_move():
    """A standard deviation of 0.02 · 0.1 · sqrt(D) in a logit of the 2B is no matter; 1 · 0.1 · sqrt(D) is."""
    numbers = np.random.default_rng(0).standard_normal((5000, 2048), np.float32)
    nothing = np.zeros(2048, np.float32)
    assert embedding_bits(0.02 * numbers, nothing, 4) == 4
    assert embedding_bits(numbers, nothing, 4) == 8
    assert embedding_bits(0.02 * numbers, nothing + 9, 4) == 8  # the final norm's scale is a part of it
    assert embedding_bits(0.02 * numbers, nothing, 8) == 8


def perplexity(model: Transformer, tokens: jax.Array) -> float:
    logits = eqx.filter_jit(model)(tokens)[:, :-1]
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), tokens[:, 1:, None], axis=-1)
    return float(jnp.exp(-jnp.mean(chosen)))


def test_what_it_costs_nano():
    """0.5% and 3% are the goals on held-out code (benchmarks/quantization.py); here on two modules of Python's."""
    model, tokenizer = load(NANO, dtype="float32")
    ids = tokenizer.encode(inspect.getsource(argparse) + inspect.getsource(textwrap))
    tokens = jnp.asarray(ids[: 24 * 256]).reshape(24, 256).at[:, 0].set(tokenizer.special.bos)
    plain = perplexity(model, tokens)
    assert perplexity(quantize(model, 8), tokens) < 1.005 * plain
    small = quantize(model, 4)
    assert (small.embedding.bits, small.blocks[0].mlp.up.weight.bits) == (8, 4)
    assert perplexity(small, tokens) < 1.03 * plain


def test_the_untrained_2b_has_4_bits_throughout():
    """By the rule, from a sample of its embedding."""
    size = PRESETS["gemma_2b"]
    sample = 0.02 * np.random.default_rng(0).standard_normal((4096, size.d_model)).astype(np.float32)
    assert embedding_bits(sample, np.full(size.d_model, 0.1), 4) == 4
