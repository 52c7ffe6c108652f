"""The table of axes; that the losses of every layout are those of one device is tests/train/test_layout.py's."""

import jax
import numpy as np
import optax
import pytest
from jax.sharding import AbstractMesh, PartitionSpec

from codegem.errors import UserError
from codegem.model.config import PRESETS
from codegem.model.mesh import MeshShape
from codegem.model.sharding import (
    by_heads,
    by_rows,
    constrain,
    gathered,
    in_slices,
    layouts,
    look_up,
    make_mesh,
    on_mesh,
    stored,
)
from codegem.model.transformer import Transformer

MESH = AbstractMesh((2, 4, 2), ("data", "fsdp", "tensor"))


def specs(tree):
    named = jax.tree_util.tree_leaves_with_path(layouts(tree, MESH))
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf.spec for path, leaf in named}


def test_every_matrix_is_cut_over_both_axes_and_norms_are_whole():
    model = jax.eval_shape(lambda: Transformer.init(PRESETS["nano"], jax.random.key(0)))
    found = specs(model)
    matrices = {name: spec for name, spec in found.items() if not name.endswith("scale")}
    assert len(matrices) == 1 + 7 * PRESETS["nano"].num_layers
    assert set(matrices.values()) == {PartitionSpec("tensor", "fsdp"), PartitionSpec("fsdp", "tensor")}
    assert {found[name] for name in found.keys() - matrices.keys()} == {PartitionSpec()}
    shrink = {name: spec for name, spec in matrices.items() if spec == PartitionSpec("fsdp", "tensor")}
    assert {name.split(".")[-2] for name in shrink} == {"o", "down"}  # what goes back to the residual stream


def test_moments_are_cut_as_their_weights():
    model = jax.eval_shape(lambda: Transformer.init(PRESETS["nano"], jax.random.key(0)))
    weights, moments = specs(model), specs(jax.eval_shape(optax.adam(1e-3).init, model))
    for name, spec in weights.items():
        assert [moments[f"0.{moment}.{name}"] for moment in ("mu", "nu")] == [spec, spec]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("model.blocks.0.q.a", (8, 32)),  # of an adapter
        ("blocks.0.attention.q.weight.codes", (8, 32)),  # of packed weights
        ("optimizer.0.v_row.blocks.0.attention.q.weight", (32,)),  # a moment of another shape
        ("step", ()),
    ],
)
def test_what_the_table_does_not_know_is_whole(name, shape):
    assert stored(name, shape, MESH) == PartitionSpec()


def test_an_axis_that_cannot_be_cut_evenly_is_whole():
    assert stored("blocks.0.attention.k.weight", (7, 32), MESH) == PartitionSpec(None, "fsdp")


def test_too_few_devices_are_refused():
    with pytest.raises(UserError, match=r"2 \(data\) x 1 \(fsdp\) x 3 \(tensor\) is for 6 devices, and there are 1:"):
        make_mesh(MeshShape(2, 1, 3), jax.devices()[:1])


def test_without_a_mesh_nothing_is_said():
    x = jax.numpy.arange(12.0).reshape(2, 2, 3)
    heads = x[..., None]
    assert not on_mesh()
    assert constrain(x, "rows", "positions", "features") is x
    assert gathered(x) is x
    assert by_rows(lambda a, b: (a, b), x, summed=True, b=x) == (x, x)
    assert by_heads(lambda *args: args, heads, heads, heads, x) == (heads, heads, heads, x)
    np.testing.assert_array_equal(look_up(np.array([[1, 0]]), x[0]), x[:1, ::-1])


@pytest.mark.parametrize(("size", "slices"), [(1, 6), (2, 3), (4, 2), (6, 1), (9, 1)])
def test_slices_are_as_large_as_divides_the_rows(size, slices):
    rows = np.arange(12).reshape(6, 2)
    cut = in_slices({"tokens": rows}, size)["tokens"]
    assert cut.shape == (slices, 6 // slices, 2)
    np.testing.assert_array_equal(cut.reshape(6, 2), rows)
