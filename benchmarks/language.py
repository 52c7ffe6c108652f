"""Choices in language tasks: ours beside lm-eval's own Transformers backend, request for request.

    python benchmarks/language.py DATA --peer PYTHON [--count 200] [--tasks boolq …] [--batches 1 4 16 64]

DATA holds the tasks' files; PYTHON is an environment with lm_eval[hf]. Nano is exported to Hugging Face's layout; both
compute its weights in float32, with room for the longest prompt, so that nothing is cut. Each backend gets lm-eval's
requests as texts and gives (log-likelihood, greedy), encoding and all; the peer at each batch size, of which the
fastest counts; in turns. Give the machine to this alone.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cpu_workers import Worker
from rich.console import Console
from rich.table import Table

import codegem
from codegem.commands.convert import convert
from codegem.evaluation.language import harness, rows
from codegem.evaluation.language.lm import CodegemLM
from codegem.evaluation.language.tasks import TASKS
from codegem.inference.likelihood import Likelihood
from codegem.text.remembered import Remembering

HERE = Path(__file__).parent
LENGTH = 8192  # positions: nobody cuts
CHOICES = ("boolq", "piqa", "arc-challenge", "hellaswag", "mmlu", "winogrande")


def main() -> None:
    """Measure and print a table."""
    options = arguments().parse_args()
    engine = codegem.load("nano").engine
    requests, items = collected(options)
    with tempfile.TemporaryDirectory() as folder:
        convert(["nano", f"{folder}/hf", "--to", "hf"])
        Path(folder, "requests.json").write_text(json.dumps(requests), encoding="utf-8")
        program = [options.peer, HERE / "language_transformers.py", f"{folder}/hf", f"{folder}/requests.json"]
        with Worker("lm-eval", [*map(str, program), str(LENGTH), str(options.threads)]) as peer:
            console = Console()
            console.print(
                f"lm-eval's HFLM on {peer.about}, {options.threads} threads; ours: {type(engine.model).__name__}"
            )
            table = Table("task", "requests", "ours s", "lm-eval s", "batch", "times", "largest difference", "choices")
            for task, asked in requests.items():
                row = compared(task, asked, items.get(task), engine, peer, options)
                table.add_row(*row)
                console.print(*row)
            console.print(table)


def arguments() -> argparse.ArgumentParser:
    """What the command line may hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--tasks", nargs="+", choices=[*CHOICES, "rolling"], default=[*CHOICES, "rolling"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 16, 64])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of the peer")
    parser.add_argument("--runs", type=int, default=2, help="of each; the fastest counts")
    return parser


class Collecting(CodegemLM):
    """Notes what is asked."""

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Nothing is likely."""
        self.requests = requests
        return [(0.0, False)] * len(requests)


def collected(options: argparse.Namespace) -> tuple[dict[str, list[list[str]]], dict[str, list[int]]]:
    """lm-eval's requests for the first items of each task, of MMLU from all subjects, and whole texts; and for each
    request which item it is a choice of."""
    requests: dict[str, list[list[str]]] = {}
    items: dict[str, list[int]] = {}
    for name in options.tasks:
        if name == "rolling":
            passages = [row["passage"] for row in rows.load("boolq", options.data).rows[: options.count // 4]]
            requests[name] = [[passage] for passage in passages]
            continue
        lm = Collecting(None, None)
        built = harness.build(TASKS[name], rows.load(name, options.data))
        each = -(-options.count // len(built))
        harness.run(lm, built, each)
        found, numbers, number, last = [], [], -1, None
        for request in lm.requests:
            place = (request.task_name, request.doc_id)
            number, last = (number, last) if place == last else (number + 1, place)
            if number < options.count:
                found.append(list(request.args))
                numbers.append(number)
        requests[name], items[name] = found, numbers
    return requests, items


def compared(
    task: str,
    asked: list[list[str]],
    items: Sequence[int] | None,
    engine: Any,
    peer: Worker,
    options: argparse.Namespace,
) -> list[str]:
    """A row of the table."""
    took, found = ours(task, asked, engine)  # compiles what is not in the cache
    best: Mapping[str, Any] = {}
    batch = 0
    for size in options.batches:
        answer = peer.ask(task, size)
        if not best or answer["seconds"] < best["seconds"]:
            best, batch = answer, size
    seconds, theirs = [took], [best["seconds"]]
    for _ in range(options.runs):
        took, found = ours(task, asked, engine)
        seconds.append(took)
        theirs.append(peer.ask(task, batch)["seconds"])
    if items is None:
        away = max(abs(a - b) for a, b in zip(found, best["found"], strict=True))
        same = "-"
    else:
        away = max(abs(a[0] - b[0]) for a, b in zip(found, best["found"], strict=True))
        agree = sum(
            chosen(found, asked, items, number) == chosen(best["found"], asked, items, number)
            for number in range(items[-1] + 1)
        )
        same = f"{agree} of {items[-1] + 1}"
        assert sum(bool(a[1]) == bool(b[1]) for a, b in zip(found, best["found"], strict=True)) >= len(asked) - 1
    times = min(theirs) / min(seconds)
    return [
        task,
        str(len(asked)),
        f"{min(seconds):.2f}",
        f"{min(theirs):.2f}",
        str(batch),
        f"{times:.1f}",
        f"{away:.1e}",
        same,
    ]


def chosen(found: Sequence[Any], asked: Sequence[Sequence[str]], items: Sequence[int], number: int) -> tuple[int, int]:
    """The likeliest choice of an item, and the likeliest for each character."""
    places = [place for place, item in enumerate(items) if item == number]
    sums = np.array([found[place][0] for place in places])
    lengths = np.array([max(1, len(asked[place][1]) - 1) for place in places])
    return int(sums.argmax()), int((sums / lengths).argmax())


def ours(task: str, asked: Sequence[Sequence[str]], engine: Any) -> tuple[float, list[Any]]:
    """Seconds, and what came of the requests; nothing is remembered from an earlier call."""
    from lm_eval.api.instance import Instance

    kind = "loglikelihood_rolling" if task == "rolling" else "loglikelihood"
    likelihood = Likelihood(engine.model, pad=engine.tokenizer.special.pad)
    lm = CodegemLM(likelihood, Remembering(engine.tokenizer), length=LENGTH)
    instances = [Instance(kind, {}, tuple(args), index) for index, args in enumerate(asked)]
    begun = time.perf_counter()
    found = getattr(lm, kind)(instances)
    return time.perf_counter() - begun, found


if __name__ == "__main__":
    main()
