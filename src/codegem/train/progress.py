"""How a run goes, on standard error: one live line in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from types import MappingProxyType, TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

_PLAIN_SECONDS = 20.0  # between lines where nothing can be written over
_MEMORY = 0.9  # share of the earlier average in the time of a step


class Progress:
    """The progress line of a run.

    >>> with Progress(steps=1000) as progress:        # doctest: +SKIP
    ...     progress.update(step=2, loss=9.0, validation_loss=None, learning_rate=3e-5, tokens_per_second=5000)
    step 2/1000  loss 9.000  lr 3.0e-05  5,000 tok/s  left 55 min
    """

    def __init__(self, steps: int, console: Console | None = None, *, quiet: bool = False):
        self._steps = steps
        self._console = console or Console(file=sys.stderr, quiet=quiet)
        self._live = Live(console=self._console, refresh_per_second=4) if self._console.is_terminal else None
        self._before: float | None = None  # when the step before ended
        self._shown = time.monotonic()
        self._seconds: float | None = None  # a step's
        self._line = ""

    def __enter__(self) -> "Progress":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """A sentence that stays."""
        self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def update(
        self,
        *,
        step: int,
        loss: float,
        validation_loss: float | None,
        learning_rate: float,
        tokens_per_second: float,
        skipped: int = 0,
        extras: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """A step is done. The time left is that of the last steps, validations and checkpoints included.

        Args:
            skipped: steps so far that were not finite.
            extras: what the objective tells besides its loss.
        """
        now = time.monotonic()
        self._measure(now)
        left = "" if self._seconds is None else f"  left {_duration(self._seconds * (self._steps - step))}"
        validation = "" if validation_loss is None else f"validation {validation_loss:.3f}  "
        more = "".join(f"{name} {value:.3f}  " for name, value in extras.items())
        bad = f"  skipped {skipped:,}" if skipped else ""
        self._line = (
            f"step {step}/{self._steps}  loss {loss:.3f}  {more}{validation}lr {learning_rate:.1e}  "
            f"{tokens_per_second:,.0f} tok/s{bad}{left}"
        )
        if self._live:
            self._live.update(Text(self._line))
        elif now - self._shown >= _PLAIN_SECONDS or step == self._steps:
            self._shown = now
            self.say(self._line)

    def _measure(self, now: float) -> None:
        """The first step holds the compilation, and counts for nothing."""
        if self._before is not None:
            last = now - self._before
            self._seconds = last if self._seconds is None else _MEMORY * self._seconds + (1 - _MEMORY) * last
        self._before = now


def _duration(seconds: float) -> str:
    """
    >>> _duration(42), _duration(3000), _duration(40_000)
    ('42 s', '50 min', '11 h 07 min')
    """
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
