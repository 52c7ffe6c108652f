"""The kernels outside of Python: building cpp/selftest.cpp for any processor, and running cases through it."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from codegem.kernels.matrix import QuantizedMatrix

from . import attention_reference, reference

ROOT = Path(__file__).parents[2]
STORE, ADD, GEGLU = range(3)


def build(folder: Path, *settings: str) -> Path:
    """The program, built by CMake in `folder`; the test is skipped where CMake or its compiler is absent."""
    cmake = shutil.which("cmake")
    compiler = next((word.split("=")[1] for word in settings if word.startswith("-DCMAKE_CXX_COMPILER=")), "c++")
    for tool, found in {"cmake": cmake, compiler: shutil.which(compiler)}.items():
        if not found:
            pytest.skip(f"{tool} is not installed")
    subprocess.run(
        [str(cmake), "-S", str(ROOT), "-B", str(folder), "-DCODEGEM_SELFTEST=ON", *settings],
        check=True,
        capture_output=True,
    )
    subprocess.run([str(cmake), "--build", str(folder), "--parallel"], check=True, capture_output=True)
    return folder / "selftest"


@dataclass(frozen=True)
class Case:
    """One product: its input for the program, and what NumPy makes of it."""

    data: bytes
    shape: tuple[int, ...]
    expected: np.ndarray
    tolerance: np.ndarray | float


def product_case(rows: int, columns: int, outputs: int, bits: int, block: int, *, finish: int = STORE) -> Case:
    """A product with or without a residual, or a GeGLU behind a norm."""
    numbers = np.random.default_rng(rows + columns + outputs + bits + block)
    x = numbers.standard_normal((rows, columns), np.float32)
    norm = numbers.standard_normal(columns).astype(np.float32) / 4
    residual = numbers.standard_normal((rows, outputs), np.float32)
    matrices = [reference.random_matrix(seed, outputs, columns, bits, block) for seed in range(1 + (finish == GEGLU))]
    packed = [QuantizedMatrix.pack(codes, scales, bits) for codes, scales in matrices]
    header = [0, finish, rows, columns, packed[0].block, finish == GEGLU, len(matrices)]
    header += [number for _ in matrices for number in (bits, outputs)]
    data = np.array(header, np.int64).tobytes() + np.float32(1e-6).tobytes() + x.tobytes()
    data += norm.tobytes() if finish == GEGLU else b""
    data += residual.tobytes() if finish == ADD else b""
    for matrix in packed:
        data += np.asarray(matrix.codes).tobytes() + np.asarray(matrix.scales).tobytes()
    if finish == GEGLU:
        normed = reference.norm(x, norm, 1e-6)
        dense = [reference.dequantize(codes, scales, block) for codes, scales in matrices]
        gate, up = (normed @ weight.T for weight in dense)
        # GELU's slope is at most 1.13.
        off = [reference.error_bound(normed, weight, block) for weight in dense]
        tolerance = 1.13 * off[0] * (np.abs(up) + off[1]) + np.abs(gate) * off[1]
        return Case(data, (rows, outputs), reference.gelu(gate) * up, tolerance)
    expected = reference.product(x, *matrices[0], block) + (residual if finish == ADD else 0)
    return Case(data, (rows, outputs), expected, 2e-6 * np.abs(expected).max())


def dense_case(rows: int, columns: int, outputs: int) -> Case:
    """A product with bfloat16 weights."""
    numbers = np.random.default_rng(rows + columns + outputs)
    x = numbers.standard_normal((rows, columns), np.float32)
    weight = reference.bfloat16(numbers.standard_normal((outputs, columns), np.float32))
    header = np.array([1, rows, columns, outputs], np.int64).tobytes()
    data = header + x.tobytes() + (weight.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    return Case(data, (rows, outputs), x.astype(np.float64) @ weight.T.astype(np.float64), 4e-6 * columns**0.5)


def attention_case(batch: int, rows: int, heads: int, kv_heads: int, size: int, filled: int, dtype) -> Case:
    """Cached attention; each sequence of the batch has a few slots more filled."""
    lengths = [filled + 7 * row for row in range(batch)]
    capacity = lengths[-1] + rows + 3
    problem = attention_reference.problem(batch, rows, heads, kv_heads, size, lengths, capacity, dtype)
    header = [2, batch, rows, heads, kv_heads, size, capacity, dtype != np.float32]
    data = np.array(header, np.int64).tobytes() + b"".join(np.ascontiguousarray(array).tobytes() for array in problem)
    expected = attention_reference.reference(*problem)[0]
    return Case(data + attention_reference.frequencies(size // 2).tobytes(), expected.shape, expected, 2e-5)


def attention_cases() -> list[Case]:
    """Multi-query, grouped and multi-head, even sizes of heads, and both types of cache."""
    return [
        attention_case(*shape, dtype)
        for dtype in (np.float32, jnp.bfloat16)
        for shape in [(1, 1, 8, 1, 256, 300), (2, 9, 4, 1, 64, 250), (1, 3, 4, 4, 32, 0), (2, 5, 6, 2, 10, 40)]
    ]


def cases() -> list[Case]:
    """Odd shapes for every kernel, and one row up to several tiles."""
    made = [dense_case(rows, columns, 13) for rows in (1, 3, 9) for columns in (1, 70, 256)]
    for bits in (4, 8):
        for block in (32, 64, 128):
            for rows, columns, outputs in [
                (1, 100, 17),
                (2, 32, 1),
                (3, 64, 16),
                (5, 160, 40),
                (8, 130, 31),
                (37, 96, 50),
            ]:
                made += [
                    product_case(rows, columns, outputs, bits, block, finish=finish) for finish in (STORE, ADD, GEGLU)
                ]
    return made


def check(command: Sequence[str], these: Sequence[Case]) -> None:
    """Run the program and compare."""
    done = subprocess.run(command, input=b"".join(case.data for case in these), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    results = np.frombuffer(done.stdout, np.float32)
    assert len(results) == sum(case.expected.size for case in these)
    start = 0
    for case in these:
        result = results[start : start + case.expected.size].reshape(case.shape)
        start += case.expected.size
        assert (np.abs(result - case.expected) <= case.tolerance).all()
