"""Where the arrays of a run lie, and programs that are compiled for a mesh.

Every process of a run is given its own rows of each batch, and puts them on its own devices; weights and moments are
made where they are to stay.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, use_abstract_mesh
from jaxtyping import PyTree

from codegem.model.mesh import MeshShape
from codegem.model.sharding import AXES, layouts, make_mesh, put

Batch = Mapping[str, Any]
_WHOLE, _BY_ROWS = PartitionSpec(), PartitionSpec(AXES["rows"])


@cache
def run_mesh(shape: MeshShape) -> Mesh | None:
    """The mesh of a run over every device of every process; None for one device, which needs none.

    Raises:
        UserError: there are more or fewer devices than the shape says.
    """
    return None if shape.devices == jax.process_count() == 1 else make_mesh(shape)


def own_rows(shape: MeshShape, batch_size: int) -> list[int]:
    """The rows of every batch that this process reads: those of its devices.

    Together the processes read every row; two whose devices share a group along tensor read the same.
    """
    mesh = run_mesh(shape)
    if mesh is None:
        return list(range(batch_size))
    size = batch_size // shape.row_groups
    return [row for group in _own_groups(mesh) for row in range(group * size, (group + 1) * size)]


def place_batch(batch: Batch, shape: MeshShape) -> Batch:
    """A batch on the devices, from the rows of this process. May be called from a thread."""
    mesh = run_mesh(shape)
    return jax.device_put(dict(batch)) if mesh is None else _placed(batch, mesh)


def place(tree: PyTree, shape: MeshShape) -> PyTree:
    """Weights of this host in the layout of the run, as `frozen` of a step; every process has them whole."""
    mesh = run_mesh(shape)
    return tree if mesh is None else put(tree, mesh)


def whole(tree: PyTree) -> PyTree:
    """Arrays that this host can read whole; every process calls it where there are several."""
    if jax.process_count() == 1:
        return tree
    from jax.experimental.multihost_utils import process_allgather

    return jax.tree.map(lambda leaf: process_allgather(leaf, tiled=True), tree)


def abstract(tree: PyTree, mesh: Mesh) -> PyTree:
    """Shapes, dtypes and layouts of weights or a training state, for compiling ahead of time."""
    return jax.tree.map(_abstract, tree, layouts(tree, mesh))


def abstract_batch(batch: Batch, mesh: Mesh) -> Batch:
    """The same for a batch."""
    return {name: _abstract(value, NamedSharding(mesh, _BY_ROWS)) for name, value in batch.items()}


class OnMesh:
    """A function (first, batch, frozen), compiled for the mesh on which its first argument lies.

    Args:
        keeps: it returns (first, anything): the first argument is given away for a result that lies as it did. All
            else that it returns is whole on every device.
    """

    def __init__(self, function: Callable[..., Any], *, keeps: bool):
        self._function, self._keeps = function, keeps
        self._compiled: dict[Any, Any] = {}

    def __call__(self, first: PyTree, batch: Batch, frozen: PyTree = None) -> Any:
        mesh = _mesh_of(first)
        return self._program(first, mesh)(first, _placed(batch, mesh), frozen)

    def lower(self, first: PyTree, batch: Batch, frozen: PyTree = None) -> Any:
        """As `jax.jit`'s, for arguments of `abstract` and `abstract_batch`."""
        return self._program(first, _mesh_of(first)).lower(first, batch, frozen)

    def _cache_size(self) -> int:
        return sum(program._cache_size() for program in self._compiled.values())

    def _program(self, first: PyTree, mesh: Mesh) -> Any:
        key = mesh, jax.tree.structure(first)
        if key not in self._compiled:

            def traced(first: PyTree, batch: Batch, frozen: PyTree) -> Any:
                with use_abstract_mesh(mesh.abstract_mesh):
                    return self._function(first, batch, frozen)

            whole = NamedSharding(mesh, _WHOLE)
            out = (jax.tree.map(lambda leaf: leaf.sharding, first), whole) if self._keeps else whole
            donated = (0,) if self._keeps else ()
            self._compiled[key] = jax.jit(traced, out_shardings=out, donate_argnums=donated)
        return self._compiled[key]


def _placed(batch: Batch, mesh: Mesh) -> Batch:
    layout = NamedSharding(mesh, _BY_ROWS)
    groups = {group: position for position, group in enumerate(_own_groups(mesh))}
    row_groups = mesh.shape["data"] * mesh.shape["fsdp"]

    def one(value: Any) -> jax.Array:
        if isinstance(value, jax.Array) and value.sharding == layout:
            return value
        size = len(value) // len(groups)  # rows of a group

        def part(index: Any) -> np.ndarray:
            first = groups[(index[0].start or 0) // size] * size
            return np.asarray(value[first : first + size])

        return jax.make_array_from_callback((row_groups * size, *value.shape[1:]), layout, part)

    return {name: one(value) for name, value in batch.items()}


@cache
def _own_groups(mesh: Mesh) -> tuple[int, ...]:
    """Which groups of rows the devices of this process have."""
    by_group = mesh.devices.reshape(-1, mesh.shape["tensor"])
    mine = jax.process_index()
    return tuple(group for group, devices in enumerate(by_group) if any(d.process_index == mine for d in devices))


def _mesh_of(tree: PyTree) -> Mesh:
    return jax.tree.leaves(tree)[0].sharding.mesh


def _abstract(leaf: Any, layout: NamedSharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=layout)
