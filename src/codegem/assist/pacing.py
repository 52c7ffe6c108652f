"""How long to wait after a keystroke before asking: as long as it takes to see that a person has paused."""

import threading
from collections import deque

SHORTEST, LONGEST = 0.1, 0.4  # seconds
_PAUSE = 1.5  # seconds; a longer interval is no typing
_FACTOR = 1.25  # of the usual interval: few of one person's are longer while words are typed
_REMEMBERED = 16  # intervals


class Pace:
    """A person's typing, from any thread.

    The delay is a little more than the median of the last intervals between keystrokes, from 100 to 400 ms: who types
    fast is asked for soon, and nobody is asked for between two letters of one word.

    Example:
        >>> pace = Pace()
        >>> for time in (0.0, 0.2, 0.4, 0.6):
        ...     pace.key(time)
        >>> round(pace.delay(), 2), pace.delay(by_hand=True)
        (0.25, 0.0)
    """

    def __init__(self, first: float = 0.15):
        self._first = first
        self._intervals: deque[float] = deque(maxlen=_REMEMBERED)
        self._last: float | None = None
        self._lock = threading.Lock()

    def key(self, now: float) -> None:
        """A character was typed, at a time in seconds of any clock that only goes on."""
        with self._lock:
            if self._last is not None and 0 < now - self._last < _PAUSE:
                self._intervals.append(now - self._last)
            self._last = now

    def delay(self, by_hand: bool = False) -> float:
        """Seconds to wait; none where a person asked by hand."""
        if by_hand:
            return 0.0
        with self._lock:
            usual = sorted(self._intervals)[len(self._intervals) // 2] if self._intervals else None
        return self._first if usual is None else min(LONGEST, max(SHORTEST, _FACTOR * usual))
