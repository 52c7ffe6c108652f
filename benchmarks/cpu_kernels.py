"""The products at the sizes of the 2B, beside the bandwidth that the memory gives in the same run.

    python benchmarks/cpu_kernels.py                             # 4 bits, blocks of 64, the best instructions there are
    python benchmarks/cpu_kernels.py --bits 8 --block 128
    python benchmarks/cpu_kernels.py --bits 16                   # bfloat16
    CODEGEM_INSTRUCTIONS=avx2 python benchmarks/cpu_kernels.py

With few rows the time is that of reading the weights, so the share of the bandwidth says how good it is; with many,
the operations a second do (a multiplication and an addition are two). Weights come from more memory than the caches
hold. Rounds alternate with passes of memory_bandwidth.cpp, and the best of each is taken: on a machine that others
use too, a median would be theirs.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from cpu_workers import bandwidth_worker
from rich.console import Console
from rich.table import Table

from codegem.kernels import library, ops
from codegem.kernels.dense import DenseMatrix
from codegem.kernels.matrix import QuantizedMatrix

WORKING_SET = 1 << 30  # Bytes of weights behind one another; no cache keeps them from round to round


@dataclass(frozen=True)
class Shape:
    """A product of the 2B by a matrix [rows, columns]; three of them make an MLP."""

    name: str
    columns: int
    rows: int
    count: int = 1


SHAPES = (
    Shape("q, k, v", 2048, 2560),
    Shape("attention's output", 2048, 2048),
    Shape("gate", 2048, 16384),
    Shape("down", 16384, 2048),
    Shape("MLP", 2048, 16384, 3),
    Shape("logits", 2048, 256000),
)


def random_matrix(rows: int, columns: int, bits: int, block: int, numbers: np.random.Generator) -> ops.Matrix:
    """Every code as likely as the others; of bfloat16, values of one size."""
    panels = -(-rows // 16)
    if bits == 16:
        words = np.frombuffer(numbers.bytes(panels * columns * 32), np.uint16) & 0x807F | 0x3C00
        return DenseMatrix(jnp.asarray(words.view(jnp.bfloat16).reshape(panels, columns // 2, 16, 2)), rows, columns)
    packed = (panels, columns * bits // 32, 16, 4)
    codes = np.frombuffer(numbers.bytes(int(np.prod(packed))), np.uint8 if bits == 4 else np.int8).reshape(packed)
    scales = jnp.full((panels, columns // block, 16), 0.01, jnp.bfloat16)
    return QuantizedMatrix(jnp.asarray(codes), scales, rows, columns, bits, block)


def calls(shape: Shape, rows: int, bits: int, block: int) -> tuple[Callable[[], object], float, float]:
    """A function that makes the product with one set of weights after the other; bytes and operations of one."""
    numbers = np.random.default_rng(0)
    x = jnp.asarray(numbers.standard_normal((rows, shape.columns), np.float32))
    norm = jnp.zeros(shape.columns)
    each = shape.count * shape.rows * shape.columns * (bits / 8 + (2 / block if bits < 16 else 0))
    copies = max(1, int(WORKING_SET / each)) if rows <= 16 else 1
    sizes = [(shape.rows, shape.columns), (shape.rows, shape.columns), (shape.columns, shape.rows)][: shape.count]
    weights = [[random_matrix(*size, bits, block, numbers) for size in sizes] for _ in range(copies)]

    @jax.jit
    def run(x: jax.Array, weights: list[list[ops.Matrix]]) -> list[jax.Array]:
        def multiply(x: jax.Array, *matrices: ops.Matrix) -> jax.Array:
            return ops.mlp(x, *matrices, norm=norm) if shape.count == 3 else ops.products(x, matrices)[0]

        return [multiply(x, *each)[0, 0] for each in weights]

    jax.block_until_ready(run(x, weights))
    operations = 2.0 * rows * shape.count * shape.rows * shape.columns
    return lambda: jax.block_until_ready(run(x, weights)), each * copies, operations * copies


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", type=int, default=4, choices=(4, 8, 16))
    parser.add_argument("--block", type=int, default=64, choices=(32, 64, 128))
    parser.add_argument("--rows", type=int, nargs="*", default=[1, 4, 8, 512])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    loaded = library.library()
    if loaded is None:
        raise SystemExit("the kernels were not built")
    threads = loaded.codegem_threads()
    blocks = f", blocks of {options.block}" if options.bits < 16 else ""
    title = f"{options.bits} bits{blocks}, {ops.instructions()}, {threads} threads"
    table = Table("product", "rows", "ms", "GB/s", "share of memory", "GOP/s", title=title)
    with tempfile.TemporaryDirectory() as scratch, bandwidth_worker(threads, Path(scratch)) as memory:
        for shape in SHAPES:
            for rows in options.rows:
                if rows > 16 and shape.name == "logits":
                    continue
                run, read, operations = calls(shape, rows, options.bits, options.block)
                times, bandwidths = [], []
                for _ in range(options.rounds):
                    bandwidths.append(max(memory.ask("read").values()))
                    start = time.perf_counter()
                    run()
                    times.append(time.perf_counter() - start)
                best, bandwidth = min(times), max(bandwidths)
                rate = read / best / 1e9
                copies = operations / (2.0 * rows * shape.count * shape.rows * shape.columns)
                share = f"{rate / bandwidth:.2f} of {bandwidth:.1f}" if rows <= 16 else ""
                cells = (f"{best / copies * 1e3:.3f}", f"{rate:.1f}", share, f"{operations / best / 1e9:,.0f}")
                table.add_row(f"{shape.name} {shape.columns} -> {shape.rows}", str(rows), *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
