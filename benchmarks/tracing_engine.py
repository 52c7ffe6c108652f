"""What tracing and a limit on copies cost while a model writes, and how often nano's own completions meet the limit.

    python benchmarks/tracing_engine.py data/nano corpus/held-out... [--model nano] [--limit 50] [--texts 1000]

The data set has an index (`codegem data build --trace`), and the repositories are none of it. First pieces of 64 of the
model's tokens go through the guard one by one, as if they were written: of the corpus, which is what the guard is for,
and of the held-out files. Then the model fills holes in held-out files with the limit and without, in turns, on the
same engine: the peer is the model that is not held to anything. Times are of the processor.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from tracing import Corpus, table

import codegem
from codegem.assist.attribution import copies_in
from codegem.assist.completion import Settings, complete
from codegem.data.reading import read_documents
from codegem.data.tracing.index import TraceIndex
from codegem.data.tracing.tokens import spans
from codegem.generate import Infill, StopReason
from codegem.inference.copies import CopyLimit
from codegem.recipes import find
from codegem.text.tokenizer import Tokenizer

TOKENS = 64
BEFORE = 2000  # characters


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a data set with an index")
    parser.add_argument("held_out", type=Path, nargs="+", help="repositories that are not in it")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--holes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    index, corpus = TraceIndex.open(options.data), Corpus(options.data)
    model, draw = codegem.load(options.model), random.Random(options.seed)
    limit = CopyLimit(index, options.limit)
    documents = [document.text for document in read_documents(options.held_out, find("nano").data)]
    kinds: dict[str, Callable[[], str]] = {
        "of the corpus": lambda: corpus.text(draw.randrange(len(corpus))),
        "held out": lambda: draw.choice(documents),
    }
    rows = []
    for name, text in kinds.items():
        rows += timed(name, pieces(text, model.engine.tokenizer, draw), limit, options.texts)
    console = Console(width=120)
    columns = ["64 tokens", "what", "median ms", "p95", "p99", "largest", "found"]
    console.print(table(f"{options.texts} pieces each, a limit of {options.limit}", columns, rows))
    columns = ["completions", "total s", "of the free ones", "ended as copies", "longest copy shown"]
    console.print(table("holes", columns, holes(model, documents, limit, options.holes, draw)))


def pieces(text: Callable[[], str], tokenizer: Tokenizer, draw: random.Random) -> Iterator[tuple[str, list[str]]]:
    """What stands before a random place, and the text of each of the tokens behind it."""
    while True:
        whole = text()
        at = draw.randrange(len(whole) + 1)
        ids = tokenizer.encode(whole[at : at + 20 * TOKENS])[:TOKENS]
        if len(ids) == TOKENS:
            yield whole[max(0, at - BEFORE) : at], [tokenizer.piece_bytes(one).decode(errors="replace") for one in ids]


def timed(name: str, made: Iterator[tuple[str, list[str]]], limit: CopyLimit, count: int) -> list[list[str]]:
    """A row for the guard, which gets a token at a time, and one for the tracing of the whole."""
    guarded, traced, ended, told = [], [], 0, 0
    for _, (before, parts) in zip(range(count), made, strict=False):
        guard, started = limit.guard(), time.thread_time()
        for part in parts:
            guard.push(part)
        guarded.append(time.thread_time() - started)
        ended += guard.found is not None
        started = time.thread_time()
        told += bool(copies_in("".join(parts), limit.index, before))
        traced.append(time.thread_time() - started)
    return [[name, "limit", *quantiles(guarded), f"{ended} ended"], ["", "trace", *quantiles(traced), f"{told} told"]]


def quantiles(seconds: Sequence[float]) -> list[str]:
    """Median, 95% and 99%, and the largest, in milliseconds."""
    return [f"{1000 * float(value):.2f}" for value in np.quantile(seconds, [0.5, 0.95, 0.99, 1.0])]


def holes(
    model: codegem.Model, documents: Sequence[str], limit: CopyLimit, count: int, draw: random.Random
) -> list[list[str]]:
    """The same holes filled freely and under the limit, in turns."""
    settings, asked = Settings(TOKENS, lines="many", rules=False), []
    for _ in range(count):
        text = draw.choice(documents)
        start = draw.randrange(len(text) + 1)
        asked.append(Infill(text[max(0, start - BEFORE) : start], text[start + 200 : start + 200 + BEFORE]))
    seconds, reasons = {None: 0.0, limit: 0.0}, {None: 0, limit: 0}
    longest = {None: 0, limit: 0}
    for number, infill in enumerate(asked):
        for held in (None, limit) if number % 2 else (limit, None):
            model.engine.copies = held
            complete(model.engine, model.window, infill, settings)  # what is to be compiled, and the prompt read
            started = time.process_time()
            done = complete(model.engine, model.window, infill, settings)
            seconds[held] += time.process_time() - started
            reasons[held] += done.stop_reason is StopReason.COPIED
            copies = limit.index.find(done.text)
            longest[held] = max([longest[held], *(len(spans(done.text[one.start : one.end])) for one in copies)])
    return [
        ["free" if held is None else f"at most {held.most}", f"{seconds[held]:.2f}",
         f"{seconds[held] / seconds[None]:.2f}", str(reasons[held]), str(longest[held])]
        for held in (None, limit)
    ]  # fmt: skip


if __name__ == "__main__":
    main()
