"""What the prefix cache and lookup decoding save: first tokens after a keystroke, and passes for an answer.

    python benchmarks/latency.py                            # nano's shape with random weights and a longer context
    python benchmarks/latency.py --model DIRECTORY          # such as a quantized 2B
    python benchmarks/latency.py --traces traces.jsonl      # and answers of nano, replayed with and without lookup

A keystroke adds one character in the middle of a file of 2,000 tokens. Cold is an engine that keeps nothing;
both encode the file themselves. Each line of a trace is {"prompt": ids, "answer": ids with the one that ends it}.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
from replay import Replay
from rich.console import Console
from rich.table import Table

import codegem
from codegem.generate import Infill, Request
from codegem.inference.engine import Engine
from codegem.model.config import PRESETS
from codegem.model.transformer import Transformer
from codegem.text import fim

SOURCES = Path(codegem.__file__).parent / "data"


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: nano's shape, random weights")
    parser.add_argument("--tokens", type=int, default=2000, help="of the file")
    parser.add_argument("--keystrokes", type=int, default=8, help="0 leaves them out")
    parser.add_argument("--runs", type=int, default=5, help="of each cold request, and of all traces")
    parser.add_argument("--traces", type=Path)
    options = parser.parse_args()
    engine = codegem.load(options.model).engine if options.model else nano_shaped()
    if options.keystrokes:
        keystrokes(engine, options.tokens, options.keystrokes, options.runs)
    if options.traces:
        replayed(engine, options.traces, options.runs)


def nano_shaped() -> Engine:
    """A model as fast as nano, of random weights, with room for a long file."""
    tokenizer = codegem.load("nano").engine.tokenizer
    config = replace(PRESETS["nano"], context_length=4096)
    return Engine(Transformer.init(config, jax.random.key(0)), tokenizer, name="nano's shape")


def keystrokes(engine: Engine, tokens: int, count: int, runs: int) -> None:
    """Time to the first token, cold and after each of `count` characters."""
    table = Table("layout", "cold s", "warm s", "cold / warm", "read", "kept", title=f"{engine.name}: a keystroke")
    for order in (fim.Order.SPM, fim.Order.PSM):
        typed = list(edits(engine, tokens, count + 1))
        cold, warm = (
            Engine(engine.model, engine.tokenizer, order=order, **kept)
            for kept in ({"cache_bytes": 0, "lookup": False}, {"lookup": False})
        )
        first_token(cold, typed[0])  # compiles
        cold_times = [first_token(cold, infill) for infill in typed[1 : 1 + runs]]
        for _ in range(2):  # the first time compiles
            first_token(warm, typed[0])
            before = replace(warm.counts)
            warm_times = [first_token(warm, infill) for infill in typed[1:]]
        read, reused = warm.counts.read - before.read, warm.counts.reused - before.reused
        cold_time, warm_time = statistics.median(cold_times), statistics.median(warm_times)
        table.add_row(
            str(order),
            f"{cold_time:.4f}",
            f"{warm_time:.4f}",
            f"{cold_time / warm_time:.1f}",
            f"{read / count:.0f}",
            f"{reused / count:.0f}",
        )
    Console(width=140).print(table)


def edits(engine: Engine, tokens: int, count: int) -> Iterator[Infill]:
    """A file while its middle is typed."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.py")))
    text = engine.tokenizer.decode(engine.tokenizer.encode(text[: 32 * tokens])[:tokens])
    middle = len(text) // 2
    for typed in range(count):
        yield Infill(text[: middle + typed], text[middle + count :], "data/module.py")


def first_token(engine: Engine, infill: Infill) -> float:
    """Seconds to the first token."""
    start = time.perf_counter()
    with closing(engine.generate([Request(infill, max_tokens=64)])) as chunks:
        next(chunk for chunk in chunks if chunk.tokens or chunk.stop_reason)
        return time.perf_counter() - start


def replayed(engine: Engine, path: Path, runs: int) -> None:
    """All traces, with and without lookup in turn: seconds, passes, and whether the text is the same."""
    traces = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    engines = {lookup: Engine(engine.model, engine.tokenizer, cache_bytes=0, lookup=lookup) for lookup in (False, True)}
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(1 + runs):
        for lookup, each in engines.items():
            seconds[lookup].append(sum(replay(each, **trace) for trace in traces))
    table = Table("lookup", "s after the prompt", "passes", "drafted", "accepted", title=f"{len(traces)} answers")
    for lookup, each in engines.items():
        counts = [
            round(number / (1 + runs)) for number in (each.counts.passes, each.counts.drafted, each.counts.accepted)
        ]
        table.add_row(str(lookup), f"{statistics.median(seconds[lookup][1:]):.2f}", *map(str, counts))
    Console(width=140).print(table)


def replay(engine: Engine, prompt: Sequence[int], answer: Sequence[int]) -> float:
    """Seconds from the first token of an answer to its end, which has to be the one that was given."""
    choose = Replay.of(prompt, answer, engine.context_length)
    stream = engine.stream(prompt, max_tokens=64, choose=choose, stop_ids=frozenset(answer[-1:]))
    made = [token for token in [next(stream, None)] if token is not None]
    start = time.perf_counter()
    made += stream
    assert made == list(np.array(answer[:-1])), "the text is not that of the trace"
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
