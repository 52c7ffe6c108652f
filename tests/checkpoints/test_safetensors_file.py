"""Safetensors files: what is written is read by the library, what is read lies where JAX can use it."""

import gc
import os
import struct
import weakref
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from codegem.checkpoints.huge_pages import ALIGNMENT
from codegem.checkpoints.safetensors_file import Planned, open_safetensors, read_arrays, write_safetensors
from codegem.errors import UserError

KINDS = ["float16", "bfloat16", "float32", "int8", "uint8"]


def tensors() -> dict[str, np.ndarray]:
    """Each type, in sizes that are and are not multiples of 64 bytes, a scalar and an empty one."""
    numbers = np.random.default_rng(0)
    shapes = [(64, 32), (5,), (3, 7), (), (0, 4), (128,)]
    return {
        f"{kind} {shape}": numbers.integers(0, 100, shape).astype(kind) * np.ones((), kind)
        for kind in KINDS
        for shape in shapes
    }


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    write_safetensors(tmp_path / "ours.safetensors", tensors(), {"format": "pt"})
    return tmp_path / "ours.safetensors"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """By the library, with a header that puts every tensor 8 bytes behind a multiple of 64."""
    path = tmp_path / "theirs.safetensors"
    for padding in range(0, 64, 8):
        save_file(
            {"a": np.ones((64, 64), np.float32), "b": np.ones(64, ml_dtypes.bfloat16)}, path, {"x": "y" * padding}
        )
        if (8 + int.from_bytes(path.read_bytes()[:8], "little")) % ALIGNMENT == 8:
            return path
    raise AssertionError("no padding gives that place")


class TestWriting:
    def test_the_library_reads_it(self, ours: Path):
        read = load_file(ours)
        assert read.keys() == tensors().keys()
        for name, expected in tensors().items():
            assert read[name].dtype == expected.dtype and np.array_equal(read[name], expected), name
        with safe_open(ours, framework="np") as file:
            assert file.metadata() == {"format": "pt"}

    def test_tensors_of_whole_lines_begin_at_multiples_of_64(self, ours: Path):
        file = open_safetensors(ours)
        sizes = [(info.stop - info.start, info.start) for info in file.tensors.values()]
        assert sum(size % ALIGNMENT == 0 and size > 0 for size, _ in sizes) >= 10
        assert all(start % ALIGNMENT == 0 for size, start in sizes if size % ALIGNMENT == 0)

    def test_each_tensor_lies_at_a_multiple_of_its_type(self, ours: Path):
        file = open_safetensors(ours)
        assert all(info.start % file.dtype(name).itemsize == 0 for name, info in file.tensors.items())

    def test_arrays_of_jax_and_what_is_not_contiguous(self, tmp_path: Path):
        array = np.arange(12, dtype=np.float32).reshape(3, 4)
        write_safetensors(tmp_path / "a", {"jax": jnp.asarray(array, jnp.bfloat16), "turned": array.T})
        read = load_file(tmp_path / "a")
        assert np.array_equal(read["jax"].astype(np.float32), array) and np.array_equal(read["turned"], array.T)

    def test_planned_tensors_are_made_one_at_a_time(self, tmp_path: Path):
        made: list[weakref.ref[np.ndarray]] = []

        def make(value: int) -> np.ndarray:
            gc.collect()
            assert not any(other() is not None for other in made)
            array = np.full((1024, 16), value, np.int8)
            made.append(weakref.ref(array))
            return array

        plan = {str(n): Planned((1024, 16), np.dtype(np.int8), partial(make, n)) for n in range(5)}
        write_safetensors(tmp_path / "a", plan)
        assert [load_file(tmp_path / "a")[str(n)][0, 0] for n in range(5)] == [0, 1, 2, 3, 4]
        assert len(made) == 5

    def test_a_tensor_that_is_not_as_planned_is_not_written(self, tmp_path: Path):
        plan = {"a": Planned((2,), np.dtype(np.int8), lambda: np.zeros(3, np.int8))}
        with pytest.raises(ValueError, match=r"a is int8 \(3,\), and was planned as int8 \(2,\)"):
            write_safetensors(tmp_path / "a", plan)

    def test_no_tensors_at_all(self, tmp_path: Path):
        write_safetensors(tmp_path / "a", {})
        assert open_safetensors(tmp_path / "a").tensors == {} == load_file(tmp_path / "a")


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5).filter(lambda name: name != "__metadata__"),
        st.tuples(st.sampled_from(KINDS), st.lists(st.integers(0, 5), max_size=4)),
        max_size=5,
    ),
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), st.text('aé😀\n"\\', max_size=3)),
)
def test_whatever_is_written_is_read_here_and_by_the_library(tmp_path_factory, chosen, metadata):
    path = tmp_path_factory.mktemp("any") / "file"
    arrays = {name: np.ones(shape, kind) for name, (kind, shape) in chosen.items()}
    write_safetensors(path, arrays, metadata)
    ours, theirs = open_safetensors(path), load_file(path)
    assert ours.tensors.keys() == theirs.keys() == arrays.keys() and ours.metadata == metadata
    for name, array in arrays.items():
        assert ours.view(name).dtype == array.dtype and ours.view(name).shape == array.shape == theirs[name].shape
        assert np.array_equal(ours.view(name), array) and np.array_equal(ours.copy(name), array)


class TestReading:
    def test_an_aligned_tensor_is_the_files_own_memory(self, ours: Path):
        """Needed on CPUs alone: elsewhere a copy to the device is the point."""
        if jax.default_backend() != "cpu":
            pytest.skip("the default device is no CPU")
        file = open_safetensors(ours)
        for kind in KINDS:
            name = f"{kind} (64, 32)"
            array = file.array(name)
            assert array.unsafe_buffer_pointer() == file.view(name).ctypes.data
            assert array.dtype == kind and np.array_equal(array, tensors()[name])

    def test_an_array_keeps_the_map_alive(self, ours: Path):
        array = open_safetensors(ours).array("float32 (64, 32)")
        ours.unlink()
        gc.collect()
        assert np.array_equal(array, tensors()["float32 (64, 32)"])

    def test_giving_an_array_away_leaves_the_file_alone(self, ours: Path):
        """XLA writes the results of a program over arguments that it was given; a mapped file must not be one."""
        file = open_safetensors(ours)
        name = "float32 (64, 32)"
        given_away = partial(jax.jit, donate_argnums=0)(lambda x: x + 1)(file.array(name))
        assert np.array_equal(given_away, tensors()[name] + 1)
        assert np.array_equal(file.view(name), tensors()[name])

    def test_files_of_others_are_copied_to_a_multiple_of_64(self, theirs: Path):
        file = open_safetensors(theirs)
        assert all(info.start % ALIGNMENT == 8 for info in file.tensors.values())
        for name in "ab":
            copy, array = file.copy(name), file.array(name)
            assert copy.ctypes.data % ALIGNMENT == 0 and array.unsafe_buffer_pointer() % ALIGNMENT == 0
            assert np.array_equal(array, load_file(theirs)[name]) and array.dtype == copy.dtype

    def test_many_at_once(self, ours: Path, theirs: Path):
        """In whatever order, from several files, with gaps between those that are wanted."""
        first, second = open_safetensors(ours), open_safetensors(theirs)
        names = [name for name in first.tensors if "(3, 7)" not in name][::-1]
        wanted = [(second, "b"), *((first, name) for name in names), (second, "a")]
        arrays = read_arrays(wanted)
        for (file, name), array in zip(wanted, arrays, strict=True):
            assert array.dtype == file.dtype(name) and np.array_equal(array, file.view(name))
            assert not array.nbytes or array.ctypes.data % ALIGNMENT == 0
        assert read_arrays([]) == []

    def test_what_jax_can_use_stays_in_the_file_without_huge_pages(self, ours: Path, theirs: Path):
        if jax.default_backend() != "cpu":
            pytest.skip("the default device is no CPU")
        first, second = open_safetensors(ours), open_safetensors(theirs)
        name = "float32 (64, 32)"
        mapped, copied = read_arrays([(first, name), (second, "a")], huge_pages=False)
        assert mapped.ctypes.data == first.view(name).ctypes.data
        assert copied.ctypes.data % ALIGNMENT == 0 and np.array_equal(copied, second.view("a"))

    def test_a_read_that_stops_early_goes_on(self, ours: Path, monkeypatch: pytest.MonkeyPatch):
        """As the system may give less than was asked for, in the middle of a tensor or at its end."""
        sizes = iter([1, 63, 64, 65, 4096, 100, 10**6, 10**6])

        def some(handle: int, buffers: list[memoryview], at: int) -> int:
            data = left = os.pread(handle, next(sizes), at)
            for buffer in buffers:
                part, left = left[: len(buffer)], left[len(buffer) :]
                buffer[: len(part)] = part
            return len(data) - len(left)

        monkeypatch.setattr(os, "preadv", some)
        file = open_safetensors(ours)
        names = list(file.tensors)
        for name, copy in zip(names, file.copies(names), strict=True):
            assert np.array_equal(copy, file.view(name))

    def test_other_devices_get_views(self, ours: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
        file = open_safetensors(ours)
        (array,) = read_arrays([(file, "float32 (128,)")])
        assert array.ctypes.data == file.view("float32 (128,)").ctypes.data

    def test_a_copy_without_preadv(self, theirs: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delattr(os, "preadv", raising=False)
        assert np.array_equal(open_safetensors(theirs).copy("a"), load_file(theirs)["a"])

    def test_a_view_cannot_be_written(self, ours: Path):
        with pytest.raises(ValueError, match="read-only"):
            open_safetensors(ours).view("float32 (128,)")[0] = 1

    def test_a_file_that_is_cut_while_it_is_read(self, theirs: Path):
        file = open_safetensors(theirs)
        os.truncate(theirs, 4096)
        with pytest.raises(UserError, match="became shorter while it was read"):
            file.copy("b")

    def test_a_pipe_is_refused_and_not_waited_for(self, tmp_path: Path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UserError, match="not a regular file"):
            open_safetensors(tmp_path / "pipe")

    def test_no_file(self, tmp_path: Path):
        with pytest.raises(UserError, match="does not exist"):
            open_safetensors(tmp_path / "absent")

    def test_a_header_of_1_gb_is_not_read(self, tmp_path: Path):
        path = tmp_path / "large"
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", 1 << 30) + b"{")
            file.truncate(2 << 30)  # takes no room on the disk
        with pytest.raises(UserError, match="its header would have 1073741824 bytes"):
            open_safetensors(path)
