"""What the server counts, in Prometheus' text form (version 0.0.4): numbers only, never a word of anybody's code.

Written here, as three kinds of numbers need no library: counters and histograms that requests add to, and gauges that
the engine's service is asked for.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from threading import Lock

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Seconds. A suggestion is at once below 0.1 s and late above 0.5 s, so that is where the steps are small.
BUCKETS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

Labels = tuple[tuple[str, str], ...]
Gauges = Mapping[str, tuple[str, str, float]]
"""By name: "gauge" or "counter", what it is, and its value now."""


class Metrics:
    """Counts of one server; any thread may add to them.

    Example:
        >>> metrics = Metrics()
        >>> metrics.request("openai", 200)
        >>> print(metrics.text().splitlines()[2])
        codegem_requests_total{surface="openai",status="200"} 1
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._counters: dict[tuple[str, str], defaultdict[Labels, float]] = {}
        self._histograms: dict[tuple[str, str], dict[Labels, list[float]]] = {}

    def request(self, surface: str, status: int) -> None:
        """A request was answered, or refused."""
        labels = (("surface", surface), ("status", str(status)))
        self._add("requests_total", "Requests by the API they speak and the status of their answer.", labels)

    def answered(
        self, surface: str, *, reason: str, tokens: int, whole: float, first_token: float | None = None
    ) -> None:
        """A text ended.

        Args:
            reason: why: stop, length, cancelled, copied.
            tokens: how many were written.
            whole: seconds from the request to the text's end, and `first_token` to its first token.
        """
        labels = (("surface", surface),)
        self._add("texts_total", "Texts by the API that asked and why they ended.", (*labels, ("reason", reason)))
        self._add("written_tokens_total", "Tokens written, by API.", labels, tokens)
        self._observe("text_seconds", "Seconds from a request to the end of its text.", labels, whole)
        if first_token is not None:
            about = "Seconds from a request to the first token of its text."
            self._observe("first_token_seconds", about, labels, first_token)

    def traced(self, is_copied: bool) -> None:
        """A text was looked up in the index of a corpus, and stands there in part or not at all."""
        copies = (("copies", "some" if is_copied else "none"),)
        self._add("traced_texts_total", "Texts that were traced by whether parts stand in the corpus.", copies)

    def event(self, kind: str) -> None:
        """A client told what became of a suggestion: view, select, dismiss."""
        self._add("suggestions_total", "Suggestions by what their reader did with them.", (("event", kind),))

    def text(self, gauges: Gauges | None = None) -> str:
        """Everything in Prometheus' text form.

        Args:
            gauges: numbers that others keep, such as the engine's service.
        """
        with self._lock:
            lines = [*self._counter_lines(), *self._histogram_lines()]
        for name, (kind, about, value) in (gauges or {}).items():
            lines += [*_head(name, about, kind), f"codegem_{name} {_number(value)}"]
        return "\n".join(lines) + "\n" if lines else ""

    def _add(self, name: str, about: str, labels: Labels, amount: float = 1) -> None:
        with self._lock:
            self._counters.setdefault((name, about), defaultdict(float))[labels] += amount

    def _observe(self, name: str, about: str, labels: Labels, value: float) -> None:
        with self._lock:
            rows = self._histograms.setdefault((name, about), {}).setdefault(labels, [0.0] * (len(BUCKETS) + 2))
            rows[bisect_left(BUCKETS, value)] += 1  # the last bucket but one has no bound
            rows[-1] += value

    def _counter_lines(self) -> Iterator[str]:
        for (name, about), values in self._counters.items():
            yield from _head(name, about, "counter")
            for labels, value in values.items():
                yield f"codegem_{name}{_labels(labels)} {_number(value)}"

    def _histogram_lines(self) -> Iterator[str]:
        for (name, about), values in self._histograms.items():
            yield from _head(name, about, "histogram")
            for labels, (*counts, total) in values.items():
                so_far = 0.0
                for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                    so_far += count
                    yield f"codegem_{name}_bucket{_labels((*labels, ('le', bound)))} {_number(so_far)}"
                yield f"codegem_{name}_sum{_labels(labels)} {_number(total)}"
                yield f"codegem_{name}_count{_labels(labels)} {_number(so_far)}"


def _head(name: str, about: str, kind: str) -> list[str]:
    return [f"# HELP codegem_{name} {about}", f"# TYPE codegem_{name} {kind}"]


def _labels(labels: Labels) -> str:
    """Labels with what the format escapes.

    >>> _labels((("status", '2"'),))
    '{status="2\\\\""}'
    """
    escape: Callable[[str], str] = lambda value: value.translate({92: "\\\\", 34: '\\"', 10: "\\n"})  # noqa: E731
    return "{" + ",".join(f'{name}="{escape(value)}"' for name, value in labels) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
