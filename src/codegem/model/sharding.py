"""What is cut over which devices: one table for every weight and every activation.

A weight has logical axes, a logical axis lies along axes of the mesh (`mesh.MeshShape`):

| | stored | while its layer is computed |
|---|---|---|
| weights, gradients, moments | over fsdp by width; over tensor by heads, MLP or vocabulary | over tensor |
| activations, batches | | rows over data and fsdp; heads and MLP over tensor |

XLA puts in the communication (GSPMD, arXiv 2105.04663); what is said here and at a few places of the model leaves it
one good way: weights are gathered over fsdp layer by layer and their gradients scattered back, a block's activations
are summed over tensor twice (Megatron, arXiv 1909.08053). Without a mesh every function here does nothing.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float, Int

from codegem.errors import UserError
from codegem.model.mesh import MeshShape
from codegem.model.platform import target

DATA, FSDP, TENSOR = "data", "fsdp", "tensor"
_ROWS = (DATA, FSDP)

AXES: dict[str, str | tuple[str, ...] | None] = {
    "width": FSDP,  # d_model, of a weight
    "vocabulary": TENSOR,
    "heads": TENSOR,
    "kv_heads": TENSOR,
    "mlp": TENSOR,
    "rows": _ROWS,  # of a batch
    "positions": None,  # of a row
    "features": None,  # d_model of an activation, or what one head has
}
"""Logical axes -> axes of the mesh."""

WEIGHTS: dict[str, tuple[str, ...]] = {
    "embedding": ("vocabulary", "width"),
    "q.weight": ("heads", "width"),
    "k.weight": ("kv_heads", "width"),
    "v.weight": ("kv_heads", "width"),
    "o.weight": ("width", "heads"),
    "gate.weight": ("mlp", "width"),
    "up.weight": ("mlp", "width"),
    "down.weight": ("width", "mlp"),
}
"""The end of a weight's name -> its logical axes. Moments have the names of their weights; all else is whole."""

Tree = TypeVar("Tree")


def make_mesh(shape: MeshShape, devices: Sequence[Any] | None = None) -> Mesh:
    """The mesh of a shape over all devices of all processes, or over those given.

    Raises:
        UserError: there are more or fewer devices than the shape says.
    """
    found = jax.devices() if devices is None else devices
    if len(found) != shape.devices:
        raise UserError(
            f"The mesh of {shape.data} (data) x {shape.fsdp} (fsdp) x {shape.tensor} (tensor) is for {shape.devices} "
            f"devices, and there are {len(found)}: choose --mesh.data, --mesh.fsdp and --mesh.tensor to multiply to it."
        )
    sizes = (shape.data, shape.fsdp, shape.tensor)
    return jax.make_mesh(sizes, (DATA, FSDP, TENSOR), axis_types=(AxisType.Auto,) * 3, devices=found)


def layouts(tree: Tree, mesh: Mesh) -> Tree:
    """The sharding of each array of a training state, a model or anything else with weights in it."""

    def one(path: jax.tree_util.KeyPath, leaf: Any) -> NamedSharding:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        return NamedSharding(mesh, stored(name, leaf.shape, mesh))

    return jax.tree_util.tree_map_with_path(one, tree)


def stored(name: str, shape: Sequence[int], mesh: Any) -> P:
    """How a weight of a name is cut while it is kept; an axis that can't be cut evenly is whole.

    >>> from jax.sharding import AbstractMesh
    >>> mesh = AbstractMesh((1, 4, 2), ("data", "fsdp", "tensor"))
    >>> stored("optimizer.0.mu.blocks.3.mlp.down.weight", (256, 1024), mesh)
    PartitionSpec('fsdp', 'tensor')
    >>> stored("blocks.3.mlp_norm.scale", (256,), mesh)
    PartitionSpec()
    """
    axes = _weight_axes(name)
    if len(axes) != len(shape):
        return P()
    return _even(axes, shape, mesh)


def put(tree: Tree, mesh: Mesh) -> Tree:
    """Arrays of this host in their layout; every process has the whole arrays, each device gets its part alone."""

    def one(leaf: Any, layout: NamedSharding) -> Array:
        return jax.make_array_from_callback(leaf.shape, layout, lambda index: np.asarray(leaf[index]))

    return jax.tree.map(one, tree, layouts(tree, mesh))


def constrain(x: Float[Array, "..."], *axes: str) -> Float[Array, "..."]:
    """Say that an activation with these logical axes is cut as the table says; what can't be cut evenly is whole."""
    mesh = jax.sharding.get_abstract_mesh()
    return x if mesh.empty else _cut(x, _even([AXES[axis] for axis in axes], x.shape, mesh))


def gathered(module: Tree) -> Tree:
    """The weights of a module as they are computed with: gathered over fsdp. Gradients go back as they are stored.

    Call it inside what a rematerialization computes again, or the gathered weights of all layers are kept.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty or mesh.shape[FSDP] * mesh.shape[TENSOR] == 1:
        return module

    def one(path: jax.tree_util.KeyPath, leaf: Any) -> Any:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        if not isinstance(leaf, jax.Array) or len(_weight_axes(name)) != leaf.ndim:
            return leaf
        kept = stored(name, leaf.shape, mesh)
        return _gather(leaf, kept, P(*(axis if axis == TENSOR else None for axis in kept)))

    return jax.tree_util.tree_map_with_path(one, module)


def in_slices(batch: Tree, size: int) -> Tree:
    """The rows of a batch in slices, [slices, rows, …]: in each slice, `size` of every group of devices.

    Fewer where `size` does not divide the rows of a group.
    """
    mesh = jax.sharding.get_abstract_mesh()
    groups = 1 if mesh.empty else mesh.shape[DATA] * mesh.shape[FSDP]

    def cut(x: Array) -> Array:
        own = len(x) // groups
        least = max(n for n in range(1, min(size, own) + 1) if own % n == 0)
        if mesh.empty:
            return x.reshape(-1, least, *x.shape[1:])
        slices = x.reshape(groups, -1, least, *x.shape[1:]).swapaxes(0, 1)
        return _cut(slices.reshape(-1, groups * least, *x.shape[1:]), P(None, _ROWS))

    return jax.tree.map(cut, batch)


def by_rows(
    function: Callable[..., Array], *arrays: Float[Array, "rows ..."], summed: bool, **weights: Float[Array, "..."]
) -> Array:
    """function(*arrays, **weights), each group of devices with its own rows of `arrays`; over tensor, XLA cuts it.

    What loops over blocks of rows must be called so: a loop over an axis that is cut would run on one device's rows
    after another's.

    Args:
        summed: whether what comes back is a sum over rows; else it has an entry a row.
        weights: by their names in the model; each group needs them whole.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty or mesh.shape[DATA] * mesh.shape[FSDP] == 1:
        return function(*arrays, **weights)
    kinds = jax.tree.map(lambda leaf: leaf.dtype, weights)

    def mine(parts: Sequence[Array], wide: dict[str, Array]) -> Array:
        made = function(*parts, **jax.tree.map(jnp.astype, wide, kinds))
        return jax.lax.psum(made, _ROWS) if summed else made

    mapped = jax.shard_map(
        mine, in_specs=(P(_ROWS), P()), out_specs=P() if summed else P(_ROWS), axis_names=set(_ROWS), check_vma=False
    )
    # Their gradients are added over the groups in float32; XLA takes the casts of the weights themselves out again.
    return mapped(arrays, jax.tree.map(_wide, gathered(weights)))


def look_up(tokens: Int[Array, "B T"], embedding: Float[Array, "V D"]) -> Float[Array, "B T D"]:
    """embedding[tokens], without gathering the embedding over fsdp.

    Each device looks up its columns of the tokens of all, and they exchange what they found: that is as much as one
    activation, and so is what goes back for the gradient.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty or mesh.shape[DATA] * mesh.shape[FSDP] == 1:
        return embedding[tokens]
    kind = embedding.dtype

    def mine(tokens: Array, columns: Array) -> Array:
        every = jax.lax.all_gather(tokens, FSDP, tiled=True)
        return jax.lax.all_to_all(columns.astype(kind)[every], FSDP, split_axis=0, concat_axis=2, tiled=True)

    mapped = jax.shard_map(
        mine, in_specs=(P(_ROWS), P(None, FSDP)), out_specs=P(_ROWS), axis_names=set(_ROWS), check_vma=False
    )
    return mapped(tokens, embedding.astype(jnp.float32))


def by_heads(
    attention: Callable[[Array, Array, Array, Array], Array],
    q: Float[Array, "B T N H"],
    k: Float[Array, "B T K H"],
    v: Float[Array, "B T K H"],
    segment_ids: Int[Array, "B T"],
) -> Float[Array, "B T N H"]:
    """attention(q, k, v, segment_ids), each device with its own rows and heads: kernels need no communication.

    Where there are fewer key/value heads than devices along tensor, each of them is repeated for the devices that
    share it.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty:
        return attention(q, k, v, segment_ids)
    times = int(np.lcm(k.shape[2], mesh.shape[TENSOR])) // k.shape[2]
    k, v = (jnp.repeat(x, times, axis=2) if times > 1 else x for x in (k, v))
    heads = P(_ROWS, None, TENSOR, None)
    specs = (heads, heads, heads, P(_ROWS, None))
    return jax.shard_map(attention, in_specs=specs, out_specs=heads, check_vma=False)(q, k, v, segment_ids)


def on_mesh() -> bool:
    """Whether what is being traced is for a mesh."""
    return not jax.sharding.get_abstract_mesh().empty


def on_one_cpu() -> bool:
    """Whether what is being traced is for the CPU alone, where the kernels for training can be."""
    return target() == "cpu" and not on_mesh()


def _wide(leaf: Array) -> Array:
    return leaf.astype(jnp.float32) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf


def _weight_axes(name: str) -> tuple[Any, ...]:
    parts = name.split(".")
    logical = WEIGHTS.get(".".join(parts[-2:])) or WEIGHTS.get(parts[-1]) or ()
    return tuple(AXES[axis] for axis in logical)


def _even(axes: Sequence[Any], shape: Sequence[int], mesh: Any) -> P:
    return P(*(axis if size % _size(mesh, axis) == 0 else None for axis, size in zip(axes, shape, strict=True)))


def _size(mesh: Any, axis: str | tuple[str, ...] | None) -> int:
    names = (axis,) if isinstance(axis, str) else axis or ()
    return int(np.prod([mesh.shape[name] for name in names]))


def _cut(x: Array, spec: P) -> Array:
    return jax.lax.with_sharding_constraint(x, spec)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _gather(weight: Array, kept: P, used: P) -> Array:
    return _cut(_cut(weight, kept), used)


def _gather_forward(weight: Array, kept: P, used: P) -> tuple[Array, None]:
    return _gather(weight, kept, used), None


def _gather_backward(kept: P, used: P, saved: None, d_weight: Array) -> tuple[Array]:
    return (_cut(d_weight, kept),)


_gather.defvjp(_gather_forward, _gather_backward)
