"""How soon a suggestion stands at the cursor while people type: codegem's servers, and llama.cpp's beside them.

    python benchmarks/editing.py REPOSITORY... --llama-server PATH        # folders, archives: files that nano never saw
    python benchmarks/editing.py REPOSITORY... --typists 8                # at once
    python benchmarks/editing.py REPOSITORY... --only lsp --keys 18000    # about an hour of typing: is memory flat?

A request is sent after every key and given up at the next one, as an editor without a pause would. One typist's idle
time is left out: the next key comes when the answer is there. Several typists type in their own time. llama.cpp's
server gets the same weights as GGUF in bfloat16, and the same bodies at its `/infill`, in the layout that nano learned.

    first     from the request until text can be shown, or until it is known that there is none
    whole     until the end of the answer
    stale     answers that came for a text that is no longer there, after their request was given up
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from editing_clients import Answer, Http, Lsp, Server
from rich.console import Console
from rich.table import Table
from typist import Key, Text, keys

from codegem.data.reading import read_documents
from codegem.data.recipe import DataRecipe

MAX_TOKENS = 64


class Client(Protocol):
    """One editor."""

    async def change(self, key: Key) -> None:
        """Tell of a key; before the request for what it left."""
        ...

    def ask(self, key: Key) -> Awaitable[Answer]:
        """The suggestion for the text after a key; cancelling the task gives the request up."""
        ...


@dataclass
class Measured:
    """What came of the keys of some typists; seconds, and memory in MB after each tenth of the keys."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    tokens: int = 0
    empty: int = 0
    given_up: int = 0
    by_typist: dict[int, list[float]] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)


def main() -> None:
    """Measure each server and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", type=Path, nargs="+")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--llama-server", type=Path)
    parser.add_argument("--only", choices=["http", "lsp", "llama"])
    parser.add_argument("--typists", type=int, default=1)
    parser.add_argument("--keys", type=int, default=2000, help="of all typists together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="of llama.cpp's server")
    options = parser.parse_args()
    texts = [Text(each.path, each.text) for each in read_documents(options.repositories, DataRecipe())]
    if not texts:
        sys.exit("The repositories hold no file to type in.")
    table = Table("server", "answers", "first p50 ms", "p95", "whole p50 ms", "p95", "tokens", "empty", "given up")
    for column in ("stale", "typists p50 ms", "memory MB"):
        table.add_column(column)
    with tempfile.TemporaryDirectory() as folder:
        for name, server in servers(options, Path(folder)):
            measured, stale = asyncio.run(run(server, texts, options))
            table.add_row(name, *row(measured, stale))
    Console(width=180).print(table)


def servers(options: argparse.Namespace, folder: Path) -> Iterable[tuple[str, Server]]:
    """The servers that are asked for, each with its name."""
    if options.only in (None, "http"):
        yield "codegem serve", Server.codegem(options.model)
    if options.only in (None, "lsp"):
        yield "codegem lsp", Server.lsp(options.model)
    if options.llama_server and options.only in (None, "llama"):
        yield "llama.cpp", Server.llama(options.llama_server, options.model, folder, options.typists, options.threads)


async def run(server: Server, texts: Sequence[Text], options: argparse.Namespace) -> tuple[Measured, int]:
    """Start a server, warm it up, let everybody type."""
    measured = Measured()
    async with server.running() as (connect, process):
        clients: list[Http | Lsp] = [await connect(MAX_TOKENS) for _ in range(options.typists)]
        share = options.keys // options.typists
        for number, client in enumerate(clients):
            await type_in(client, islice(keys(texts, 1000 + number, 100), 100), Measured(), number, waits=False)
        each = [keys(texts, options.seed + number, share) for number in range(options.typists)]
        alone = options.typists == 1
        work = [
            type_in(client, typed, measured, n, not alone)
            for n, (client, typed) in enumerate(zip(clients, each, strict=True))
        ]
        watch = asyncio.create_task(watch_memory(process, measured, options.keys // 10))
        await asyncio.gather(*work)
        watch.cancel()
        stale = sum(client.stale for client in clients)
        for client in clients:
            await client.close()
    return measured, stale


async def type_in(client: Client, typed: Iterable[Key], measured: Measured, number: int, waits: bool) -> None:
    """Type keys, and ask after each."""
    for key in typed:
        await client.change(key)
        task = asyncio.ensure_future(client.ask(key))
        done, _ = await asyncio.wait([task], timeout=key.gap)
        if not done:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            measured.given_up += 1
            continue
        answer = task.result()
        measured.first.append(answer.first)
        measured.whole.append(answer.whole)
        measured.by_typist.setdefault(number, []).append(answer.first)
        measured.tokens += answer.tokens
        measured.empty += not answer.text
        if waits and key.gap > answer.whole:
            await asyncio.sleep(key.gap - answer.whole)


async def watch_memory(process: int, measured: Measured, every: int) -> None:
    """Resident memory of the server, each time that so many keys were answered or given up."""
    while True:
        if len(measured.first) + measured.given_up >= every * len(measured.memory):
            pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
            measured.memory.append(pages * 4096 / 2**20)
        await asyncio.sleep(0.05)


def row(measured: Measured, stale: int) -> list[str]:
    """The cells of a table."""
    medians = sorted(statistics.median(each) for each in measured.by_typist.values())
    return [
        str(len(measured.first)),
        *(f"{1000 * part:.1f}" for part in (*quantiles(measured.first), *quantiles(measured.whole))),
        str(measured.tokens),
        str(measured.empty),
        str(measured.given_up),
        str(stale),
        f"{1000 * medians[0]:.1f} to {1000 * medians[-1]:.1f}",
        " ".join(f"{size:.0f}" for size in measured.memory[1::2]),
    ]


def quantiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median, and what 95 of 100 stay below."""
    ordered = sorted(seconds)
    return statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]


if __name__ == "__main__":
    main()
