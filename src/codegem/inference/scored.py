"""Activations on their way to logits, and sums of what they say.

The rows that are wanted of several passes are gathered until they are a chunk, so that one program makes all logits.
A pass is waited for when the next one was asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

# (row, position, token, requests): the activations there say how likely the token is, for some requests.
Wanted = Sequence[tuple[int, int, int, list[int]]]
# Activations [R, D] and tokens [R] -> log-probabilities and whether each token is the likeliest, on the device.
Score = Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]
Known = Iterator[tuple[int, float, bool]]


class Sums:
    """What became of each request so far.

    Args:
        lengths: tokens of each that are scored.
        chunk: rows of logits that are made together.
    """

    def __init__(self, lengths: Sequence[int], chunk: int, score: Score):
        self._left, self._chunk, self._score = list(lengths), chunk, score
        self._sums, self._greedy = [0.0] * len(lengths), [True] * len(lengths)
        self._rows: list[np.ndarray] = []
        self._wanted: list[tuple[int, list[int]]] = []
        self._reading: tuple[Any, Wanted] | None = None
        self._scoring: tuple[Any, Any, Sequence[list[int]]] | None = None

    def take(self, hidden: Any, wanted: Wanted) -> Known:
        """A pass was asked for; what the one before it made is used meanwhile."""
        before, self._reading = self._reading, (hidden, wanted)
        if before:
            yield from self._use(*before)

    def rest(self) -> Known:
        """No more passes follow."""
        if self._reading:
            yield from self._use(*self._reading)
        if self._wanted:
            yield from self._flush()
        yield from self._told()

    def _use(self, hidden: Any, wanted: Wanted) -> Known:
        if not wanted:
            return
        rows, places, tokens, requests = zip(*wanted, strict=True)
        self._rows.append(np.asarray(hidden)[np.array(rows), np.array(places)])
        self._wanted += zip(tokens, requests, strict=True)
        while len(self._wanted) >= self._chunk:
            yield from self._flush()

    def _flush(self) -> Known:
        rows = np.concatenate(self._rows)
        part, left = rows[: self._chunk], rows[self._chunk :]
        now, self._wanted = self._wanted[: self._chunk], self._wanted[self._chunk :]
        self._rows = [left] if len(left) else []
        padding = self._chunk - len(part)
        part = np.pad(part, ((0, padding), (0, 0)))
        tokens = np.pad(np.array([token for token, _ in now], np.int32), (0, padding))
        asked = (*self._score(part, tokens), [requests for _, requests in now])
        yield from self._told()
        self._scoring = asked

    def _told(self) -> Known:
        if self._scoring is None:
            return
        logprobs, likeliest, requests = self._scoring
        self._scoring = None
        known = zip(requests, np.asarray(logprobs).tolist(), np.asarray(likeliest).tolist(), strict=False)
        for asked, logprob, greedy in known:
            for request in asked:
                self._sums[request] += logprob
                self._greedy[request] &= greedy
                self._left[request] -= 1
                if not self._left[request]:
                    yield request, self._sums[request], self._greedy[request]
