"""A CPU's figures for a model of 2B parameters: codegem beside llama.cpp and Transformers, same random weights.

    python benchmarks/cpu_weights.py 2b RUNS/2b --tokenizer … --llama SOURCE --build BUILD      # once; see there
    codegem quantize RUNS/2b RUNS/2b-int4 --bits 4
    python benchmarks/cpu.py --pair int4 RUNS/2b-int4 RUNS/2b-Q4_0.gguf --llama SOURCE --build BUILD
        [--pair int8 …] [--peer PYTHON --peer-model RUNS/2b] [--held-out FOLDER] [--work decode prefill …]

SOURCE is llama.cpp's source tree (vendor/llama.cpp in the source distribution of llama-cpp-python) and BUILD
its build with shared libraries and native flags. PYTHON is an environment with torch and transformers. Every
engine is a process that loads once; then they take turns. Give the machine to this alone.
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from cpu_report import Results
from cpu_traces import Material, material
from cpu_workers import (
    Llama,
    Worker,
    bandwidth_worker,
    codegem_worker,
    cpu_seconds,
    llama_worker,
    machine_seconds,
    transformers_worker,
)
from cpu_works import LENGTHS, WORKS, Bench
from rich.console import Console

CONTEXT = 2304  # positions in each cache: the longest prompt and some tokens
# Lines to fill with this many tokens of prompt and answer: nano's own window, and a larger one as 2B has it.
WINDOWS = {320: 200, 1600: 20}


def main() -> None:
    """Measure what is asked for and show it."""
    options = arguments().parse_args()
    console, results = Console(width=150), Results()
    with tempfile.TemporaryDirectory() as scratch:
        given = Material({}, {})
        if {"infill", "keystroke"} & set(options.work):
            given = material(options.held_out, dict(options.window or WINDOWS.items()), options.traces)
        for bits, ours, gguf in options.pair:
            with ExitStack() as running:
                workers = start(running, options, Path(ours), Path(gguf), Path(scratch))
                memory = running.enter_context(bandwidth_worker(options.threads, Path(scratch)))
                ids = random.Random(0).choices(range(300, 8000), k=LENGTHS[-1])
                bench = Bench(bits, workers, memory, ids, options.runs, given, results)
                results.systems |= {worker.name: worker.about["system"] for worker in workers}
                for name, work in WORKS.items():
                    if name in options.work:
                        console.print(f"{bits}: {name} …")
                        watched(bench, name, work)
                        if options.json:
                            results.write(options.json)
    results.show(console)


def watched(bench: Bench, name: str, work: Callable[[Bench], None]) -> None:
    """Do the work, and note how busy the machine was with something else: above 1% the figures are not worth much."""
    workers = [*bench.engines, bench.memory]

    def others() -> float:
        return machine_seconds() - cpu_seconds(os.getpid()) - sum(worker.cpu_seconds() for worker in workers)

    used, start = others(), time.perf_counter()
    work(bench)
    took = time.perf_counter() - start
    bench.results.others[f"{name}, {bench.bits}"] = {"seconds": took, "processors": (others() - used) / took}


def start(running: ExitStack, options: argparse.Namespace, ours: Path, gguf: Path, scratch: Path) -> list[Worker]:
    """The processes of one pair of weights; Transformers only where it takes part."""
    llama = Llama(options.llama, options.build, options.batch, options.flash, options.kv)
    workers = [codegem_worker(ours, CONTEXT), llama_worker(llama, gguf, CONTEXT, options.threads, scratch)]
    if options.peer and {"decode", "prefill", "memory"} & set(options.work):
        workers.append(transformers_worker(options.peer, options.peer_model, options.threads))
    return [running.enter_context(worker) for worker in workers]


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pair = ("BITS", "DIRECTORY", "GGUF")
    parser.add_argument("--pair", nargs=3, metavar=pair, action="append", required=True, help="ours and llama.cpp's")
    parser.add_argument("--llama", type=Path, required=True, help="llama.cpp's source tree")
    parser.add_argument("--build", type=Path, required=True, help="its build")
    parser.add_argument("--batch", type=int, default=512, help="llama.cpp: tokens computed at once (-ub)")
    parser.add_argument("--flash", type=int, default=-1, help="llama.cpp: flash attention (-fa), -1 is its own choice")
    parser.add_argument("--kv", default="f16", choices=["f16", "bf16", "q8_0"], help="llama.cpp: cache (-ctk, -ctv)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peer", type=Path, help="a Python with torch and transformers")
    parser.add_argument("--peer-model", type=Path, help="the unquantized weights, for Transformers")
    parser.add_argument("--work", nargs="+", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--held-out", type=Path, nargs="+", default=[], help="repositories for infill and keystroke")
    parser.add_argument(
        "--window", nargs=2, type=int, action="append", metavar=("TOKENS", "LINES"), help="infill; 320 200 and 1600 20"
    )
    parser.add_argument("--traces", type=Path, default=Path("cpu-traces.json"), help="what nano answered, kept here")
    parser.add_argument("--json", type=Path, help="all timings go here")
    return parser


if __name__ == "__main__":
    main()
