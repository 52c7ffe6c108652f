"""What quantizing costs: the perplexity of a model on held-out code by bits and block, as it is served.

    codegem data build corpus/held-out --recipe nano-infill --tokenizer src/codegem/assets/nano/tokenizer.json \
        --validation-share 0 --out data/held-out
    python benchmarks/quantization.py data/held-out

Each row of the table is compared with the weights as they are, on the same tokens; ± is the standard error of the
difference. "Weights" is the root of the mean squared error of the matrices, relative to theirs.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import codegem
from codegem.checkpoints.huggingface import load
from codegem.data.shards import ExampleSource
from codegem.kernels import ops
from codegem.kernels.matrix import BLOCKS, QuantizedMatrix
from codegem.model.fused import FusedTransformer, fuse
from codegem.model.quantize import BLOCK, quantize, quantize_matrix
from codegem.model.transformer import Transformer, cast

ASSETS = Path(codegem.__file__).parent / "assets" / "nano"
BATCH = 20


def main() -> None:
    """Measure every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder made by `codegem data build` with the model's tokenizer")
    parser.add_argument("--model", type=Path, default=ASSETS)
    parser.add_argument("--rows", type=int, default=1000, help="examples, evenly spaced over the data set")
    options = parser.parse_args()
    model, _ = load(options.model)
    batches = list(examples(options.data, options.rows))
    plain = losses(cast(model, jnp.float32), batches)
    count = sum(float(counted.sum()) for _, counted in batches)
    table = Table(title=f"{options.model.name}, {count:,.0f} tokens, perplexity {np.exp(plain.sum() / count):.3f}")
    for name in ("bits", "block", "embedding", "computed by", "weights", "perplexity"):
        table.add_column(name, justify="right")
    for label, variant, reference in variants(model):
        change = losses(variant, batches) - plain
        error = change.std() * np.sqrt(len(change)) / count
        cost = f"{100 * np.expm1(change.sum() / count):+.2f}% ± {100 * error:.2f}"
        table.add_row(*label, f"{100 * relative_error(reference, model):.2f}%", cost)
        Console(stderr=True).print(*label, cost)
    Console().print(table)


def variants(model: Transformer) -> Iterator[tuple[list[str], Transformer | FusedTransformer, Transformer]]:
    """Each variant: what to call it, the model that is run, and the same before it was fused."""
    for bits in (8, 4):
        for block in BLOCKS:
            made = quantize(model, bits, block=block)
            label = [str(bits), str(block), f"{made.embedding.bits} bits"]
            yield [*label, ops.instructions()], fuse(made), made
            if block == BLOCK:
                yield [*label, "plain JAX"], made, made
    small = quantize_matrix(model.embedding, 4)
    made = eqx.tree_at(lambda m: m.embedding, quantize(model, 4), jax.device_put(small))
    yield ["4", str(BLOCK), "4 bits", ops.instructions()], fuse(made), made


def examples(data: Path, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tokens [B, T], and which of them count as predicted; only of examples that hold one piece of text."""
    source = ExampleSource(data, "train")
    chosen = [source[int(at)] for at in np.linspace(0, len(source) - 1, min(rows, len(source)))]
    single = [example for example in chosen if example.segment_ids.max() == 1]
    for start in range(0, len(single) - BATCH + 1, BATCH):
        part = single[start : start + BATCH]
        yield np.stack([e.tokens for e in part]), np.stack([e.learned for e in part])


def losses(model: Transformer | FusedTransformer, batches: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The sum of the losses of each example, in nats."""
    return np.concatenate([np.asarray(_losses(model, *batch)) for batch in batches])


@jax.jit
def _losses(model: Transformer | FusedTransformer, tokens: jax.Array, counted: jax.Array) -> jax.Array:
    batch, length = tokens.shape
    hidden, _ = model.extend(tokens, model.init_cache(batch, length), jnp.zeros(batch, jnp.int32))
    logits = model.unembed(hidden[:, :-1])
    right = jnp.take_along_axis(logits, tokens[:, 1:, None], axis=-1)[..., 0]
    return jnp.sum((jax.nn.logsumexp(logits, axis=-1) - right) * counted[:, 1:], axis=1)


def relative_error(quantized: Transformer, model: Transformer) -> float:
    """Root mean squared error of the matrices, relative to their own root mean square."""
    leaves = jax.tree.leaves(quantized, is_leaf=lambda leaf: isinstance(leaf, QuantizedMatrix))
    wrong = whole = 0.0
    for made, weight in zip(leaves, jax.tree.leaves(model), strict=True):
        if isinstance(made, QuantizedMatrix):
            exact = np.asarray(weight, np.float32)
            wrong += float(np.sum((np.asarray(made.dequantize()) - exact) ** 2))
            whole += float(np.sum(exact**2))
    return (wrong / whole) ** 0.5


if __name__ == "__main__":
    main()
