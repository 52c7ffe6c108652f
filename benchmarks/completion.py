"""From pressing enter to the suggestion: `codegem complete`, warm, beside Transformers with the same weights.

    python benchmarks/completion.py                                  # ours alone
    python benchmarks/completion.py --peer /path/to/env/bin/python   # an environment with torch and transformers

Both are whole processes, run in turn; both read the same prompt and decode greedily up to the same stop
tokens. The peer is handed the prompt's ids, so it does not pay for reading the file or for encoding it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import codegem
from codegem.assist.cursor import open_at, parse_location
from codegem.generate import Infill
from codegem.text import fim

ROOT = Path(__file__).parents[1]
ASSETS = Path(codegem.__file__).parent / "assets" / "nano"
MAX_TOKENS = 64


def main() -> None:
    """Run both in turn and print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", default=f"{ROOT / 'examples' / 'inventory.py'}:35")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--peer", help="a Python with torch and transformers")
    options = parser.parse_args()
    ours = [sys.executable, "-m", "codegem", "complete", options.place, "--max-tokens", str(MAX_TOKENS), "--json"]
    commands = {"codegem": ours}
    if options.peer:
        commands["Transformers"] = [
            options.peer,
            str(ROOT / "benchmarks" / "peer_transformers.py"),
            peer_input(options.place),
        ]
    timed(ours)  # compiles, and fills the page cache
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    texts = {}
    for _ in range(options.runs):
        for name, command in commands.items():
            took, texts[name] = timed(command)
            seconds[name].append(took)
    report(seconds, texts)


def peer_input(place: str) -> str:
    """What the peer needs, as JSON."""
    document = open_at(parse_location(place))
    model = codegem.load("nano")
    infill = model.window.fit(Infill(document.prefix, document.suffix, document.path), MAX_TOKENS)
    tokenizer = model.engine.tokenizer
    ids = fim.prompt(infill.prefix, infill.suffix, tokenizer, path=infill.path, order=model.engine.order)
    stops = sorted(fim.stop_ids(tokenizer))
    return json.dumps({"model": str(ASSETS), "ids": ids, "stops": stops, "max_tokens": MAX_TOKENS})


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds of a whole process, and the text that it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, json.loads(done.stdout)["text"]


def report(seconds: dict[str, list[float]], texts: dict[str, str]) -> None:
    """Print medians, ranges and the ratio to the first row."""
    table = Table("process", "median s", "min", "max", "ratio of medians", "text")
    ours = statistics.median(seconds["codegem"])
    for name, values in seconds.items():
        middle = statistics.median(values)
        row = (f"{middle:.2f}", f"{min(values):.2f}", f"{max(values):.2f}", f"{middle / ours:.2f}", repr(texts[name]))
        table.add_row(name, *row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
