"""Every layout has the losses of one device, and goes on with what another one saved.

Two meshes stand for all here; benchmarks/sharding.py runs every layout for 50 steps.
"""

from pathlib import Path

import jax
import numpy as np
import pytest

from codegem.model.mesh import MeshShape
from codegem.train.layout import own_rows, place, place_batch, run_mesh, whole

from .mesh_runs import Plan, Planned, deviation, losses, start

QUICK = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # compiles in half the time
MIX, FULLY_SHARDED = (2, 2, 2), (1, 8, 1)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Runs on eight simulated devices, in one process."""
    out = tmp_path_factory.mktemp("meshes")
    planned = [
        Planned(str(out / "one")),
        Planned(str(out / "mix"), MIX),
        Planned(str(out / "moved"), MIX, stop=2),
        Planned(str(out / "moved"), FULLY_SHARDED, stop=4),
        Planned(str(out / "moved")),
    ]
    process = start(Plan(tuple(planned)), 8, **QUICK)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return out


def test_a_mesh_has_the_losses_of_one_device(runs):
    assert deviation(runs / "mix", runs / "one") < 1e-6
    steps = losses(runs / "one")
    assert steps[6] < steps[1] - 0.2


def test_a_run_goes_on_from_a_checkpoint_of_another_layout(runs):
    assert deviation(runs / "moved", runs / "one") < 1e-6


def test_one_device_needs_no_mesh():
    assert run_mesh(MeshShape()) is None
    assert own_rows(MeshShape(), 6) == list(range(6))
    tree = {"a": jax.numpy.ones(3)}
    assert place(tree, MeshShape()) is tree
    assert whole(tree) is tree
    placed = place_batch({"tokens": np.ones((2, 3), np.int32)}, MeshShape())
    assert isinstance(placed["tokens"], jax.Array)
