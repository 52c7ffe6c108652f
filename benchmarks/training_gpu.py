"""Training a model of the 2B's width on one GPU, as a share of the card's own matrix rate, beside PyTorch.

    python benchmarks/training_gpu.py --out training_gpu.md
    python benchmarks/training_gpu.py --peer-python torch/bin/python      # where PyTorch has an environment of its own
    python benchmarks/training_gpu.py --tiny                              # any machine: shows that it runs, and no more

Each measurement is a process of its own, so that it has the card's memory alone. The matrix rate is the best of
several products of two square bfloat16 matrices; model FLOP utilisation is the model's own operations (6 for each
weight and token, causal attention counted at half, nothing twice for rematerialization) a second, over that rate.
The peer is a plain loop: Transformers' Gemma with PyTorch's fused attention, bfloat16 autocast, fused AdamW,
gradient checkpointing where ours makes its blocks again. Both train float32 weights on the same random tokens.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from codegem.model.config import PRESETS, ModelConfig
from codegem.train.recipe import TrainRecipe

PEER = Path(__file__).with_name("training_gpu_torch.py")
TINY = ModelConfig(
    vocab_size=512, num_layers=2, d_model=64, num_heads=4, num_kv_heads=1, head_dim=16, d_mlp=128, context_length=128
)


@dataclass(frozen=True)
class Work:
    """One measurement: a model, rows of so many tokens, and how often."""

    model: ModelConfig
    length: int
    rows: int
    remat: str
    steps: int
    square: int

    @property
    def flops_per_token(self) -> float:
        """Of forward and backward pass; the embedding counts once, as the output."""
        model = self.model
        return 6 * model.parameters + 6 * model.num_layers * self.length * model.num_heads * model.head_dim


def main() -> None:
    """Measure everything, print a table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[2048, 8192])
    parser.add_argument("--tokens", type=int, default=8192, help="computed at once: rows of a length make them up")
    parser.add_argument("--layers", type=int, help="of the 2B's 18; default as many as 60%% of the memory holds")
    parser.add_argument("--remat", choices=("none", "mlp", "blocks"), default="blocks")
    parser.add_argument("--steps", type=int, default=10, help="that are timed, after three that are not")
    parser.add_argument("--peer-python", default=sys.executable, help="one that has torch and transformers")
    parser.add_argument("--out", type=Path, help="for the table as Markdown")
    parser.add_argument("--tiny", action="store_true", help="a toy, on whatever there is")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(_work(json.loads(options.one)))))
        return
    table = _table(_works(options), options.peer_python)
    print(table)
    if options.out:
        options.out.write_text(table)


def measure(work: Work) -> dict[str, Any]:
    """Our own figures: the matrix rate, seconds of each step, and which kernel attention had."""
    import jax
    import numpy as np

    from codegem.model.flash import kernel
    from codegem.train.step import init_state, make_step

    recipe = TrainRecipe(work.model, 1000, work.rows, work.rows, 1e-4, 10, remat=work.remat)  # type: ignore[arg-type]
    rate = matrix_rate(work.square)
    tokens = np.random.default_rng(0).integers(0, work.model.vocab_size, (work.rows, work.length + 1), np.int32)
    batch = {
        "tokens": tokens[:, :-1],
        "targets": tokens[:, 1:],
        "positions": np.broadcast_to(np.arange(work.length, dtype=np.int32), tokens[:, 1:].shape),
        "segment_ids": np.ones_like(tokens[:, 1:]),
        "loss_weights": np.ones(tokens[:, 1:].shape, np.float32),
    }
    step, state, batch = make_step(recipe), init_state(recipe), jax.device_put(batch)
    seconds, metrics = [], None
    for _ in range(3 + work.steps):
        begun = time.perf_counter()
        state, metrics = step(state, batch)
        jax.block_until_ready(metrics)
        seconds.append(time.perf_counter() - begun)
    used = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    chosen = kernel(work.length, work.model.head_dim, recipe.dtype)
    name = jax.devices()[0].device_kind
    loss = float(metrics.loss) if metrics else None
    return {"seconds": seconds[3:], "rate": rate, "memory": used, "kernel": chosen, "device": name, "loss": loss}


def matrix_rate(size: int) -> float:
    """Operations a second of products of square bfloat16 matrices with float32 sums: the best of ten times five."""
    import jax
    import jax.numpy as jnp

    @jax.jit
    def chain(a: jax.Array, b: jax.Array) -> jax.Array:
        for _ in range(5):
            a = jnp.dot(a, b, preferred_element_type=jnp.float32).astype(jnp.bfloat16)
        return a

    key = jax.random.key(0)
    a = (jax.random.normal(key, (size, size)) * size**-0.5).astype(jnp.bfloat16)
    times = []
    for _ in range(11):
        begun = time.perf_counter()
        chain(a, a).block_until_ready()
        times.append(time.perf_counter() - begun)
    return 5 * 2 * size**3 / min(times)


def _works(options: argparse.Namespace) -> list[Work]:
    if options.tiny:
        return [Work(TINY, length, 128 // length, options.remat, 3, 256) for length in (64, 128)]
    model = replace(PRESETS["gemma_2b"], num_layers=options.layers or _layers(options))
    return [
        Work(model, length, max(1, options.tokens // length), options.remat, options.steps, 8192)
        for length in options.lengths
    ]


def _layers(options: argparse.Namespace) -> int:
    """As many as the memory of this machine's first device holds, with room for the peer's logits."""
    import jax

    from codegem.train.memory import worked_out

    limit = (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
    if limit is None:
        sys.exit("There is no accelerator whose memory could be asked for: name --layers, or try --tiny.")
    model = PRESETS["gemma_2b"]
    recipe = TrainRecipe(model, 1000, 1, 1, 1e-4, 10, remat=options.remat)
    for layers in range(model.num_layers, 1, -1):
        if worked_out(replace(recipe, model=replace(model, num_layers=layers)), options.tokens).total <= 0.6 * limit:
            return layers
    return 1


def _table(works: list[Work], peer_python: str) -> str:
    lines = [
        "| tokens a row | rows | engine | attention | tokens/s | TFLOP/s | share of the matrix rate | peak memory "
        "| ours / peer |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    device, rates = "", []
    for work in works:
        ours = _run([sys.executable, __file__, "--one", json.dumps(asdict(work))])
        peer = _run([peer_python, str(PEER), json.dumps(asdict(work))])
        if "error" in ours:
            sys.exit(f"Our own measurement failed:\n{ours['error']}")
        rate = max(ours["rate"], peer.get("rate", 0.0))
        device, rates = ours["device"], [*rates, rate]
        lines += [_row(work, "codegem", ours, rate, peer), _row(work, "PyTorch + Transformers", peer, rate, None)]
    model = works[0].model
    about = f"{device}: {max(rates) / 1e12:.3g} TFLOP/s in products of bfloat16 matrices ({works[0].square} square). "
    shape = (
        f"{model.num_layers} layers of width {model.d_model}, {model.parameters:,} parameters, remat {works[0].remat}."
    )
    return "\n".join([about + shape, "", *lines, ""])


def _row(work: Work, name: str, found: dict[str, Any], rate: float, peer: dict[str, Any] | None) -> str:
    if "error" in found:
        return f"| {work.length:,} | {work.rows} | {name} | {found['error'].splitlines()[-1]} | | | | | |"
    speed = work.rows * work.length / statistics.median(found["seconds"])
    flops = speed * work.flops_per_token
    beside = ""
    if peer is not None and "seconds" in peer:
        beside = f"{statistics.median(peer['seconds']) / statistics.median(found['seconds']):.2f}"
    memory = f"{found['memory'] / 2**30:.1f} GiB" if found["memory"] else ""
    cells = [f"{work.length:,}", str(work.rows), name, found["kernel"], f"{speed:,.0f}", f"{flops / 1e12:.3g}"]
    return "| " + " | ".join([*cells, f"{flops / rate:.1%}", memory, beside]) + " |"


def _run(command: list[str]) -> dict[str, Any]:
    environment = {**os.environ, "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.92"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        return {"error": done.stderr.strip() or "it died"}
    return json.loads(done.stdout.splitlines()[-1])


def _work(values: dict[str, Any]) -> Work:
    return Work(**{**values, "model": ModelConfig(**values["model"])})


if __name__ == "__main__":
    main()
