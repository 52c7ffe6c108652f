"""A model of ours as lm-eval's `LM`.

Texts become tokens as lm-eval makes them (context and continuation are encoded together, white space at the end of a
context belongs to the continuation), with one difference: BOS stands first, once, whatever was cut.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from codegem.evaluation.runner import Fit, Progress, silent, whole
from codegem.generate import Request, StopReason, TextSource, finished
from codegem.text.tokenizer import Encoder

MOST_TOKENS = 256  # of an answer whose task names no number; lm-eval's default


class Scorer(Protocol):
    """What says how likely tokens are; `inference.likelihood.Likelihood` does."""

    @property
    def context_length(self) -> int:
        """How many tokens the model reads."""
        ...

    def scores(self, asked: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Iterator[tuple[int, float, bool]]:
        """(index, logprob, greedy) of each (tokens before, tokens scored), in any order."""
        ...


class Known(Protocol):
    """Results of earlier runs by key; `answers.Answers` keeps them on disk."""

    def get(self, key: str) -> Any:
        """A result, or None."""
        ...

    def put(self, key: str, result: Any) -> None:
        """Keep a result."""
        ...


class Remembered:
    """`Known` in memory."""

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """A result, or None."""
        return self._found.get(key)

    def put(self, key: str, result: Any) -> None:
        """Keep a result."""
        self._found[key] = result


class CodegemLM(LM):
    """Answers lm-eval's three kinds of requests.

    Args:
        scorer: None of a model behind an address, of which no likelihoods are known.
        encoder: of the scorer's model.
        source: writes answers.
        fit: cuts a prompt to what the source holds.
        known: results that need not be made again.
        length: tokens that the model reads; by default what the scorer says.

    Attributes:
        stage: what progress is told of.
        cut: requests of which the model read only the end, and BOS.
        lowered: tokens that answers could have at most, where a small model can't write as many as asked for.
    """

    def __init__(
        self,
        scorer: Scorer | None,
        encoder: Encoder | None,
        source: TextSource | None = None,
        *,
        fit: Fit = whole,
        known: Known | None = None,
        progress: Progress = silent,
        length: int | None = None,
    ):
        super().__init__()
        self._scorer, self._encoder, self._source, self._fit = scorer, encoder, source, fit
        self._known = Remembered() if known is None else known
        self._progress = progress
        self._length = length or (scorer.context_length if scorer else 0)
        self.stage = "scoring"
        self.cut = 0
        self.lowered: int | None = None

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """(sum of log-probabilities, whether greedy) of each (context, continuation)."""
        scorer, encoder = self._likelihoods()
        pairs: Any = [request.args for request in requests]
        asked, cut = token_pairs(pairs, encoder, self._length)
        self.cut += cut
        return self._scores(scorer, asked, "requests")

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """The log-likelihood of each text as a whole; of a long one in windows, each of which begins with BOS."""
        scorer, encoder = self._likelihoods()
        windows: list[tuple[Sequence[int], Sequence[int]]] = []
        owners: list[int] = []
        for owner, request in enumerate(requests):
            for window in rolling_windows(encoder.encode(request.args[0]), encoder.special.bos, self._length):
                windows.append(window)
                owners.append(owner)
        sums = [0.0] * len(requests)
        for owner, (logprob, _) in zip(owners, self._scores(scorer, windows, "windows"), strict=True):
            sums[owner] += logprob
        return sums

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """What the model writes behind each context, up to a stop string."""
        if self._source is None:
            raise ValueError("this LM has no source of text")
        asked = [self._request(*request.args) for request in requests]
        keys = [_key("generate", request.prompt, request.max_tokens, request.stop) for request in asked]
        missing = [index for index, key in enumerate(keys) if self._known.get(key) is None]
        done = len(asked) - len(missing)
        self._progress(self.stage, done, len(asked), "answers")
        for at, output in finished(self._source, [asked[index] for index in missing]):
            if output.stop_reason != StopReason.CANCELLED:
                self._known.put(keys[missing[at]], output.text)
                done += 1
                self._progress(self.stage, done, len(asked), "answers")
        return [self._known.get(key) or "" for key in keys]

    def _request(self, context: str, wanted: Mapping[str, Any]) -> Request:
        until = wanted.get("until") or ()
        stop = tuple(text for text in ([until] if isinstance(until, str) else until) if text)
        most = int(wanted.get("max_gen_toks", MOST_TOKENS))
        prompt, allowed, cut = self._fit(context, most)
        self.cut += cut
        if allowed < most:
            self.lowered = min(allowed, self.lowered or allowed)
        return Request(prompt, allowed, stop)

    def _likelihoods(self) -> tuple[Scorer, Encoder]:
        if self._scorer is None or self._encoder is None:
            raise ValueError("this LM has no likelihoods")
        return self._scorer, self._encoder

    def _scores(
        self, scorer: Scorer, asked: Sequence[tuple[Sequence[int], Sequence[int]]], unit: str
    ) -> list[tuple[float, bool]]:
        keys = [_key("score", list(prefix), list(continuation)) for prefix, continuation in asked]
        missing = [index for index, key in enumerate(keys) if self._known.get(key) is None]
        done = len(asked) - len(missing)
        self._progress(self.stage, done, len(asked), unit)
        for at, logprob, greedy in scorer.scores([asked[index] for index in missing]):
            self._known.put(keys[missing[at]], [logprob, greedy])
            done += 1
            self._progress(self.stage, done, len(asked), unit)
        found = [self._known.get(key) for key in keys]
        return [(logprob, greedy) for logprob, greedy in found]


def token_pairs(
    pairs: Sequence[tuple[str, str]], encoder: Encoder, length: int
) -> tuple[list[tuple[list[int], list[int]]], int]:
    """(tokens before, tokens scored) of each (context, continuation), and how many were cut.

    A context that is too long loses its beginning, and keeps BOS. The choices of one question are cut alike, to what
    leaves room for the longest: they are compared, so each is scored behind the same tokens.
    """
    bos = encoder.special.bos
    contexts: dict[str, list[int]] = {}
    split = [_split(context, continuation, encoder, contexts) for context, continuation in pairs]
    longest: dict[str, int] = {}
    for (context, _), (_, scored) in zip(pairs, split, strict=True):
        longest[context] = max(longest.get(context, 0), len(scored))
    found, cut = [], 0
    for (context, _), (before, scored) in zip(pairs, split, strict=True):
        room = max(0, length - longest[context])  # the last token is scored and not read, BOS is read
        cut += len(before) > room or len(scored) > length
        found.append(([bos, *before[len(before) - min(len(before), room) :]], scored[-length:]))
    return found, cut


def _split(
    context: str, continuation: str, encoder: Encoder, contexts: dict[str, list[int]]
) -> tuple[list[int], list[int]]:
    """Tokens of a context, without BOS, and those behind it of context and continuation encoded together."""
    stripped = context.rstrip()
    continuation = context[len(stripped) :] + continuation
    if stripped not in contexts:
        contexts[stripped] = encoder.encode(stripped)
    before = contexts[stripped]
    return before, encoder.encode(stripped + continuation)[len(before) :] or encoder.encode(continuation)


def rolling_windows(ids: Sequence[int], bos: int, length: int) -> Iterator[tuple[list[int], list[int]]]:
    """(tokens before, tokens scored): each token is scored once, behind as many others as fit, and BOS.

    As lm-eval's windows, which have no BOS from the second on.

    >>> list(rolling_windows([5, 6, 7, 8, 9], 2, 4))
    [([2], [5, 6, 7, 8]), ([2, 6, 7, 8], [9])]
    """
    for start in range(0, len(ids), length):
        end = min(start + length, len(ids))
        before = min(start, length - (end - start))
        yield [bos, *ids[start - before : start]], list(ids[start:end])


def _key(*what: Any) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
