"""Presets have the published sizes."""

from collections.abc import Callable

import equinox as eqx
import jax
import pytest

from codegem.model.config import PRESETS, ModelConfig
from codegem.model.transformer import Transformer


@pytest.mark.parametrize(("preset", "parameters"), [("gemma_2b", 2_506_172_416), ("gemma_7b", 8_537_680_896)])
def test_published_parameter_counts(preset: str, parameters: int):
    assert PRESETS[preset].parameters == parameters


@pytest.mark.parametrize("preset", PRESETS)
def test_the_count_is_that_of_the_arrays(preset: str):
    shapes = eqx.filter_eval_shape(Transformer.init, PRESETS[preset], jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == PRESETS[preset].parameters


def test_the_presets_have_gemmas_shapes():
    two, seven = PRESETS["gemma_2b"], PRESETS["gemma_7b"]
    assert (two.num_layers, two.d_model, two.num_heads, two.num_kv_heads, two.head_dim, two.d_mlp) == (
        18, 2048, 8, 1, 256, 16_384,
    )  # fmt: skip
    assert (seven.num_layers, seven.d_model, seven.num_heads, seven.num_kv_heads, seven.head_dim, seven.d_mlp) == (
        28, 3072, 16, 16, 256, 24_576,
    )  # fmt: skip
    for config in (two, seven):
        assert (config.vocab_size, config.context_length, config.rope_theta, config.norm_eps) == (
            256_000, 8192, 10_000.0, 1e-6,
        )  # fmt: skip


def test_nano_fits_the_package():
    assert PRESETS["nano"].parameters * 2 <= 48_000_000  # bfloat16


def config(**changes: int) -> ModelConfig:
    shape = {"vocab_size": 8, "num_layers": 1, "d_model": 8, "num_heads": 4, "num_kv_heads": 2, "head_dim": 4}
    return ModelConfig(**{**shape, "d_mlp": 8, **changes})


@pytest.mark.parametrize(
    ("make", "reason"),
    [(lambda: config(num_kv_heads=3), "can't share 3"), (lambda: config(head_dim=5), "head_dim 5 must be even")],
)
def test_impossible_shapes_are_refused(make: Callable[[], ModelConfig], reason: str):
    with pytest.raises(ValueError, match=reason):
        make()
