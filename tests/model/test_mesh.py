import pytest

from codegem.errors import UsageError
from codegem.model.config import PRESETS
from codegem.model.mesh import MeshShape


def test_sizes():
    assert (MeshShape(2, 3, 4).devices, MeshShape(2, 3, 4).row_groups) == (24, 6)


def test_an_empty_axis_is_refused():
    with pytest.raises(UsageError, match=r"mesh.fsdp is 0; it must be at least 1"):
        MeshShape(fsdp=0)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (MeshShape(data=3), r"batch_size is 16, which mesh.data · mesh.fsdp = 3 devices can't share evenly"),
        (MeshShape(fsdp=32), r"batch_size is 16, .* choose a multiple of 32, such as 32"),
        (MeshShape(tensor=8), r"model.num_heads is 4, which mesh.tensor = 8 devices can't share evenly"),
        (MeshShape(tensor=3), r"model.vocab_size is 8192, .* choose a multiple of 3, such as 8193"),
    ],
)
def test_what_cannot_be_cut_is_refused(shape, words):
    with pytest.raises(UsageError, match=words):
        shape.check(PRESETS["nano"], 16)


def test_fewer_key_value_heads_than_devices_are_allowed():
    MeshShape(data=2, fsdp=4, tensor=4).check(PRESETS["nano"], 16)
