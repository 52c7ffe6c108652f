"""Cached attention against NumPy in float64."""

import os
import subprocess
import sys

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings

from codegem.errors import UserError
from codegem.kernels import library, ops

from .attention_reference import THETA, problem, reference

if not ops.available():
    pytest.skip("the C++ kernels were not built", allow_module_level=True)


def bits(a: np.ndarray) -> np.ndarray:
    """For comparisons in which NaN equals itself and 0 does not equal -0."""
    return np.ascontiguousarray(a).view(f"u{a.dtype.itemsize}")


def attend(*arguments) -> list[np.ndarray]:
    return [np.asarray(a) for a in jax.jit(ops.attend_cached, static_argnames="theta")(*arguments, theta=THETA)]


def tolerance(dtype) -> float:
    """The amx set rounds queries and weights of bfloat16 caches to 8 bits: 2^-9 of each."""
    return 2e-2 if dtype == jnp.bfloat16 and ops.instructions() == "amx" else 2e-5


def check(arguments) -> None:
    mixed, keys, values = attend(*arguments)
    expected, expected_keys, expected_values = reference(*arguments)
    np.testing.assert_allclose(mixed, expected, atol=tolerance(arguments[3].dtype))
    np.testing.assert_array_equal(values.astype(np.float64), expected_values.astype(np.float64))
    # A rounding to bfloat16 may fall to the other side.
    np.testing.assert_allclose(
        keys.astype(np.float64),
        expected_keys.astype(np.float64),
        rtol=2**-7 if keys.dtype == jnp.bfloat16 else 0,
        atol=1e-6,
    )


@st.composite
def problems(draw):
    kv_heads, group = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 2, 3, 5, 8]))
    batch, rows = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 5, 17, 40]))
    size = draw(st.sampled_from([2, 10, 16, 32, 48, 64, 80, 128, 256]))
    lengths = draw(st.lists(st.integers(0, 600), min_size=batch, max_size=batch))
    capacity = max(lengths) + rows + draw(st.sampled_from([0, 1, 37]))
    dtype = draw(st.sampled_from([np.float32, jnp.bfloat16]))
    return problem(batch, rows, group * kv_heads, kv_heads, size, lengths, capacity, dtype, draw(st.integers(0, 99)))


@settings(max_examples=60, deadline=None)
@given(problems())
@example(problem(1, 1, 8, 1, 256, [511], 512, jnp.bfloat16))
@example(problem(1, 40, 8, 1, 256, [250], 300, jnp.bfloat16))
@example(problem(1, 40, 8, 1, 256, [250], 300, np.float32))
@example(problem(1, 3, 16, 16, 256, [256], 259, jnp.bfloat16))
@example(problem(2, 9, 4, 1, 64, [0, 700], 709, np.float32))
def test_it_equals_numpy(arguments):
    check(arguments)


def pieces(arguments, sizes, dtype):
    """Mixed rows where the T positions are read in pieces of these sizes."""
    q, k, v, keys, values, lengths = arguments
    mixed, at = [], 0
    for size in sizes:
        part = slice(at, at + size)
        out, keys, values = attend(q[:, part], k[:, part], v[:, part], keys, values, lengths + at)
        mixed.append(out)
        at += size
    return np.concatenate(mixed, axis=1), keys, values


@pytest.mark.parametrize("dtype", [np.float32, jnp.bfloat16])
@pytest.mark.parametrize(("heads", "kv_heads", "size"), [(8, 1, 256), (4, 1, 64), (3, 3, 32), (6, 2, 10)])
def test_a_row_does_not_depend_on_the_rows_beside_it(dtype, heads, kv_heads, size):
    """Bit for bit, for one piece, single positions, and cuts across the blocks of keys."""
    rows = 70
    arguments = problem(2, rows, heads, kv_heads, size, [230, 3], 310, dtype)
    whole = pieces(arguments, [rows], dtype)
    for sizes in ([1] * rows, [8] * 8 + [6], [16, 1, 33, 4, 16], [64, 6]):
        for one, other in zip(pieces(arguments, sizes, dtype), whole, strict=True):
            np.testing.assert_array_equal(bits(one), bits(other))


@pytest.mark.parametrize("dtype", [np.float32, jnp.bfloat16])
def test_a_row_does_not_depend_on_the_sequences_beside_it(dtype):
    both = problem(2, 3, 8, 2, 64, [300, 5], 320, dtype)
    alone = [a[1:] for a in both]
    for one, other in zip(attend(*alone), attend(*both), strict=True):
        np.testing.assert_array_equal(bits(one[0]), bits(other[1]))


def test_large_logits_stay_finite():
    q, k, v, keys, values, lengths = problem(1, 2, 2, 1, 64, [300], 310, np.float32)
    arguments = 1e3 * q, 1e3 * k, v, 1e3 * keys, values, lengths
    mixed, expected = attend(*arguments)[0], reference(*arguments)[0]
    np.testing.assert_allclose(mixed, expected, atol=1e-2)


@pytest.mark.parametrize("length", [-1, -(2**31), 7, 8, 2**31 - 1])
def test_lengths_outside_the_cache_are_an_error_and_write_nothing(length):
    q, k, v, keys, values, _ = problem(1, 2, 2, 1, 8, [8], 8, np.float32)
    with pytest.raises(jax.errors.JaxRuntimeError, match="do not fit into a cache of 8"):
        attend(q, k, v, keys, values, np.array([length], np.int32))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("q", lambda a: a.astype(jnp.bfloat16)),
        ("k", lambda a: a[:, :1]),
        ("values", lambda a: a.astype(jnp.bfloat16)),
        ("lengths", lambda a: a.astype(np.float32)),
        ("keys", lambda a: a.astype(np.float16)),
    ],
)
def test_arguments_that_do_not_fit_are_named(name, change):
    names = ("q", "k", "v", "keys", "values", "lengths")
    arguments = dict(zip(names, problem(1, 2, 2, 1, 8, [3], 8, np.float32), strict=True))
    arguments[name] = change(arguments[name])
    with pytest.raises(UserError, match=name):
        ops.attend_cached(*arguments.values(), theta=THETA)


def layers(q, k, v, caches, lengths):
    """Eighteen layers, each fed by the one before it."""
    written = []
    for keys, values in caches:
        q, keys, values = ops.attend_cached(q, k, v, keys, values, lengths, theta=THETA)
        written.append((keys, values))
    return q, written


def test_donated_caches_are_changed_in_place():
    """The compiled program copies no cache, and the caches stay where they were."""
    q, k, v, keys, values, lengths = problem(1, 1, 8, 1, 64, [5], 4096, jnp.bfloat16)
    caches = [(jnp.asarray(keys), jnp.asarray(values)) for _ in range(18)]
    program = jax.jit(layers, donate_argnums=3).lower(q, k, v, caches, lengths).compile()
    shape = "bf16[1,4096,1,64]"
    copies = [line for line in program.as_text().splitlines() if "copy" in line.split("(")[0] and shape in line]
    assert not copies
    assert program.memory_analysis().temp_size_in_bytes < 4096 * 64 * 2
    before = [a.unsafe_buffer_pointer() for pair in caches for a in pair]
    _, caches = program(q, k, v, caches, lengths)
    assert [a.unsafe_buffer_pointer() for pair in caches for a in pair] == before


def test_caches_that_are_not_donated_stay_as_they_were():
    arguments = [jnp.asarray(a) for a in problem(1, 2, 2, 1, 8, [3], 8, np.float32)]
    before = [np.asarray(a).copy() for a in arguments[3:5]]
    attend(*arguments)
    for one, other in zip(arguments[3:5], before, strict=True):
        np.testing.assert_array_equal(one, other)


def usable() -> list[str]:
    loaded = library.library()
    assert loaded is not None
    return library.usable_instructions(loaded)


@pytest.mark.parametrize("instructions", usable()[1:] if "CODEGEM_INSTRUCTIONS" not in os.environ else [])
def test_every_set_of_instructions(instructions: str):
    """This file again, in a process that is forced to a lower set."""
    environment = {**os.environ, "CODEGEM_INSTRUCTIONS": instructions}
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
