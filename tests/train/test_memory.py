"""The memory table: against the arrays of a run, what JAX hands to a backward pass, and what XLA plans."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.mesh import MeshShape
from codegem.model.platform import compiling_for
from codegem.model.transformer import Remat, Transformer, cast
from codegem.recipes import find
from codegem.train.memory import compiled, cpu_devices, smallest, tpu_devices, worked_out
from codegem.train.recipe import TrainRecipe
from codegem.train.step import init_state

TINY = ModelConfig(
    vocab_size=64, num_layers=1, d_model=16, num_heads=2, num_kv_heads=1, head_dim=8, d_mlp=32, context_length=32
)
RECIPE = TrainRecipe(TINY, steps=10, batch_size=4, micro_batch=2, learning_rate=1e-3, warmup_steps=1)
SEVEN = find("codegemma-7b").train


def part(recipe: TrainRecipe, name: str) -> int:
    (found,) = (part.bytes for part in worked_out(recipe).parts if part.name == name)
    return found


def test_state_and_batch_are_what_xla_is_given():
    """Weights and moments as a run has them; the step is compiled for this machine."""
    state = init_state(RECIPE)
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    assert part(RECIPE, "weights") == sum(leaf.nbytes for leaf in jax.tree.leaves(state.model))
    assert part(RECIPE, "moments") == sum(leaf.nbytes for leaf in jax.tree.leaves(state.optimizer))
    found = compiled(RECIPE, cpu_devices(1), "cpu")
    batch = RECIPE.batch_size * TINY.context_length * 5 * 4
    assert held + batch <= found.arguments < held + batch + 1024  # metrics, a pointer to each array
    assert found.total == found.arguments + found.temporary + found.code > found.arguments


@pytest.mark.parametrize("remat", ["none", "mlp", "blocks"])
def test_activations_are_those_that_jax_keeps(remat: Remat):
    """By the shapes of what a backward pass is handed; tables of angles and the log-sum-exp are not counted."""
    length, layers = 256, 2
    model = ModelConfig(64, layers, 512, 4, 1, 128, 2048, context_length=length)
    shapes = jax.eval_shape(lambda: cast(Transformer.init(model, jax.random.key(0)), jnp.bfloat16))
    tokens = jax.ShapeDtypeStruct((1, length), jnp.int32)
    with compiling_for("tpu"):
        _, pullback = jax.eval_shape(
            lambda m, t: jax.vjp(lambda m: m.hidden(t, remat=remat, scan_layers=True), m), shapes, tokens
        )
    stacked = [leaf for leaf in jax.tree.leaves(pullback) if leaf.shape[:1] == (layers,) and length in leaf.shape]
    kept = sum(leaf.size * leaf.dtype.itemsize for leaf in stacked)
    recipe = replace(RECIPE, model=model, micro_batch=1, remat=remat)
    assert part(recipe, "activations kept") == pytest.approx(kept, rel=0.06)


def test_each_axis_of_the_mesh_cuts_its_share():
    whole = replace(SEVEN, mesh=MeshShape())
    fsdp, tensor = (replace(SEVEN, mesh=MeshShape(**{name: 4})) for name in ("fsdp", "tensor"))
    norms = 4 * SEVEN.model.d_model * (2 * SEVEN.model.num_layers + 1)  # whole everywhere
    for recipe in (fsdp, tensor):
        assert part(recipe, "weights") - norms == (part(whole, "weights") - norms) // 4
    assert part(fsdp, "logits") == part(whole, "logits") == 4 * part(tensor, "logits")
    assert part(fsdp, "gathered weights") > 0 == part(whole, "gathered weights")
    assert worked_out(replace(whole, mesh=MeshShape(data=4))) == worked_out(whole)


def test_the_fewest_devices():
    found = smallest(SEVEN, 32)
    assert found is not None
    mesh, memory = found
    assert memory.total <= 0.9 * 32e9 < worked_out(replace(SEVEN, mesh=replace(mesh, fsdp=mesh.fsdp // 2))).total
    assert smallest(SEVEN, 1) is None
    assert smallest(replace(SEVEN, mesh=MeshShape(tensor=8)), 16) is not None


def test_the_recipes_fit_the_chips_that_they_name():
    """16 GB each. The 7B has less room than the arithmetic leaves free: the compiler's figure is in docs/SCALE.md."""
    assert worked_out(find("codegemma-2b").train).total < 0.9 * 16e9
    assert worked_out(SEVEN).total < 15.75 * 2**30


def test_a_topology_that_nobody_knows():
    with pytest.raises(UserError, match="libtpu"):
        tpu_devices("v5e:three")
