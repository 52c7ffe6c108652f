"""Memory of each device of a training run: worked out from the shapes, and as XLA's compiler plans it.

What the arithmetic counts stands at the end of each line of the table, with the letters of `docs/ARCHITECTURE.md`:
R tokens that a device computes at once, L layers, D model, F MLP, N and K heads, H head size, V vocabulary, t the
devices along `tensor`. It knows nothing of a compiler's scratch space; `compiled` does.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from codegem.errors import UserError
from codegem.model.mesh import MeshShape
from codegem.model.platform import Platform, compiling_for
from codegem.train.recipe import TrainRecipe

GIB = 2**30
DEVICES: dict[str, float] = {
    "TPU v5e": 16,
    "TPU v4": 32,
    "TPU v6e": 32,
    "GPU A100 40 GB": 40,
    "GPU A100 80 GB": 80,
    "GPU H100 80 GB": 80,
    "TPU v5p": 95,
    "GPU H200": 141,
}
"""GB of memory of one device, as Google's pages on Cloud TPU and NVIDIA's data sheets say."""
USABLE = 0.9
"""Share of a device's memory that a program may plan with: the runtime, its libraries and fragments take the rest."""
_ROWS = 512  # of logits that stand at once: `cross_entropy.ROWS`


@dataclass(frozen=True)
class Part:
    """One line of the table: bytes on each device, and how they come about."""

    name: str
    bytes: int
    how: str


@dataclass(frozen=True)
class Memory:
    """The table of a recipe."""

    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        """Bytes on each device when most of them are in use: in the backward pass of the last micro-batch."""
        return sum(part.bytes for part in self.parts)


@dataclass(frozen=True)
class Compiled:
    """What the compiler plans for one device, in bytes.

    Attributes:
        arguments: the state, given and returned in place, and the batch.
        temporary: all that is allocated besides.
        peak: in use at the worst moment, as the compiler says it.
    """

    arguments: int
    temporary: int
    code: int
    peak: int

    @property
    def total(self) -> int:
        """All that is allocated."""
        return self.arguments + self.temporary + self.code


def worked_out(recipe: TrainRecipe, length: int | None = None) -> Memory:
    """The table of a recipe on its mesh.

    Args:
        length: tokens of a row; default the context that the model is made for.

    >>> from codegem.recipes import find
    >>> recipe = replace(find("codegemma-2b").train, mesh=MeshShape(fsdp=16), remat="blocks")
    >>> weights = worked_out(recipe).parts[0]
    >>> weights.name, round(weights.bytes / 2**30, 2)
    ('weights', 0.58)
    """
    return Memory((*_state(recipe), *_weights_in_use(recipe), *_activations(recipe, length)))


def compiled(recipe: TrainRecipe, devices: Sequence[Any], platform: Platform, length: int | None = None) -> Compiled:
    """What XLA plans for the step of a recipe on devices that need not be there; no array is made.

    Args:
        devices: as many as the mesh has: of this machine, or of a described topology (`tpu_devices`).
        platform: of these devices.
        length: tokens of a row; default the context that the model is made for.
    """
    from codegem.model.sharding import make_mesh
    from codegem.train.layout import abstract_batch
    from codegem.train.step import abstract_state, make_step

    mesh = make_mesh(recipe.mesh, devices)
    with compiling_for(platform):
        step = make_step.__wrapped__(recipe)  # a new one: this process may train with the other
        program = step.lower(abstract_state(recipe, mesh), abstract_batch(_batch(recipe, length), mesh)).compile()
    found = program.memory_analysis()
    return Compiled(
        found.argument_size_in_bytes + found.output_size_in_bytes - found.alias_size_in_bytes,
        found.temp_size_in_bytes,
        found.generated_code_size_in_bytes,
        found.peak_memory_in_bytes,
    )


def cpu_devices(count: int) -> Sequence[Any]:
    """So many simulated devices of this machine's processor, or as many as it had when JAX was first used."""
    with suppress(RuntimeError):  # JAX has been used: it keeps what it has
        jax.config.update("jax_num_cpu_devices", count)
    return jax.devices("cpu")[:count]


def tpu_devices(topology: str) -> Sequence[Any]:
    """Devices of a TPU slice that need not be there, such as v5e:8x8; needs the package libtpu.

    Raises:
        UserError: the package is missing, or knows no such topology.
    """
    from jax.experimental import topologies

    try:
        return topologies.get_topology_desc(platform="tpu", topology_name=topology).devices
    except Exception as error:  # of many kinds: the plugin, its C interface, the name
        raise UserError(
            f"Compiling for the TPU topology {topology!r} did not begin ({str(error).splitlines()[0][:200]}): "
            "install libtpu (pip install libtpu), and name a topology such as v5e:8x8."
        ) from error


def smallest(recipe: TrainRecipe, memory: float, length: int | None = None) -> tuple[MeshShape, Memory] | None:
    """The mesh with the fewest devices of `memory` GB that the arithmetic fits, or None.

    `data` and `tensor` stay as the recipe has them; `fsdp` grows by powers of two as far as the batch has rows for it.
    """
    fsdp = 1
    while recipe.batch_size % (recipe.mesh.data * fsdp * recipe.micro_batch) == 0 and recipe.model.d_model % fsdp == 0:
        mesh = replace(recipe.mesh, fsdp=fsdp)
        found = worked_out(replace(recipe, mesh=mesh), length)
        if found.total <= USABLE * memory * 1e9:
            return mesh, found
        fsdp *= 2
    return None


def _batch(recipe: TrainRecipe, length: int | None) -> dict[str, jax.ShapeDtypeStruct]:
    shape = (recipe.batch_size, recipe.model.context_length if length is None else length)
    names = ("tokens", "targets", "positions", "segment_ids")
    return {name: jax.ShapeDtypeStruct(shape, jnp.int32) for name in names} | {
        "loss_weights": jax.ShapeDtypeStruct(shape, jnp.float32)
    }


def _state(recipe: TrainRecipe) -> list[Part]:
    """What stays from step to step, by the layout of a run (`model/sharding.py`), and the sum of the gradients."""
    state = _shapes(replace(recipe, mesh=MeshShape(), remat="none", scan_layers=False))
    weights, moments = _kept(state.model, recipe.mesh), _kept(state.optimizer, recipe.mesh)
    return [
        Part("weights", weights, "float32, cut over fsdp and tensor"),
        Part("moments", moments, f"float32, of {recipe.optimizer}"),
        Part("gradients", weights, "float32, summed over micro-batches"),
    ]


@cache
def _shapes(recipe: TrainRecipe) -> Any:
    """A training state without numbers; tracing a model of 28 layers takes a second."""
    from codegem.train.step import init_state

    return jax.eval_shape(lambda: init_state(recipe))


def _weights_in_use(recipe: TrainRecipe) -> list[Part]:
    """Copies in the dtype of the arithmetic, and what FSDP brings together while it is needed."""
    model, mesh = recipe.model, recipe.mesh
    size, tensor = _size(recipe), mesh.tensor
    embedding = model.vocab_size * model.d_model
    block = (model.parameters - embedding) // model.num_layers // tensor
    copies = size * model.parameters // (mesh.fsdp * tensor)
    gathered = size * (2 * block + embedding // tensor) if mesh.fsdp > 1 else 0
    return [
        Part("weights for the arithmetic", copies, f"{recipe.dtype}, cut alike"),
        Part("gathered weights", gathered, "two blocks, the embedding; whole but for tensor"),
        Part("gradient of the embedding", 4 * embedding // tensor, "4 V D / t: summed here before it is cut"),
    ]


def _activations(recipe: TrainRecipe, length: int | None) -> list[Part]:
    model, size, tensor = recipe.model, _size(recipe), recipe.mesh.tensor
    tokens = recipe.micro_batch * (model.context_length if length is None else length)
    queries, keys = (count * model.head_dim / tensor for count in (model.num_heads, model.num_kv_heads))
    mlp, width = model.d_mlp / tensor, model.d_model
    kept, how = {  # the arrays that JAX hands from the forward to the backward pass of a block
        "none": (12 * width + 4 * queries + 2 * keys + 8 * mlp, "L R (12 D + (4 N + 2 K) H / t + 8 F / t)"),
        "mlp": (width + 3 * queries + 2 * keys, "L R (D + (3 N + 2 K) H / t)"),
        "blocks": (width, "L R D"),
    }[recipe.remat]
    block = 4 * width + 2 * queries + 2 * keys + 8 * mlp
    rows = min(_ROWS, tokens)
    return [
        Part("activations kept", int(size * model.num_layers * tokens * kept), f"remat {recipe.remat}: {how}"),
        Part("one block's backward pass", int(size * tokens * block), "R (4 D + (2 N + 2 K) H / t + 8 F / t)"),
        Part("logits", 10 * rows * model.vocab_size // tensor, f"{rows} rows of V / t: logits, their gradient"),
    ]


def _kept(tree: Any, mesh: MeshShape) -> int:
    """Bytes of a tree's arrays on each device."""
    from codegem.model.sharding import DATA, FSDP, TENSOR, stored

    sizes = {DATA: mesh.data, FSDP: mesh.fsdp, TENSOR: mesh.tensor}
    abstract = jax.sharding.AbstractMesh(tuple(sizes.values()), tuple(sizes))
    total = 0
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        spec = stored(jax.tree_util.keystr(path, simple=True, separator="."), leaf.shape, abstract)
        total += leaf.size * leaf.dtype.itemsize // math.prod(sizes[axis] for axis in spec if axis is not None)
    return total


def _size(recipe: TrainRecipe) -> int:
    return jnp.dtype(recipe.dtype).itemsize
