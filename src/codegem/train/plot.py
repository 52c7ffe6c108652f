"""The course of one run or of several as a picture, drawn without a plotting library.

Four charts over the same steps: loss in training and validation, learning rate, throughput, length of the gradient.
The colours follow the reader's setting, light or dark.
"""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from codegem.errors import UserError
from codegem.train.metrics import Row, read_metrics

_WIDTH, _LEFT, _RIGHT, _TOP = 860, 64, 20, 34
_GAP = 34  # between charts
_POINTS = 600  # of a curve; longer ones are drawn as means
_COLOURS = 6  # runs are told apart by; then they repeat

_STYLE = """
svg { background: #fff; color: #1f2328; font: 12px system-ui, sans-serif }
text { fill: currentColor } .faint { fill: #59636e } .grid { stroke: #d1d9e0; fill: none }
polyline { fill: none; stroke-linejoin: round; stroke-width: 1.2 } .validation { stroke-width: 2.4 }
.c0 { stroke: #0969da } .c1 { stroke: #bc4c00 } .c2 { stroke: #1a7f37 }
.c3 { stroke: #8250df } .c4 { stroke: #bf3989 } .c5 { stroke: #7d6608 }
.raw { opacity: 0.45 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; color: #e6edf3 } .faint { fill: #9198a1 } .grid { stroke: #30363d }
.c0 { stroke: #58a6ff } .c1 { stroke: #f0883e } .c2 { stroke: #3fb950 }
.c3 { stroke: #bc8cff } .c4 { stroke: #f778ba } .c5 { stroke: #d4a72c }
}
"""


class _Chart(NamedTuple):
    """One chart: its title, and the names of its numbers; a second name is drawn thick."""

    title: str
    names: tuple[str, ...]
    height: int


_CHARTS = (
    _Chart("loss, nats a token: training thin, validation thick", ("loss", "validation_loss"), 260),
    _Chart("learning rate", ("learning_rate",), 90),
    _Chart("tokens a second", ("tokens_per_second",), 90),
    _Chart("length of the gradient", ("grad_norm",), 90),
)


def plot(runs: Sequence[Path], to: Path) -> Path:
    """Draw the metrics.jsonl of runs over each other into an SVG file.

    Raises:
        OSError: the file can't be written.
    """
    rows = [read_metrics(run / "metrics.jsonl") for run in runs]
    last = max([1, *(int(row["step"]) for course in rows for row in course)])
    parts, y = _legend(runs, rows), _TOP + 18 * len(runs)
    for chart in _CHARTS:
        parts += _drawn(chart, rows, last, y)
        y += chart.height + _GAP
    parts.append(_text(_WIDTH - _RIGHT, y - _GAP + 16, f"step {last:,}", "end"))
    parts.append(_text(_LEFT, y - _GAP + 16, "0", "middle"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}">\n<style>{_STYLE}</style>'
    to.write_text("\n".join([head, *parts, "</svg>"]) + "\n", encoding="utf-8")
    return to


def plot_named(runs: Sequence[Path], to: Path) -> Path:
    """`plot` for folders that a person named.

    Raises:
        UserError: a folder holds no run, or the picture can't be written.
    """
    for run in runs:
        if not (run / "metrics.jsonl").is_file():
            raise UserError(
                f"{run} holds no run: there is no metrics.jsonl in it. Name the --out of a `codegem train`."
            )
    try:
        return plot(runs, to)
    except OSError as error:
        raise UserError(f"{to} can't be written: {error.strerror}. Choose another --to.") from None


def _legend(runs: Sequence[Path], rows: Sequence[Sequence[Row]]) -> list[str]:
    parts = []
    for number, (run, course) in enumerate(zip(runs, rows, strict=True)):
        y = 22 + 18 * number
        parts.append(f'<path class="c{number % _COLOURS} validation" d="M{_LEFT} {y - 4} h22"/>')
        parts.append(_text(_LEFT + 30, y, f"{run.name or run}: {_summary(course)}", "start"))
    return parts


def _summary(course: Sequence[Row]) -> str:
    if not course:
        return "no steps yet"
    words = [f"{course[-1]['step']:,} steps", f"{max(row.get('tokens', 0) for row in course):,.0f} tokens"]
    for name, title in (("loss", "loss"), ("validation_loss", "validation loss")):
        value = next((row[name] for row in reversed(course) if name in row), None)
        words += [] if value is None else [f"{title} {value:.3f}"]
    skipped = max(row.get("skipped", 0) for row in course)
    return ", ".join(words + ([f"{skipped:,.0f} skipped"] if skipped else []))


def _drawn(chart: _Chart, rows: Sequence[Sequence[Row]], last: int, top: int) -> list[str]:
    """A chart whose upper edge is at `top`."""
    curves = [
        (number, name, _thinned([(row["step"], row[name]) for row in course if name in row]))
        for number, course in enumerate(rows)
        for name in chart.names
    ]
    low, high = _range([value for _, _, curve in curves for _, value in curve])
    ticks = _ticks(low, high, chart.height // 44)
    low, high = min(low, ticks[0]), max(high, ticks[-1])

    def height(value: float) -> float:
        return top + chart.height * (1 - (min(value, high) - low) / (high - low))

    parts = [_text(_LEFT, top - 8, chart.title, "start", "faint")]
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{_LEFT} {height(tick):.1f} H{_WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 8, height(tick) + 4, f"{tick:,.6g}", "end", "faint"))
    for number, name, curve in curves:
        places = " ".join(f"{_LEFT + (_WIDTH - _LEFT - _RIGHT) * x / last:.1f},{height(v):.1f}" for x, v in curve)
        kind = "validation" if name == "validation_loss" else "raw" if name == "loss" else ""
        parts.append(f'<polyline class="c{number % _COLOURS} {kind}" points="{places}"/>')
    return parts


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `_POINTS` points: each the mean of as many neighbours."""
    size = math.ceil(len(points) / _POINTS)
    if size <= 1:
        return points
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in part) / len(part), sum(v for _, v in part) / len(part)) for part in parts]


def _range(values: list[float]) -> tuple[float, float]:
    """What is shown: all of it, but the highest hundredth where it is far above the rest; that is drawn at the edge."""
    if not values:
        return 0.0, 1.0
    ordered = sorted(values)
    low, high, most = ordered[0], ordered[-1], ordered[int(0.99 * (len(ordered) - 1))]
    if high - low > 2 * (most - low) > 0:
        high = most
    return (low, high) if high > low else (low - 0.5 * abs(low or 1), low + 0.5 * abs(low or 1))


def _ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers around a range, about `count` steps of them.

    >>> _ticks(1.3, 8.9, 4), _ticks(0.0, 0.0031, 2)
    ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], [0.0, 0.002, 0.004])
    """
    rough = (high - low) / max(count, 2)
    power = 10.0 ** math.floor(math.log10(rough))
    size = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)
    first, end = math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9)
    return [float(f"{number * size:.12g}") for number in range(first, end + 1)]


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'
