"""Low-rank adapters: beside dense and quantized weights, merged, differentiated, and beside the kernels."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.errors import UsageError
from codegem.kernels import ops
from codegem.model.config import ModelConfig
from codegem.model.fused import FusedTransformer, fuse
from codegem.model.lora import (
    TARGETS,
    Adapter,
    LowRank,
    init_adapter,
    join,
    join_to_train,
    merge,
    merge_to_train,
    merged,
    shapes,
)
from codegem.model.quantize import quantize
from codegem.model.transformer import Transformer, cast

CONFIG = ModelConfig(vocab_size=96, num_layers=1, d_model=32, num_heads=4, num_kv_heads=2, head_dim=16, d_mlp=48)
TOKENS = jnp.array([[2, 15, 90, 30, 31, 7, 64, 5]])


@pytest.fixture(scope="module")
def base(random_model: Callable[..., Transformer]) -> Transformer:
    return random_model(CONFIG)


def adapter_of(size: float = 0.2, **choices) -> Adapter:
    adapter = init_adapter(CONFIG, **({"rank": 4} | choices))
    numbers = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: jnp.asarray(size * numbers.standard_normal(leaf.shape, np.float32)), adapter)


def dense(model: Transformer) -> Transformer:
    """A quantized model as numbers."""
    return jax.tree.map(
        lambda leaf: leaf.dequantize() if hasattr(leaf, "dequantize") else leaf,
        model,
        is_leaf=lambda leaf: hasattr(leaf, "dequantize"),
    )


@jax.jit
def _logits_of(model: Transformer) -> jax.Array:
    return model(TOKENS)


@partial(jax.jit, static_argnames="dtype")
@partial(jax.value_and_grad, has_aux=True)
def _beside(adapter: Adapter, weights: Transformer, dtype: str) -> tuple[jax.Array, jax.Array]:
    logits = join_to_train(adapter, weights)(TOKENS, dtype=dtype)
    return jnp.sum(jnp.sin(logits)), logits


@jax.jit
@partial(jax.value_and_grad, has_aux=True)
def _inside(adapter: Adapter, weights: Transformer) -> tuple[jax.Array, jax.Array]:
    logits = merge_to_train(adapter, weights)(TOKENS)
    return jnp.sum(jnp.sin(logits)), logits


@pytest.mark.parametrize("targets", [TARGETS, ("q", "down")])
def test_an_adapter_is_the_low_rank_product_of_each_target(targets: tuple[str, ...]) -> None:
    adapter = adapter_of(targets=targets, rank=3, alpha=6.0)
    assert adapter.targets == targets and adapter.scale == 2.0
    fresh = init_adapter(CONFIG, targets=targets)
    assert not any(pair.b.any() for block in fresh.blocks for pair in block.values())  # it changes nothing yet
    for block in adapter.blocks:
        assert set(block) == set(targets)
        for name, pair in block.items():
            d_out, d_in = shapes(CONFIG)[name]
            assert pair.a.shape == (3, d_in) and pair.b.shape == (d_out, 3)
    assert adapter.parameters == sum(leaf.size for leaf in jax.tree.leaves(adapter))


@pytest.mark.parametrize(("bits", "dtype"), [(None, "float32"), (4, "bfloat16")])
def test_joined_and_merged_give_one_answer_and_one_gradient(base: Transformer, bits: int | None, dtype: str) -> None:
    """Merging is in float32, so what is left is the order of its sums; and with bfloat16 its rounding."""
    weights, adapter = base if bits is None else quantize(base, bits), adapter_of()
    whole = dense(weights)

    (one, ours), (other, theirs) = _beside(adapter, weights, dtype), _inside(adapter, weights)
    assert jnp.abs(other[1] - _logits_of(whole)).max() > 0.5
    np.testing.assert_allclose(one[1], other[1], atol=1e-4 if dtype == "float32" else 0.2)
    for mine, its in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        cosine = jnp.vdot(mine, its) / jnp.linalg.norm(mine) / jnp.linalg.norm(its)
        assert cosine > (0.99999 if dtype == "float32" else 0.97) and mine.dtype == jnp.float32


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_merged_weight_is_the_sum_rounded_once(dtype: str) -> None:
    """Against float64: half a unit in the last place of the type, and what float32 loses in the product."""
    numbers = np.random.default_rng(1)
    weight = jnp.asarray(numbers.standard_normal((40, 24)), dtype)
    pair = LowRank(*(jnp.asarray(numbers.standard_normal(shape), jnp.float32) for shape in [(8, 24), (40, 8)]))
    found = merged(weight, pair, 0.5)
    exact = np.asarray(weight, np.float64) + 0.5 * np.asarray(pair.b, np.float64) @ np.asarray(pair.a, np.float64)
    assert found.dtype == weight.dtype
    error = np.abs(np.asarray(found, np.float64) - exact)
    assert (error <= 0.5 * float(jnp.finfo(dtype).eps) * np.abs(exact) + 2e-6).all()


@pytest.mark.parametrize(
    ("choices", "part"),
    [
        ({"targets": ("q", "z")}, "no layer 'z'"),
        ({"targets": ()}, "No layer"),
        ({"rank": 0}, "from 1 to 32"),
        ({"rank": 33}, "from 1 to 32"),
        ({"alpha": 0.0}, "alpha is 0.0"),
    ],
)
def test_what_makes_no_sense(choices: dict, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        init_adapter(CONFIG, **choices)


@pytest.mark.skipif(not ops.available(), reason="the kernels were not built, or JAX computes elsewhere")
@pytest.mark.parametrize(("bits", "targets"), [(None, TARGETS), (8, TARGETS), (4, ("k", "up"))])
def test_beside_the_kernels(random_model: Callable[..., Transformer], bits: int | None, targets: tuple[str, ...]):
    """The fused model computes what the joined one does, and a row alike however many rows there are."""
    narrow = random_model(CONFIG, dtype="bfloat16")
    weights = narrow if bits is None else quantize(narrow, bits)
    adapter = adapter_of(0.1, targets=targets)
    fused = fuse(join(adapter, weights))
    assert isinstance(fused, FusedTransformer) and fused.adapters[0] is not None
    wide = dense(weights) if bits else cast(weights, "float32")
    exact, without = _logits_of(merge(adapter, wide)), _logits_of(wide)
    logits = _logits(fused, TOKENS)
    # 8 bits of activations cost more than the adapter's own rounding to bfloat16.
    own = jnp.abs(_logits(fuse(weights), TOKENS) - without).max()
    assert jnp.abs(logits - exact).max() < 2 * own + 0.02 * jnp.abs(exact - without).max()
    assert jnp.abs(exact - without).max() > 0.3
    cache = fused.init_cache(1, 16)
    alone = []
    for place in range(TOKENS.shape[1]):
        hidden, cache = fused.extend(TOKENS[:, place : place + 1], cache, jnp.array([place]))
        alone.append(fused.unembed(hidden)[:, 0])
    assert jnp.array_equal(jnp.stack(alone, axis=1), logits)


def _logits(model: Transformer | FusedTransformer, tokens: jax.Array) -> jax.Array:
    hidden, _ = model.extend(tokens, model.init_cache(1, 16), jnp.array([0]))
    return model.unembed(hidden)


def test_without_kernels_a_joined_model_stays_as_it_is(base: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    joined = join(adapter_of(), base)
    assert fuse(joined) is joined
    monkeypatch.setattr(ops, "available", lambda: False)
    packed = cast(base, "bfloat16")
    assert fuse(packed) is packed
