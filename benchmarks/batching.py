"""Many infillings at once: HumanEval's single lines through the engine, and through Transformers one after another.

    python benchmarks/batching.py DATA --peer PYTHON [--model nano] [--bits 8] [--count 1033]

DATA is HumanEval-SingleLineInfilling.jsonl.gz; PYTHON is an environment with torch and transformers. Prompts are
cut to the model's window; answers are greedy, to the end token or 64 tokens (the clock of CodeGemma's own table), and
once more to the end of the line. Ours gets text and gives text; Transformers gets the prompts' ids and gives ids, at
batch 1, on as many threads as there are processors. Give the machine to this alone.
"""

import argparse
import gzip
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cpu_workers import Worker
from rich.console import Console
from rich.table import Table

import codegem
from codegem.generate import Infill, Request, finished
from codegem.inference.engine import Engine
from codegem.text import fim

HERE = Path(__file__).parent
MAX_TOKENS = 64
STOPS = {"to the end token": (), "to the end of the line": ("\n",)}


@dataclass(frozen=True)
class Timing:
    """One engine under one protocol.

    Attributes:
        batch: texts written in one pass of the model, on average.
        tokens: that were made, without those that ended a text.
    """

    protocol: str
    engine: str
    batch: float
    seconds: float
    tokens: int


def main() -> None:
    """Measure and print a table."""
    options = arguments().parse_args()
    loaded = codegem.load(options.model, bits=options.bits)
    infills = [loaded.window.fit(infill, MAX_TOKENS) for infill in problems(options.data)[: options.count]]
    timings = [ours(loaded.engine, infills, protocol, options.runs) for protocol in options.protocols]
    if options.alone:
        timings += [alone(loaded.engine, infills, protocol) for protocol in options.protocols]
    if options.peer:
        timings += theirs(loaded.engine, infills, options)
    show(timings, f"{len(infills)} infillings, {options.model}, {type(loaded.engine.model).__name__}")


def arguments() -> argparse.ArgumentParser:
    """What the command line may hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--peer", type=Path, help="default: ours alone")
    parser.add_argument("--peer-type", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--model", default="nano", help="nano, or a directory in Hugging Face's layout")
    parser.add_argument("--bits", type=int, choices=(4, 8), help="quantize ours")
    parser.add_argument("--count", type=int, help="only the first problems")
    parser.add_argument("--runs", type=int, default=3, help="of ours; the median counts")
    parser.add_argument("--alone", action="store_true", help="ours one after another as well")
    parser.add_argument("--protocols", nargs="+", choices=STOPS, default=list(STOPS))
    return parser


def problems(path: Path) -> list[Infill]:
    """The holes of the data file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [Infill(row["prompt"], row["suffix"]) for row in rows]


def ours(engine: Engine, infills: Sequence[Infill], protocol: str, runs: int) -> Timing:
    """The median run; each begins without anything kept, and the first, which compiles, is left out."""
    requests = [Request(infill, MAX_TOKENS, STOPS[protocol]) for infill in infills]
    seconds, tokens, batch = [], 0, 0.0
    for _ in range(1 + runs):
        fresh = Engine(engine.model, engine.tokenizer, order=engine.order)
        start = time.perf_counter()
        tokens = sum(output.tokens for _, output in finished(fresh, requests))
        seconds.append(time.perf_counter() - start)
        batch = (tokens - len(requests)) / fresh.counts.passes
    return Timing(protocol, "codegem", batch, statistics.median(seconds[1:]), tokens)


def alone(engine: Engine, infills: Sequence[Infill], protocol: str) -> Timing:
    """Ours, one after another, as an editor asks: with lookup decoding where that pays."""
    fresh = Engine(engine.model, engine.tokenizer, order=engine.order)
    requests = [Request(infill, MAX_TOKENS, STOPS[protocol]) for infill in infills]
    start = time.perf_counter()
    tokens = sum(output.tokens for request in requests for _, output in finished(fresh, [request]))
    return Timing(protocol, "codegem alone", 1, time.perf_counter() - start, tokens)


def theirs(engine: Engine, infills: Sequence[Infill], options: argparse.Namespace) -> list[Timing]:
    """Transformers, in a process of its own."""
    name = options.model
    directory = Path(codegem.__file__).parent / "assets/nano" if name == "nano" else Path(name)
    tokenizer = engine.tokenizer
    lines = [token for token in range(engine.model.config.vocab_size) if b"\n" in tokenizer.piece_bytes(token)]
    task = {
        "prompts": [engine.ids(infill) for infill in infills],
        "ends": sorted(fim.stop_ids(tokenizer)),
        "lines": lines,
        "max_tokens": MAX_TOKENS,
        "threads": len(os.sched_getaffinity(0)),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(task, file)
        file.flush()
        program = [str(options.peer), str(HERE / "batching_transformers.py")]
        with Worker("Transformers", [*program, str(directory), options.peer_type, file.name]) as worker:
            title = f"Transformers {worker.about['version']} {options.peer_type}"
            answers = {protocol: worker.ask("lines" if STOPS[protocol] else "ends") for protocol in options.protocols}
    return [Timing(protocol, title, 1, made["seconds"], made["tokens"]) for protocol, made in answers.items()]


def show(timings: Sequence[Timing], title: str) -> None:
    """A table; the ratio is to the peer under the same protocol."""
    table = Table("protocol", "engine", "batch", "s", "tokens", "tokens/s", "times as fast", title=title)
    for timing in sorted(timings, key=lambda timing: list(STOPS).index(timing.protocol)):
        peer = next((t for t in timings if t.protocol == timing.protocol and t.engine.startswith("Tr")), None)
        table.add_row(
            timing.protocol,
            timing.engine,
            f"{timing.batch:.1f}",
            f"{timing.seconds:.2f}",
            str(timing.tokens),
            f"{timing.tokens / timing.seconds:.0f}",
            f"{peer.seconds / timing.seconds:.1f}" if peer else "",
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
