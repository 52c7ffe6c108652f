"""The 7B at 4 bits on a CPU: random weights at its real size, and the memory and time that it takes.

    python benchmarks/cpu_large.py RUNS/7b-int4 --tokenizer GEMMA/tokenizer.json [--prompt 512] [--decode 32]

The directory is written on the first run, one matrix at a time; 9 GB of memory are enough for both.
"""

import argparse
import random
from functools import partial
from pathlib import Path

import jax
import numpy as np
from cpu_workers import codegem_worker

from codegem.checkpoints import quantized
from codegem.checkpoints.huggingface import assemble
from codegem.checkpoints.safetensors_file import Planned
from codegem.model.config import PRESETS
from codegem.text.tokenizer import load_tokenizer

DEVIATION = 0.02
DRAWN = 1 << 22  # weights drawn; matrices repeat them from different places


def main() -> None:
    """Write the model if it is not there, and run it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True, help="Gemma's tokenizer.json, for the first run")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--decode", type=int, default=32)
    options = parser.parse_args()
    if not (options.directory / "config.json").exists():
        write(options.directory, options.tokenizer)
    ids = random.Random(0).choices(range(300, 8000), k=options.prompt)
    with codegem_worker(options.directory, options.prompt + options.decode) as worker:
        print(f"weights {worker.about['bytes'] / 1e9:.2f} GB, at hand with {worker.peak_bytes() / 1e9:.2f} GB")
        for _ in range(2):  # the first compiles
            read = worker.ask("keep 0", *ids)["seconds"]
            made = worker.ask("decode", options.decode)["seconds"]
            ids[0] += 1
        print(f"prefill {options.prompt / read:.1f} tokens/s, decode {options.decode / made:.2f} tokens/s")
        print(f"peak memory {worker.peak_bytes() / 1e9:.2f} GB")


def write(directory: Path, tokenizer: Path) -> None:
    """Random weights, quantized as they are made."""
    drawn = (DEVIATION * np.random.default_rng(0).standard_normal(DRAWN, np.float32)).astype(jax.numpy.bfloat16)

    def planned(name: str, shape: tuple[int, ...]) -> Planned:
        return Planned(shape, drawn.dtype, partial(filled, drawn, name, shape))

    quantized.save(directory, assemble(PRESETS["gemma_7b"], planned), load_tokenizer(tokenizer), 4)


def filled(drawn: np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array of drawn numbers, other ones for each name."""
    start = random.Random(name).randrange(len(drawn))
    return np.resize(np.roll(drawn, start), shape)


if __name__ == "__main__":
    main()
