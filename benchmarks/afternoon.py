"""The whole of docs/TUTORIAL.md, timed: python benchmarks/afternoon.py --out FOLDER [--data FOLDER] [--model MODEL]

Runs every command of the document as it stands there, in its order, in FOLDER, and prints what each took and what
changed between the runs that the document compares, repository by repository too. What is done is not done again.

    --model MODEL                        instead of nano
    --data FOLDER                        of the benchmarks; default the public source, once
    --add "data build: --context-length 256"   options at the end of a command; may be repeated
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from codegem.cli import COMMANDS
from codegem.evaluation.json_lines import read_rows
from codegem.evaluation.paired import paired

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "TUTORIAL.md"


@dataclass(frozen=True)
class Setting:
    """What the command line said."""

    out: Path
    model: str
    data: Path | None
    added: dict[str, list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--add", action="append", default=[], metavar="COMMAND: OPTIONS")
    given = parser.parse_args()
    added = {name: shlex.split(rest) for name, _, rest in (each.partition(": ") for each in given.add)}
    setting = Setting(given.out.resolve(), given.model, given.data and given.data.resolve(), added)
    setting.out.mkdir(parents=True, exist_ok=True)
    steps = Table("step", "seconds", title=f"docs/TUTORIAL.md with {given.model}")
    console = Console()
    waiting = [shlex.split(line) for line in re.findall(r"^    \$ (.+)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)]
    comparisons = []
    for program, *words in waiting:
        if program != "codegem":
            continue  # installing, and asking the server, which `serve` does
        name = next(name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS)
        begin = time.perf_counter()
        if name == "serve":
            serve(words, setting, next(words for words in waiting if words[0] == "curl"), console)
        else:
            run(name, words, setting)
        took = time.perf_counter() - begin
        steps.add_row(" ".join(words[:3]), f"{took:,.1f}")
        console.print(f"[dim]{name}: {took:,.1f} s[/dim]")
        if name == "eval compare":
            comparisons.append([setting.out / word for word in words[2:4]])
    console.print(steps)
    before, after = comparisons[0]
    console.print(by_repository(before, after))


def completed(name: str, words: Sequence[str], setting: Setting) -> list[str]:
    """The command as it is run: another model, the corpus' place, the benchmark's data, what is added."""
    words = [setting.model if word == "nano" else word for word in words]
    words = [str(ROOT / word) if word.startswith("corpora/") else word for word in words]
    if name == "eval infilling" and setting.data:
        words += ["--data", str(setting.data)]
    return [sys.executable, "-m", "codegem", *words, *setting.added.get(name, [])]


def run(name: str, words: Sequence[str], setting: Setting) -> None:
    """One command to its end, its output shown."""
    print("$ codegem", shlex.join(words), flush=True)
    subprocess.run(completed(name, words, setting), cwd=setting.out, check=True)


def serve(words: Sequence[str], setting: Setting, question: Sequence[str], console: Console) -> None:
    """Start the server, ask it once what the document's curl asks, and end it."""
    command = [*completed("serve", words, setting), "--port", "0", "--no-statistics"]
    with subprocess.Popen(command, cwd=setting.out, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = re.findall(r"http://[\d.:]+", process.stdout.readline())[0]
        url = question[1].replace("http://127.0.0.1:8012", address)
        request = urllib.request.Request(url, question[3].encode(), {"Content-Type": "application/json"})
        begin = time.perf_counter()
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)["content"]
        console.print(f"{address} answers {answer!r} in {time.perf_counter() - begin:.2f} s", markup=False)
        process.terminate()


def by_repository(before: Path, after: Path) -> Table:
    """Exact match of the lines of each repository, before and after."""
    passed: list[dict[str, bool]] = []
    for folder in (before, after):
        rows, _ = read_rows(folder / "verdicts.jsonl", {"task_id": str, "verdict": str})
        passed.append({row["task_id"]: row["verdict"] == "passed" for row in rows})
    one, other = passed
    table = Table("repository", "lines", "before", "after", "change in points, 95% interval by file")
    names = sorted({task.split("/")[1] for task in one})
    for name in [*names, ""]:
        tasks = [task for task in one if not name or task.split("/")[1] == name]
        change = paired([other[t] - one[t] for t in tasks], [t.rpartition(":")[0] for t in tasks])
        figures = [sum(side[task] for task in tasks) / len(tasks) for side in (one, other)]
        points = f"{100 * change.value:+.1f} ({100 * change.low:+.1f} to {100 * change.high:+.1f})"
        table.add_row(name or "all", f"{len(tasks):,}", *(f"{figure:.1%}" for figure in figures), points)
    return table


if __name__ == "__main__":
    main()
