"""The kernels outside of Python: building cpp/selftest.cpp for any processor, and running cases through it."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from codegem.kernels.dense import COLUMNS, DenseMatrix
from codegem.kernels.matrix import QuantizedMatrix

from . import attention_reference, reference

ROOT = Path(__file__).parents[2]


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


def product_case(rows: int, columns: int, outputs: int, bits: int, block: int, *, adds: bool = False) -> Case:
    """A product, with or without a residual; 16 bits are bfloat16."""
    numbers = np.random.default_rng(rows + columns + outputs + bits + block)
    x = numbers.standard_normal((rows, columns), np.float32)
    residual = numbers.standard_normal((rows, outputs), np.float32)
    weight = Weight.random(0, outputs, columns, bits, block)
    header = np.array([0, adds, rows, columns, weight.block, 0, 1, bits, outputs], np.int64).tobytes()
    data = header + np.float32(1e-6).tobytes() + x.tobytes() + (residual.tobytes() if adds else b"") + weight.data
    return Case(data, (rows, outputs), weight.product(x) + (residual if adds else 0), weight.tolerance)


def mlp_case(rows: int, columns: int, hidden: int, bits: int, block: int) -> Case:
    """A whole MLP."""
    numbers = np.random.default_rng(rows + columns + hidden + bits + block)
    x = numbers.standard_normal((rows, columns), np.float32)
    norm = numbers.standard_normal(columns).astype(np.float32) / 4
    shapes = [(hidden, columns), (hidden, columns), (columns, hidden)]
    weights = [Weight.random(seed, *shape, bits, block) for seed, shape in enumerate(shapes)]
    blocks = [weights[0].block, weights[2].block]
    header = np.array([1, rows, columns, hidden, *blocks, bits, bits, bits], np.int64).tobytes()
    data = header + np.float32(1e-6).tobytes() + x.tobytes() + norm.tobytes() + b"".join(w.data for w in weights)
    expected, tolerance = reference.mlp(x, norm, 1e-6, *(w.dense for w in weights), block=None if bits == 16 else block)
    return Case(data, (rows, columns), expected, tolerance)


@dataclass(frozen=True)
class Weight:
    """A random matrix: as the program takes it, and for NumPy."""

    data: bytes
    block: int
    dense: np.ndarray
    product: Callable[[np.ndarray], np.ndarray]
    tolerance: float

    @staticmethod
    def random(seed: int, rows: int, columns: int, bits: int, block: int) -> "Weight":
        """Codes over their whole range, or bfloat16 values; of deviation 1/sqrt(columns) or so."""
        if bits == 16:
            dense = reference.random_dense(seed, rows, columns)
            data = np.asarray(DenseMatrix.pack(dense).values).tobytes()
            return Weight(data, COLUMNS, dense, lambda x: x.astype(np.float64) @ dense.T.astype(np.float64), 4e-6)
        codes, scales = reference.random_matrix(seed, rows, columns, bits, block)
        packed = QuantizedMatrix.pack(codes, scales, bits)
        data = np.asarray(packed.codes).tobytes() + np.asarray(packed.scales).tobytes()
        dense = reference.dequantize(codes, scales, block)
        return Weight(data, packed.block, dense, lambda x: reference.product(x, codes, scales, block), 2e-5)


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
    shapes = [(1, 100, 17), (2, 32, 1), (3, 64, 16), (5, 160, 40), (8, 130, 31), (37, 96, 50)]
    kinds = [(bits, block) for bits in (4, 8) for block in (32, 64, 128)] + [(16, COLUMNS)]
    made = []
    for bits, block in kinds:
        for shape in shapes:
            made += [product_case(*shape, bits, block), product_case(*shape, bits, block, adds=True)]
            made.append(mlp_case(*shape, bits, block))
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
