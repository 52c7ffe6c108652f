"""What `context.py` measures of gathering alone, without a model: recall, how still a context stands, time."""

import random
import resource
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from context_ways import RULES, Gather, Hole, Others, folders, gatherer, ways

from codegem.assist.context import Window
from codegem.assist.similar import words_of
from codegem.assist.workspace import ContextRules, Workspace
from codegem.checkpoints.open import open_model
from codegem.data.records import Document
from codegem.evaluation.repository.files import Files
from codegem.evaluation.repository.places import Place
from codegem.generate import Infill

_SEED = 0
_LENGTHS = (320, 1024, 2048, 4096, 8192)


def recall(files: Files, holes: Sequence[Hole], share: float | None) -> None:
    """Of names in holes that the rest of the file does not have, the share that the context has."""
    tokenizer = open_model("nano").tokenizer
    wanted = [
        (hole, words_of(hole.place.middle) - words_of(f"{hole.place.prefix} {hole.place.suffix}")) for hole in holes
    ]
    count = sum(len(names) for _, names in wanted)
    print(f"{count} names that their file does not have, in {sum(bool(names) for _, names in wanted)} of the holes")
    wanted = [(hole, names & declared_beside(files, hole.place.document)) for hole, names in wanted]
    wanted = [(hole, names) for hole, names in wanted if names]
    count = sum(len(names) for _, names in wanted)
    print(f"{count} of them are declared in other files of the repository: the share of these that the context has")
    print(f"{'window':>8}{'budget':>8}" + "".join(f"{name:>13}" for name in ("random", "whole files", *RULES)))
    with folders(files) as roots:
        for length in _LENGTHS:
            window = Window(tokenizer, length, share)
            line = f"{length:8}{window.budget:8}"
            for name, gather in ways(files, roots, window).items():
                if name != "alone":
                    found = sum(len(names & words_of(shown(window, gather(hole.place)))) for hole, names in wanted)
                    line += f"{100 * found / count:12.1f}%"
            print(line, flush=True)


def declared_beside(files: Files, document: Document) -> frozenset[str]:
    """Names that other files of the repository declare."""
    others = [each for each in files.documents if each.repository == document.repository and each is not document]
    return frozenset[str]().union(*map(files.declared, others))


def shown(window: Window, others: Others) -> str:
    """What the model sees of other files where the file itself fills the rest of the window."""
    whole = replace(window, length=window.budget + 64 + 8)
    return " ".join(text for _, text in whole.fit(Infill("", "", None, others), 64).context)


def still(files: Files, holes: Sequence[Hole]) -> None:
    """The share of consecutive keystrokes with an unchanged context."""
    tokenizer = open_model("nano").tokenizer
    print(
        f"{'window':>8}{'keystrokes':>12}"
        + "".join(f"{name:>20}" for name in ("context same", "fitted same", "file same"))
    )
    with folders(files) as roots:
        for length in (320, 8192):
            window = Window(tokenizer, length)
            counts = [0, 0, 0, 0]
            gather = gatherer(roots, window, ContextRules())
            for hole in holes:
                typed = typing(hole.place, gather, window)
                counts = [a + b for a, b in zip(counts, typed, strict=True)]
            keys = counts[0]
            print(
                f"{length:8}{keys:12}"
                + "".join(f"{100 * each / keys:{w}.2f}%" for each, w in zip(counts[1:], (18, 17, 25), strict=True))
            )


def typing(place: Place, gather: Gather, window: Window) -> tuple[int, int, int, int]:
    """Type the ten lines from a place on: keystrokes, and after how many of them the context, what `fit` leaves of
    it, and the beginning of the file in the prompt were the same as before."""
    text = place.document.text
    end = place.start
    for _ in range(10):
        end = text.find("\n", end + 1) if text.find("\n", end + 1) >= 0 else len(text)
    counts = [0, 0, 0]
    before: tuple[Others, Others, str] | None = None
    for at in range(place.start, end):
        others = gather(replace(place, start=at, end=end))
        fitted = window.fit(Infill(text[:at], text[end:], place.document.path, others), 64)
        state = others, fitted.context, fitted.suffix[:20] + fitted.prefix[:20]
        if before is not None:
            counts = [count + (one == other) for count, one, other in zip(counts, state, before, strict=True)]
        before = state
    return max(0, end - place.start - 1), counts[0], counts[1], counts[2]


def gathering_time(folder: Path) -> None:
    """How long a folder takes to be read, and `Workspace.context` in it."""
    window = Window(open_model("nano").tokenizer, 8192)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    workspace = Workspace(folder, window)
    workspace.ready(600)
    read = time.perf_counter() - began
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    paths = sorted(str(each.relative_to(folder)) for each in folder.rglob("*.py"))
    chance = random.Random(_SEED)
    requests: dict[str, list[tuple[float, float]]] = {"first in a file": [], "after a jump": [], "next character": []}
    for path in chance.sample(paths, min(100, len(paths))):
        text = (folder / path).read_text("utf-8", "replace")
        for count in range(20):
            at = chance.randrange(len(text) + 1)
            for key in range(5):
                began, worked = time.perf_counter(), time.process_time()
                workspace.context(path, text[: at + key], text[at + key :])
                took = time.perf_counter() - began, time.process_time() - worked
                requests["next character" if key else "after a jump" if count else "first in a file"].append(took)
    print(f"{len(paths)} files read in {read:.1f} s, {memory:.0f} MB more memory")
    print(
        f"{'ms a request':>24}{'n':>7}"
        + "".join(f"{name:>9}" for name in ("p50", "p95", "p99", "most"))
        + "   (processor)"
    )
    for name, times in requests.items():
        line = f"{name:>24}{len(times):7}"
        for kind in range(2):
            ranked = sorted(1000 * each[kind] for each in times)
            line += "".join(f"{ranked[int(part * (len(ranked) - 1))]:9.2f}" for part in (0.5, 0.95, 0.99, 1))
        print(line)
