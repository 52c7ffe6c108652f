"""Nano's training step on this machine's CPU, beside a plain PyTorch loop of the same shape.

    python benchmarks/training.py [--rows 16] [--tokens 512] [--torch-python PATH]

PyTorch runs Transformers' GemmaForCausalLM with AdamW, in a process and, if one is named, by an interpreter of its own;
every setting of it is tried, and the best one counts. Both are given the same batch and as many threads as there are
processors, and take turns, so that a machine that others use too slows both.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

ROUNDS, STEPS = 3, 3
TORCH_SETTINGS = ("bfloat16", "bfloat16 compiled", "float32")


def batch(rows: int, tokens: int) -> np.ndarray:
    """Ids whose frequencies fall as those of words do, [rows, tokens + 1]."""
    return np.random.default_rng(0).zipf(1.3, (rows, tokens + 1)) % 8192


def codegem_step(ids: np.ndarray, kernels: bool) -> Callable[[], None]:
    """One step of nano's recipe with AdamW; the second kind is plain JAX."""
    if not kernels:
        os.environ["CODEGEM_KERNELS"] = "off"
    import jax

    from codegem.recipes.nano import NANO
    from codegem.train.step import init_state, make_step

    rows, tokens = ids.shape[0], ids.shape[1] - 1
    recipe = replace(NANO.train, batch_size=rows, micro_batch=rows, optimizer="adamw")
    step, state = make_step(recipe), [init_state(recipe)]
    given = {
        "tokens": ids[:, :-1].astype(np.int32),
        "targets": ids[:, 1:].astype(np.int32),
        "positions": np.broadcast_to(np.arange(tokens, dtype=np.int32), (rows, tokens)),
        "segment_ids": np.zeros((rows, tokens), np.int32),
        "loss_weights": np.ones((rows, tokens), np.float32),
    }

    def run() -> None:
        state[0], _ = jax.block_until_ready(step(state[0], given))

    return run


def torch_step(ids: np.ndarray, setting: str) -> Callable[[], None]:
    """One step of Transformers' model: gradients clipped, AdamW over all weights at once."""
    import torch
    from transformers import GemmaConfig, GemmaForCausalLM

    torch.set_num_threads(os.cpu_count() or 1)
    config = GemmaConfig(
        vocab_size=8192,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=64,
        attn_implementation="sdpa",
    )
    model = GemmaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    called = torch.compile(model) if "compiled" in setting else model
    inputs, targets = torch.from_numpy(ids[:, :-1].copy()), torch.from_numpy(ids[:, 1:].copy())

    def run() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled="bfloat16" in setting):
            logits = called(input_ids=inputs, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return run


def work(kind: str, rows: int, tokens: int) -> None:
    """A process that takes a few steps for every line that it is sent, and answers with the shortest one's seconds."""
    ids = batch(rows, tokens)
    run = torch_step(ids, kind) if kind in TORCH_SETTINGS else codegem_step(ids, kind == "codegem")
    run()
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        seconds = []
        for _ in range(STEPS):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
        print(json.dumps(min(seconds)), flush=True)


def start(kind: str, python: str, rows: int, tokens: int) -> subprocess.Popen[str]:
    command = [python, __file__, "--work", kind, "--rows", str(rows), "--tokens", str(tokens)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def measure(rows: int, tokens: int, torch_python: str) -> dict[str, float]:
    """The shortest step of each, in seconds; those that do not run are left out."""
    kinds = {"codegem": sys.executable, "plain JAX": sys.executable, **dict.fromkeys(TORCH_SETTINGS, torch_python)}
    workers = {}
    for kind, python in kinds.items():
        worker = start(kind, python, rows, tokens)
        if worker.stdout.readline() == "ready\n":  # type: ignore[union-attr]
            workers[kind] = worker
        else:
            print(f"{kind}: does not run here", file=sys.stderr)
    best = dict.fromkeys(workers, float("inf"))
    for _ in range(ROUNDS):
        for kind, worker in workers.items():
            worker.stdin.write("go\n")  # type: ignore[union-attr]
            worker.stdin.flush()  # type: ignore[union-attr]
            best[kind] = min(best[kind], json.loads(worker.stdout.readline()))  # type: ignore[union-attr]
    for worker in workers.values():
        worker.communicate()
    return best


def report(rows: int, tokens: int, best: dict[str, float]) -> None:
    fastest = min((seconds for kind, seconds in best.items() if kind in TORCH_SETTINGS), default=None)
    print(
        f"| {rows} rows of {tokens} tokens, AdamW | ms a step | tokens/s | times the best PyTorch |\n|---|---|---|---|"
    )
    for kind, seconds in best.items():
        name = f"PyTorch, {kind}" if kind in TORCH_SETTINGS else kind
        ratio = f"{fastest / seconds:.2f}" if fastest else ""
        print(f"| {name} | {1e3 * seconds:.0f} | {rows * tokens / seconds:,.0f} | {ratio} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.rows, given.tokens)
    else:
        report(given.rows, given.tokens, measure(given.rows, given.tokens, given.torch_python))


if __name__ == "__main__":
    main()
