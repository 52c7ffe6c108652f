"""The tables of the ablation, from what its runs left."""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablation_rows import DEFAULT, ROWS
from ablation_statistics import Difference, Sums, difference, ratio, spread

_PLACES = tuple(f"{kind} {order}" for kind in ("line", "lines", "characters") for order in ("psm", "spm"))
_OTHERS = (*(f"{kind} {order}" for kind in ("importing", "with others") for order in ("psm", "spm")), "left to right")
Runs = Mapping[str, Mapping[int, Sums]]
"""Row -> seed -> sums of one measure."""
Counted = Callable[[Mapping[str, Any]], tuple[float, float]]
"""A loss -> what is counted of it, for how many."""


def table(out: Path) -> str:
    """Markdown: what the default has, and what each row has more or less."""
    found = [json.loads(file.read_text()) for file in sorted(out.glob("runs/*/losses.json"))]
    if not found:
        return "No run is finished."
    parts = (
        ("Bits a character of the middle", _PLACES, _bits),
        ("Bits a character, with and without an imported file; of whole files", _OTHERS, _bits),
        ("Bits for the end of the middle", _PLACES, _stop),
        ("Exactly right, greedily, percent", _PLACES, _exact),
    )
    return "\n\n".join(f"### {title}\n{_markdown(found, names, counted)}" for title, names, counted in parts)


def _bits(loss: Mapping[str, Any]) -> tuple[float, float]:
    return loss["nats"] / math.log(2), loss["characters"]


def _stop(loss: Mapping[str, Any]) -> tuple[float, float]:
    return (0.0, 0.0) if loss["stop"] is None else (loss["stop"] / math.log(2), 1.0)


def _exact(loss: Mapping[str, Any]) -> tuple[float, float]:
    return 100.0 * loss["exact"], 1.0


def _markdown(
    found: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    counted: Callable[[Mapping[str, Any]], tuple[float, float]],
) -> str:
    measured = [_runs(found, name, counted) for name in names]
    lines = ["| row | seeds | " + " | ".join(names) + " |", "|---" * (2 + len(names)) + "|"]
    for row in ROWS:
        if row.name in measured[0]:
            cells = [_cell(runs, row.name) for runs in measured]
            lines.append(f"| {row.shown} | {len(measured[0][row.name])} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(runs: Runs, row: str) -> str:
    """The default's mean; of another row what it has more or less, in italics where that may be chance."""
    if row == DEFAULT:
        return f"**{sum(map(ratio, runs[row].values())) / len(runs[row]):.3f}**"
    found = compare(runs, row)
    text = f"{found.value:+.3f} ± {found.half:.3f}"
    return f"*{text}*" if found.is_chance else text


def compare(runs: Runs, row: str) -> Difference:
    """A row beside the default, by the seeds that both have."""
    seeds = sorted(runs[row].keys() & runs[DEFAULT].keys())
    deviation = spread([list(map(ratio, each.values())) for each in runs.values()])
    return difference([runs[row][seed] for seed in seeds], [runs[DEFAULT][seed] for seed in seeds], deviation)


def _runs(found: Iterable[Mapping[str, Any]], measure: str, counted: Counted) -> Runs:
    runs: dict[str, dict[int, Sums]] = defaultdict(dict)
    for each in found:
        sums: dict[str, tuple[float, float]] = {}
        for loss in each["losses"]:
            if loss["measure"] == measure:
                before, (value, number) = sums.get(loss["file"], (0.0, 0.0)), counted(loss)
                sums[loss["file"]] = before[0] + value, before[1] + number
        runs[each["row"]][each["seed"]] = sums
    return runs
