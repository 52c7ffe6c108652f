"""What the steps of a run tell: fetched late, written to the metrics, shown, counted."""

import math
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from codegem.train.metrics import MetricsFile
from codegem.train.progress import Progress
from codegem.train.step import StepMetrics


class _Begun(NamedTuple):
    """A step whose numbers have not been fetched."""

    step: int
    metrics: StepMetrics
    waited: float
    at: float


class Teller:
    """Takes the numbers of each step when the next one is running, so that the device never waits for the host.

    Attributes:
        tokens: targets learned from so far.
        skipped: steps so far that were not finite.
        bad: so many of them in a row, up to the last one that was told.
    """

    def __init__(self, metrics: MetricsFile, shown: Progress, tokens: int, skipped: int):
        self.tokens, self.skipped, self.bad = tokens, skipped, 0
        self._metrics, self._shown = metrics, shown
        self._begun: _Begun | None = None
        self._ready = 0.0  # when the numbers of the last step came

    def begun(self, step: int, metrics: StepMetrics, waited: float) -> None:
        """A step was begun, after so many seconds of waiting for its batch; tell of the one before it."""
        now = time.monotonic()
        self.settle()
        self._begun = _Begun(step, metrics, waited, now)

    def settle(self) -> None:
        """Fetch and tell the numbers of the step that was begun last."""
        if self._begun is None:
            return
        begun, self._begun = self._begun, None
        told = jax.device_get(begun.metrics)
        now = time.monotonic()
        seconds, self._ready = now - max(begun.at, self._ready), now
        good, self.skipped = int(told.skipped) == self.skipped, int(told.skipped)
        self.bad = 0 if good else self.bad + 1
        self.tokens += int(told.tokens) if good else 0
        self._tell(begun, told, float(told.tokens) / seconds)

    def validated(self, step: int, means: Mapping[str, float]) -> None:
        """A validation is done."""
        self._metrics.append(
            {"step": step, "tokens": self.tokens} | {f"validation_{name}": mean for name, mean in means.items()}
        )
        self._shown.say(f"step {step}  validation loss {means['loss']:.4f}")

    def last(self, name: str) -> float | None:
        """The last number of a name."""
        found = self._metrics.last(name)
        return found[1] if found else None

    def _tell(self, begun: _Begun, told: StepMetrics, speed: float) -> None:
        shown: dict[str, Any] = {
            "loss": float(told.loss),
            "learning_rate": float(told.learning_rate),
            "tokens_per_second": speed,
            "skipped": self.skipped,
        }
        extras = {name: float(value) for name, value in told.extras.items()}
        numbers = {**shown, **extras, "grad_norm": float(told.grad_norm), "waited": begun.waited, "tokens": self.tokens}
        self._metrics.append({"step": begun.step} | {name: x for name, x in numbers.items() if math.isfinite(x)})
        self._shown.update(step=begun.step, validation_loss=self.last("validation_loss"), extras=extras, **shown)
