"""Memory for weights."""

import gc

import jax
import numpy as np
import pytest

from codegem.checkpoints.huge_pages import ALIGNMENT, reserve


@pytest.mark.parametrize("sizes", [[], [0], [1, 64, 63, 0, 65], [5 << 20, 3, 2 << 20]])
def test_pieces_are_aligned_and_apart(sizes: list[int]):
    pieces = reserve(sizes)
    assert [len(piece) for piece in pieces] == sizes
    assert all(piece.ctypes.data % ALIGNMENT == 0 for piece in pieces)
    for number, piece in enumerate(pieces):
        piece[:] = number
    assert all((piece == number).all() for number, piece in enumerate(pieces))


def test_a_piece_keeps_the_memory_alive():
    piece = reserve([100, 4 << 20])[1]
    gc.collect()
    piece[:] = 7
    assert (piece == 7).all()


def test_jax_uses_it_as_it_lies():
    if jax.default_backend() != "cpu":
        pytest.skip("the default device is no CPU")
    piece = reserve([3, 4096])[1].view(np.float32)
    assert jax.device_put(piece).unsafe_buffer_pointer() == piece.ctypes.data
