"""The losses of a run as a picture, drawn without a plotting library."""

from pathlib import Path

from codegem.train.metrics import Row, read_metrics

_WIDTH, _HEIGHT, _MARGIN = 720, 400, 50


def plot(out: Path) -> Path:
    """Draw OUT/losses.svg from OUT/metrics.jsonl: training and validation loss over steps."""
    rows = read_metrics(out / "metrics.jsonl")
    curves = {"loss": ("#7aa6d8", 1.0), "validation_loss": ("#c0392b", 2.5)}
    points = {name: [(row["step"], row[name]) for row in rows if name in row] for name in curves}
    everything = [point for line in points.values() for point in line] or [(0, 0.0)]
    right = max(1, max(step for step, _ in everything))
    low, high = min(loss for _, loss in everything), max(loss for _, loss in everything)
    high = high if high > low else low + 1

    def place(step: float, loss: float) -> str:
        x = _MARGIN + (_WIDTH - 2 * _MARGIN) * step / right
        y = _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * (loss - low) / (high - low)
        return f"{x:.1f},{y:.1f}"

    lines = [
        f'<polyline points="{" ".join(place(*point) for point in points[name])}" fill="none" '
        f'stroke="{colour}" stroke-width="{width}"/>'
        for name, (colour, width) in curves.items()
    ]
    path = out / "losses.svg"
    path.write_text(_svg([*lines, *_labels(right, low, high, rows)]), encoding="utf-8")
    return path


def _labels(right: float, low: float, high: float, rows: list[Row]) -> list[str]:
    tokens = f"{rows[-1]['tokens']:,.0f} tokens" if rows else "no steps yet"
    bottom, top = _HEIGHT - _MARGIN, _MARGIN
    return [
        f'<path d="M{_MARGIN} {top} V{bottom} H{_WIDTH - _MARGIN}" fill="none" stroke="#444"/>',
        _text(_MARGIN - 6, bottom, f"{low:.2f}", "end"),
        _text(_MARGIN - 6, top + 4, f"{high:.2f}", "end"),
        _text(_MARGIN, bottom + 18, "0", "middle"),
        _text(_WIDTH - _MARGIN, bottom + 18, f"step {right:,.0f}", "end"),
        _text(_WIDTH // 2, bottom + 36, f"training (thin) and validation loss, nats a token; {tokens}", "middle"),
    ]


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'


def _svg(parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return (
        "\n".join(
            [
                f'{head} font-family="sans-serif" font-size="12">',
                f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
                *parts,
                "</svg>",
            ]
        )
        + "\n"
    )
