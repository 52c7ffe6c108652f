"""Low-rank adapters (LoRA, arXiv 2106.09685): y = W x + alpha / rank · B (A x), of which A and B alone are trained."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from codegem.errors import UsageError
from codegem.kernels.dense import DenseMatrix
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model.config import ModelConfig
from codegem.model.linear import Linear, Matrix, dot, wide_product
from codegem.model.transformer import Block, Transformer

TARGETS = ("q", "k", "v", "o", "gate", "up", "down")
ATTENTION_TARGETS = TARGETS[:4]
RANK, ALPHA = 16, 32.0


class LowRank(eqx.Module):
    """What is learned for one matrix [out, in]."""

    a: Float[Array, "r in"]
    b: Float[Array, "out r"]


class Adapter(eqx.Module):
    """The adapters of a model: for each block those of the layers that were chosen.

    Attributes:
        blocks: by the layer's name, as `TARGETS` has them.
        rank: r of every one.
        alpha: what they say is added alpha / rank times.
    """

    blocks: tuple[dict[str, LowRank], ...]
    rank: int = eqx.field(static=True)
    alpha: float = eqx.field(static=True)

    @property
    def scale(self) -> float:
        """How often the adapters' products are added."""
        return self.alpha / self.rank

    @property
    def targets(self) -> tuple[str, ...]:
        """The layers that have adapters."""
        return tuple(name for name in TARGETS if any(name in block for block in self.blocks))

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(leaf.size for leaf in jax.tree.leaves(self))


class AdaptedLinear(eqx.Module):
    """A layer whose weight is frozen, with or without an adapter beside it.

    Nothing of the weight is kept for the backward pass, so that one of codes is never held dequantized.
    """

    weight: Matrix
    low_rank: LowRank | None
    scale: float = eqx.field(static=True)

    def __call__(self, x: Float[Array, "*batch in"]) -> Float[Array, "*batch out"]:
        rows = x.reshape(-1, x.shape[-1])
        made = _frozen_product(rows, self.weight)
        if self.low_rank is not None:
            a, b = self.low_rank.a, self.low_rank.b
            narrow = wide_product(rows.astype(a.dtype), a).astype(b.dtype)
            made = made + self.scale * wide_product(narrow, b)
        return made.astype(x.dtype).reshape(*x.shape[:-1], -1)


def shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """[out, in] of the matrices that may have an adapter.

    >>> from codegem.model.config import PRESETS
    >>> shapes(PRESETS["gemma_2b"])["k"]
    (256, 2048)
    """
    d_model, d_mlp = config.d_model, config.d_mlp
    wide, narrow = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    attention = {"q": (wide, d_model), "k": (narrow, d_model), "v": (narrow, d_model), "o": (d_model, wide)}
    return attention | {"gate": (d_mlp, d_model), "up": (d_mlp, d_model), "down": (d_model, d_mlp)}


def init_adapter(
    config: ModelConfig,
    seed: int = 0,
    *,
    rank: int = RANK,
    alpha: float = ALPHA,
    targets: Sequence[str] = TARGETS,
) -> Adapter:
    """An adapter that changes nothing yet: A is random, B is zero, both arrays of NumPy in float32.

    A is uniform within ±in^-½, as in PEFT, so that learning rates published for it mean the same here.

    Raises:
        UsageError: there is no such layer, or the rank or alpha makes no sense.

    Example:
        >>> from codegem.model.config import PRESETS
        >>> init_adapter(PRESETS["nano"], rank=4, targets=["q", "v"]).parameters
        13312
    """
    check(config, rank, alpha, targets)
    sizes, numbers = shapes(config), np.random.default_rng(seed)

    def one(d_out: int, d_in: int) -> LowRank:
        a = d_in**-0.5 * (2 * numbers.random((rank, d_in), np.float32) - 1)
        return LowRank(a, np.zeros((d_out, rank), np.float32))  # type: ignore[arg-type]  # NumPy's arrays

    names = [name for name in TARGETS if name in targets]
    blocks = ({name: one(*sizes[name]) for name in names} for _ in range(config.num_layers))
    return Adapter(tuple(blocks), rank, float(alpha))


def check(config: ModelConfig, rank: int, alpha: float, targets: Sequence[str]) -> None:
    """Raise a UsageError where `init_adapter` would."""
    if unknown := [name for name in targets if name not in TARGETS]:
        raise UsageError(f"There is no layer {unknown[0]!r:.40} to adapt; the layers are {', '.join(TARGETS)}.")
    if not targets:
        raise UsageError(f"No layer is named to adapt; the layers are {', '.join(TARGETS)}.")
    largest = min(min(shapes(config)[name]) for name in targets)
    if not 1 <= rank <= largest:
        raise UsageError(f"rank is {rank}; it must be from 1 to {largest}, the smallest side of the matrices.")
    if not 0 < alpha < float("inf"):
        raise UsageError(f"alpha is {alpha}; it must be above 0.")


def join(adapter: Adapter, base: Transformer) -> Transformer:
    """The base with the adapters beside its layers; to be differentiated by the adapter alone.

    Args:
        base: its matrices may be arrays, or packed.
    """
    pairs = zip(base.blocks, adapter.blocks, strict=True)
    return replace(base, blocks=tuple(_adapted(block, of, adapter.scale) for block, of in pairs))


def join_to_train(adapter: Adapter, frozen: Transformer) -> Transformer:
    """`join` for a step of training, whose loss wants the embedding as numbers: that of codes is dequantized."""
    model = join(adapter, frozen)
    return replace(model, embedding=_numbers(model.embedding))


def merge_to_train(adapter: Adapter, frozen: Transformer) -> Transformer:
    """The merged model for a step of training: for small models, whose steps have kernels of their own.

    It costs as much memory as training all the weights without an optimizer's moments would, and the frozen weights
    get gradients that nobody reads; the kernels make up for that (`model.fused_training`).
    """
    return merge(adapter, jax.tree.map(_numbers, frozen, is_leaf=lambda leaf: isinstance(leaf, QuantizedMatrix)))


def _numbers(leaf: Any) -> Any:
    return leaf.dequantize() if isinstance(leaf, QuantizedMatrix) else leaf


def merge(adapter: Adapter, model: Transformer) -> Transformer:
    """The model with W + alpha / rank · B A for each W that has an adapter.

    Sum and product are float32 and rounded once, to the type of W; a matrix of codes becomes one of float32. So the
    merged model differs from the joined one by that rounding, and by the order in which float32 is summed.
    """

    def one(weight: Matrix, low_rank: LowRank | None) -> Matrix:
        return weight if low_rank is None else merged(weight, low_rank, adapter.scale)

    blocks = zip(model.blocks, adapter.blocks, strict=True)
    return replace(
        model, blocks=tuple(map_layers(block, lambda n, w, of=of: Linear(one(w, of.get(n)))) for block, of in blocks)
    )


def merged(weight: Any, low_rank: LowRank, scale: float) -> Float[Array, "out in"]:
    """One matrix with its adapter in it, as `merge` says."""
    kind = jnp.float32 if isinstance(weight, QuantizedMatrix) else weight.dtype
    return _merged(weight, low_rank, scale).astype(kind)


@jax.jit
def _merged(weight: Any, low_rank: LowRank, scale: float) -> Array:
    change = jnp.matmul(low_rank.b, low_rank.a, precision="highest", preferred_element_type=jnp.float32)
    return _dense(weight, jnp.float32) + scale * change


def _adapted(block: Block, adapters: dict[str, LowRank], scale: float) -> Block:
    return map_layers(block, lambda name, weight: AdaptedLinear(weight, adapters.get(name), scale))


def map_layers(block: Block, make: Callable[[str, Matrix], Any]) -> Block:
    """A block with `make(name, weight)` in place of each linear layer."""
    attention = {name: make(name, getattr(block.attention, name).weight) for name in ATTENTION_TARGETS}
    mlp = {name: make(name, getattr(block.mlp, name).weight) for name in TARGETS if name not in ATTENTION_TARGETS}
    return replace(block, attention=replace(block.attention, **attention), mlp=replace(block.mlp, **mlp))


def _dense(weight: Matrix, dtype: DTypeLike) -> Float[Array, "out in"]:
    if isinstance(weight, QuantizedMatrix):
        weight = weight.dequantize()
    elif isinstance(weight, DenseMatrix):
        weight = weight.unpack()
    return weight.astype(dtype)


@jax.custom_vjp
def _frozen_product(x: Float[Array, "rows in"], weight: Matrix) -> Float[Array, "rows out"]:
    """x · weightᵀ in float32, differentiable in x alone."""
    return wide_product(x, _dense(weight, x.dtype))


def _forward(x: Array, weight: Matrix) -> tuple[Array, tuple[Matrix, Array]]:
    return _frozen_product(x, weight), (weight, jnp.zeros((), x.dtype))


def _backward(saved: tuple[Matrix, Array], dy: Array) -> tuple[Array, None]:
    weight, kind = saved
    return dot(dy.astype(kind.dtype), _dense(weight, kind.dtype), 1, 0).astype(kind.dtype), None


_frozen_product.defvjp(_forward, _backward)
