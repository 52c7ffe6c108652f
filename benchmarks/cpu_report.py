"""Timings of `cpu.py`: kept in the order they were taken, shown as medians and ratios."""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

OURS = "codegem"


@dataclass
class Timing:
    """One engine at one piece of work.

    Attributes:
        work: what is done, such as "decode at 64".
        bits: which weights: int4, int8.
        values: one for each run; seconds, or bytes where `unit` says so.
        tokens: that a run reads or writes: turns seconds into tokens a second.
        bytes: that each token has to read from memory, where that is what limits it.
    """

    work: str
    bits: str
    engine: str
    values: list[float] = field(default_factory=list)
    tokens: int = 0
    bytes: float = 0
    unit: str = "s"

    @property
    def median(self) -> float:
        """Of the runs."""
        return statistics.median(self.values)


@dataclass(frozen=True)
class Request:
    """One hole filled: seconds up to the first token and in all, and the model's passes for the answer."""

    prompt: float
    seconds: float
    steps: int
    drafted: int
    accepted: int


@dataclass
class Results:
    """All timings of a run, and what the memory gave between them, in GB/s."""

    timings: list[Timing] = field(default_factory=list)
    infills: list[tuple[str, str, str, list[Request]]] = field(default_factory=list)
    bandwidth: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)
    others: dict[str, dict[str, float]] = field(default_factory=dict)

    def timing(self, work: str, bits: str, engine: str, **settings: object) -> Timing:
        """The timing of this work by this engine, new or begun before."""
        for timing in self.timings:
            if (timing.work, timing.bits, timing.engine) == (work, bits, engine):
                return timing
        self.timings.append(Timing(work, bits, engine, **settings))  # type: ignore[arg-type]
        return self.timings[-1]

    def requests(self, work: str, bits: str, engine: str) -> list[Request]:
        """The list of holes filled by this engine, to be added to."""
        for *key, requests in self.infills:
            if key == [work, bits, engine]:
                return requests
        self.infills.append((work, bits, engine, []))
        return self.infills[-1][-1]

    def write(self, file: Path) -> None:
        """Everything, as JSON."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def show(self, console: Console) -> None:
        """The table. A ratio above 1 says how many times as long, or as large, as ours."""
        table = Table("work", "weights", "engine", "median", "min", "max", "tokens/s", "ratio", "GB/s", "of memory")
        for timing in self.timings:
            table.add_row(*self._row(timing))
        if self.timings:
            console.print(table)
        if self.infills:
            console.print(self._infill_table())
        for work, samples in self.bandwidth.items():
            huge, ordinary = (statistics.median(sample[pages] for sample in samples) for pages in ("huge", "ordinary"))
            console.print(f"memory read during {work}: {huge:.1f} GB/s in huge pages, {ordinary:.1f} in ordinary ones")
        for work, seen in self.others.items():
            took, busy = seen["seconds"], seen["processors"]
            console.print(f"{work}: {took:.0f} s; other programs kept {busy:.2f} processors busy")
        for engine, system in self.systems.items():
            console.print(f"{engine}: {system}")

    def _row(self, timing: Timing) -> Iterator[str]:
        yield timing.work
        yield timing.bits
        yield timing.engine
        yield from (_number(value, timing.unit) for value in (timing.median, min(timing.values), max(timing.values)))
        speed = timing.tokens / timing.median
        yield f"{speed:.1f}" if timing.tokens else ""
        yield self._ratio(timing)
        rate = speed * timing.bytes / 1e9
        yield f"{rate:.1f}" if timing.bytes else ""
        samples = self.bandwidth.get(f"{timing.work}, {timing.bits}")
        yield f"{rate / statistics.median(sample['huge'] for sample in samples):.0%}" if samples else ""

    def _infill_table(self) -> Table:
        """Totals over all requests: prompts, answers and both; ratios of the totals to ours."""
        columns = (
            "infill",
            "weights",
            "engine",
            "requests",
            "prompts s",
            "answers s",
            "all s",
            "ratio",
            "median of ratios",
        )
        table = Table(*columns, "passes", "accepted of drafted")
        ours = {(work, bits): requests for work, bits, engine, requests in self.infills if engine == OURS}
        for work, bits, engine, requests in self.infills:
            base, prompts, total = ours[work, bits], *(_total(requests, part) for part in ("prompt", "seconds"))
            ratios = [one.seconds / other.seconds for one, other in zip(requests, base, strict=True)]
            table.add_row(
                *(work, bits, engine, str(len(requests))),
                *(f"{value:.1f}" for value in (prompts, total - prompts, total)),
                *(f"{total / _total(base, 'seconds'):.2f}", f"{statistics.median(ratios):.2f}"),
                f"{_total(requests, 'steps'):.0f}",
                f"{_total(requests, 'accepted'):.0f} of {_total(requests, 'drafted'):.0f}",
            )
        return table

    def _ratio(self, timing: Timing) -> str:
        """Medians of the whole, not of pairs: runs alternate, so both engines see the same weather."""
        base = [t for t in self.timings if (t.work, t.bits, t.engine) == (timing.work, timing.bits, OURS)]
        return f"{timing.median / base[0].median:.2f}" if base else ""


def _number(value: float, unit: str) -> str:
    return f"{value / 1e9:.2f} GB" if unit == "bytes" else f"{value:.4g} s"


def _total(requests: Sequence[Request], part: str) -> float:
    return sum(getattr(request, part) for request in requests)
