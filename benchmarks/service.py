"""One service for several typists, in one process: time to the first token and to the whole answer, and memory.

    python benchmarks/service.py FILE.py [--typists 1 8] [--requests 200] [--soak 5000]

A typist goes through the file and asks at every few characters, cuts the file as an editor does and waits for the
answer; every third answer is given up at its first token, as by the next keystroke. The engine, asked directly by one
typist, is the peer: the ratio is what the service costs. `--soak` sends so many mixed requests from 16 threads, broken
ones among them, and prints what memory and the cache take on the way.
"""

import argparse
import random
import resource
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

import codegem
from codegem.assist.context import Window
from codegem.errors import UserError
from codegem.generate import Infill, Request, TextSource
from codegem.inference.service import Service


def holes(text: str, window: Window, count: int, start: int, max_tokens: int) -> list[Request]:
    """What a typist asks for: some characters further each time, and after 30 times at another place of the file."""
    requests = []
    for step in range(count):
        place = (start + 1009 * (step // 30)) % max(1, len(text) - 600) + 400
        hole = Infill(text[: place + 3 * (step % 30)], text[place + 100 :], "a.py")
        requests.append(Request(window.fit(hole, max_tokens), max_tokens))
    return requests


def ask(source: TextSource, request: Request, is_given_up: bool = False) -> tuple[float, float, int]:
    """Seconds to the first token and to the end, and the tokens."""
    started, first, tokens = time.perf_counter(), 0.0, 0
    with closing(source.generate([request])) as chunks:
        for chunk in chunks:
            tokens += chunk.tokens
            if tokens and not first:
                first = time.perf_counter() - started
                if is_given_up:
                    break
    ended = time.perf_counter() - started
    return first or ended, ended, tokens


def typing(source: TextSource, work: Sequence[Sequence[Request]]) -> tuple[np.ndarray, float]:
    """Rows of `ask` of all typists at once, and the seconds in all."""
    rows: list[tuple[float, float, int]] = []

    def typist(requests: Sequence[Request]) -> None:
        for number, request in enumerate(requests):
            measured = ask(source, request, number % 3 == 2)
            if number % 3 != 2:
                rows.append(measured)

    threads = [threading.Thread(target=typist, args=(requests,)) for requests in work]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.array(rows), time.perf_counter() - started


def line(name: str, rows: np.ndarray, seconds: float, peer: np.ndarray | None = None) -> str:
    """One row of the table, in milliseconds."""
    numbers = [np.percentile(rows[:, column], share) * 1e3 for column in (0, 1) for share in (50, 95)]
    ratio = "" if peer is None else f"{np.median(rows[:, 1]) / np.median(peer[:, 1]):.2f}"
    cells = " | ".join(f"{number:.1f}" for number in numbers)
    return f"| {name} | {cells} | {rows[:, 2].mean():.1f} | {rows[:, 2].sum() / seconds:.0f} | {ratio} |"


def soak(service: Service, text: str, count: int) -> None:
    """Mixed requests from 16 threads."""
    window = Window(service.tokenizer, service.context_length)
    print(f"after 0 requests {resident():.0f} MB, {threading.active_count()} threads")
    for part in range(4):
        clients = [
            threading.Thread(target=client, args=(service, text, window, count // 64, part * 16 + n)) for n in range(16)
        ]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        stats = service.stats()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"after {stats.done} {resident():.0f} MB (peak {peak:.0f}), {threading.active_count()} threads, {stats}")


def client(service: Service, text: str, window: Window, count: int, seed: int) -> None:
    """One of those who ask, in all the ways there are."""
    numbers = random.Random(seed)
    for request in holes(text, window, count, numbers.randrange(len(text)), 24):
        changed = {
            "max_tokens": numbers.choice([0, 1, 8, 24]),
            "temperature": numbers.choice([0.0, 0.0, 0.8]),
            "stop": numbers.choice([(), ("\n",), ("",)]),
            "begin": numbers.choice(["", "", "", "re"]),
            "probabilities": numbers.choice([None, None, None, 3]),
        }
        try:
            ask(service, replace(request, **changed), numbers.random() < 0.3)
        except UserError:
            continue


def resident() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--typists", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--soak", type=int, default=0)
    given = parser.parse_args()
    model, text = codegem.load(given.model), given.file.read_text(encoding="utf-8")
    service = Service(model.engine)
    service.warm().join()
    most = max(given.typists)
    work = [holes(text, model.window, given.requests, 997 * who, given.max_tokens) for who in range(most)]
    if given.soak:
        soak(service, text, given.soak)
        return
    print("| | first p50 ms | p95 | whole p50 | p95 | tokens each | tokens/s | whole / engine |")
    print("|---|---|---|---|---|---|---|---|")
    for source in (model.engine, service):
        typing(source, [work[0][:20]])
    typing(service, [requests[:10] for requests in work])
    peer, seconds = typing(model.engine, work[:1])
    print(line("engine", peer, seconds))
    for count in given.typists:
        print(line(f"service, {count}", *typing(service, work[:count]), peer))
    service.close()


if __name__ == "__main__":
    main()
