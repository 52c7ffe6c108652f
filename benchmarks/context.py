"""What other files are worth in a prompt: answers with and without them, how long they take, how still they stand.

    python benchmarks/context.py quality REPOSITORY... [--holes 600] [--share 0.25] [--model nano]
    python benchmarks/context.py recall REPOSITORY... [--holes 1000]
    python benchmarks/context.py still REPOSITORY... [--holes 40]
    python benchmarks/context.py time FOLDER

REPOSITORY are packages that the model has not seen, as for `codegem eval repository`. A hole is a call of something
that another file declares, a line with such a name on it, or any line. Each is asked for

    alone            with its own file
    random           with random files of its repository in front of it
    whole files      with the files that it imports, whole where they fit
    signatures       with the signatures of what it imports
    similar          with similar windows of other files
    both             with signatures and similar windows; recent edits there are none

`recall` asks no model: of the names in the holes that their own file does not have, the share that the context has,
by the length of the window. `still` types what stood in a hole, character by character, and counts the requests whose
context is that of the one before, byte for byte. `time` is of `Workspace.context` in a folder that was read before.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from context_gathered import gathering_time, recall, still
from context_ways import Gather, Hole, draw, folders, ways
from rapidfuzz import fuzz

from codegem.assist.context import Window
from codegem.evaluation.repository.files import Files
from codegem.generate import Infill, Request, outputs

if TYPE_CHECKING:
    from codegem.inference.engine import Engine

_SEED = 0


def main() -> None:
    """Print one table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", choices=("quality", "recall", "still", "time"))
    words.add_argument("paths", type=Path, nargs="+")
    words.add_argument("--holes", type=int, default=600)
    words.add_argument("--share", type=float)
    words.add_argument("--model", default="nano")
    given = words.parse_args()
    if given.what == "time":
        gathering_time(given.paths[0])
        return
    files = Files(given.paths)
    holes = draw(files, given.holes)
    print(f"{len(holes)} holes of {len({each.place.document.repository for each in holes})} repositories")
    match given.what:
        case "quality":
            quality(files, holes, given.model, given.share)
        case "recall":
            recall(files, holes, given.share)
        case "still":
            still(files, holes)


@dataclass(frozen=True)
class Answer:
    """What came of a hole: right, how like, the bits that the model needs for what stood there, tokens of others."""

    exact: float
    similar: float
    bits: float
    tokens: int


def quality(files: Files, holes: Sequence[Hole], model: str, share: float | None) -> None:
    """Exact match, edit similarity and bits for each way of gathering."""
    import codegem

    loaded = codegem.load(model)
    window = replace(loaded.window, share=share)
    print(f"{model}: a window of {window.length} tokens, {window.budget} of them for other files")
    print(
        f"{'':14}{'exact':>8}{'calls':>8}{'needing':>8}{'lines':>8}{'gain':>8}{'95%':>15}{'similar':>8}{'gain':>8}{'95%':>18}"
        f"{'bits':>8}{'gain':>8}{'95%':>16}{'tokens':>8}"
    )
    alone: list[Answer] = []
    with folders(files) as roots:
        for name, gather in ways(files, roots, window).items():
            answers = answered(loaded.engine, window, holes, gather)
            alone = alone or answers
            print(row(name, holes, answers, alone), flush=True)


def answered(engine: "Engine", window: Window, holes: Sequence[Hole], gather: Gather) -> list[Answer]:
    """Ask for every hole."""
    prompts = [window.fit(replace(hole.infill, context=gather(hole.place)), 64) for hole in holes]
    stops = [() if hole.kind == "calls" else ("\n",) for hole in holes]
    requests = [Request(prompt, max_tokens=64, stop=stop) for prompt, stop in zip(prompts, stops, strict=True)]
    found = []
    for hole, prompt, output in zip(holes, prompts, outputs(engine, requests), strict=True):
        answer, expected = output.text.rstrip(), hole.place.middle.rstrip()
        tokens = sum(window.count(*each) for each in prompt.context)
        found.append(
            Answer(
                100.0 * (answer == expected), fuzz.ratio(answer, expected) / 100, bits(engine, prompt, expected), tokens
            )
        )
    return found


def bits(engine: "Engine", prompt: Infill, middle: str) -> float:
    """Bits of information for each token of what stood in a hole, up to 64 of them: less is better."""
    start, wanted = engine.ids(prompt), engine.tokenizer.encode(middle)[:64]
    logits = engine.logits([*start, *wanted])[len(start) - 1 : -1].astype(np.float64)
    likely = logits[np.arange(len(wanted)), wanted] - np.logaddexp.reduce(logits, axis=1)
    return float(-likely.mean() / np.log(2))


def row(name: str, holes: Sequence[Hole], answers: Sequence[Answer], alone: Sequence[Answer]) -> str:
    """One line of the table: means, and gains over the file alone with intervals by a paired bootstrap."""
    by_kind = [
        statistics.mean(answer.exact for answer, hole in zip(answers, holes, strict=True) if hole.kind == kind)
        for kind in ("calls", "needing", "lines")
    ]
    shown = f"{name:14}{statistics.mean(each.exact for each in answers):7.1f}%" + "".join(
        f"{each:7.1f}%" for each in by_kind
    )
    for field, places, width in (("exact", 1, 15), ("similar", 3, 18), ("bits", 2, 16)):
        values = [getattr(each, field) for each in answers]
        gains = [value - getattr(was, field) for value, was in zip(values, alone, strict=True)]
        low, high = bootstrap(gains)
        interval = f"{low:+.{places}f} to {high:+.{places}f}"
        mean = "" if field == "exact" else f"{statistics.mean(values):8.{places}f}"
        shown += f"{mean}{statistics.mean(gains):+8.{places}f}{interval:>{width}}"
    return shown + f"{statistics.mean(each.tokens for each in answers):8.0f}"


def bootstrap(values: Sequence[float], times: int = 2000) -> tuple[float, float]:
    """The 95% interval of a mean."""
    drawn = np.random.default_rng(_SEED).choice(np.array(values), (times, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
