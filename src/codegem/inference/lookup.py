"""Drafts of the next tokens, taken from text that is at hand.

An answer often repeats what stands near it: a name, a call, a line with one word changed. So the last tokens
are looked up in the prompt and in what was written so far, and what followed them there is a guess at what
follows here (prompt lookup decoding, A. Saxena 2023; speculative decoding, arXiv 2211.17192, with text for a
draft model). The model reads the guess in one pass and says at every position what it would have chosen: as far
as the guess agrees it is accepted, and the text is the same as without it.
"""

from collections.abc import Sequence

from codegem.inference.pieces import DRAFT_PASSES

LONGEST_MATCH = 8

# How often the first token of a guess was right when the last 1, 2, … tokens had been found, among the greedy
# answers of nano to 200 held-out lines. A text's own acceptance counts beside `_PRIOR` such trials.
_RIGHT = {1: 0.2, 2: 0.38, 3: 0.38, 4: 0.42, 5: 0.6, 6: 0.85}
_RIGHT_IN_REFERENCE = 0.2
_PRIOR = 8
_MEMORY = 0.9  # the weight that an earlier trial keeps at each new one
_GOING_ON = 0.5  # how often a right token is followed by another, at least


class Lookup:
    """Guesses for one text.

    A text is held as a `str` of one character a token: Python finds a string among 8,000 in about 10 µs, with no
    index to build. The longest end of the text that stands elsewhere counts, and of several places the latest.

    Args:
        text: what the answer goes on from, the nearest last.
        reference: other text that the answer may repeat; looked at where `text` has nothing.
        never: tokens that end a guess, such as those that end an answer.

    Example:
        >>> lookup = Lookup([5, 6, 7, 8, 9, 5, 6, 7])
        >>> lookup.draft(left=20)
        [8, 9, 5]
        >>> lookup.add([8, 9, 5], drafted=3, accepted=3)
    """

    def __init__(self, text: Sequence[int], reference: Sequence[int] = (), never: frozenset[int] = frozenset()):
        self._text, self._reference = _characters(text), _characters(reference)
        self._never = frozenset(map(chr, never))
        self._tried, self._right = dict.fromkeys(_RIGHT, 0.0), dict.fromkeys(_RIGHT, 0.0)
        self._matched = 0

    def draft(self, left: int, most: int = max(DRAFT_PASSES) - 1) -> list[int]:
        """A guess at the next tokens that promises to earn back the wider pass which checks it.

        Args:
            left: tokens that are still wanted; the model itself gives one of them.
            most: that the guess may have.
        """
        guess, chance = self._find(min(most, left - 1))
        size = max(DRAFT_PASSES, key=lambda size: _expected(chance, min(size - 1, len(guess))) / DRAFT_PASSES[size])
        return [ord(token) for token in guess[: size - 1]]

    def free_draft(self, left: int, most: int) -> list[int]:
        """A guess for positions that are computed in any case."""
        return [ord(token) for token in self._find(min(most, left - 1))[0]]

    def add(self, tokens: Sequence[int], drafted: int = 0, accepted: int = 0) -> None:
        """The tokens that were written, and what became of the last guess."""
        self._text += _characters(tokens)
        if drafted:
            self._tried[self._matched] = self._tried[self._matched] * _MEMORY + 1
            self._right[self._matched] = self._right[self._matched] * _MEMORY + (accepted > 0)

    def _find(self, most: int) -> tuple[str, float]:
        """A guess, and the chance that its first token is right."""
        for text in (self._text, self._reference):
            for length in range(min(LONGEST_MATCH, len(self._text)), 0, -1):
                at = text.rfind(self._text[-length:], 0, -1)
                if at < 0:
                    continue
                self._matched = min(length, max(_RIGHT))
                expected = _RIGHT[self._matched] if text is self._text else _RIGHT_IN_REFERENCE
                right = _PRIOR * expected + self._right[self._matched]
                return self._repeated(text[at + length :], most), right / (_PRIOR + self._tried[self._matched])
        return "", 0.0

    def _repeated(self, following: str, most: int) -> str:
        """As much of what follows as may be offered; where the text itself ends it is taken to go round."""
        guess = (following * (most // len(following) + 1))[: max(0, most)]
        return guess[: next((at for at, token in enumerate(guess) if token in self._never), len(guess))]


def _expected(chance: float, drafted: int) -> float:
    """Tokens that a pass with a guess gives: its own one, and the right ones."""
    going_on = max(_GOING_ON, chance)
    return 1 + chance * sum(going_on**further for further in range(drafted))


def _characters(tokens: Sequence[int]) -> str:
    return "".join(map(chr, tokens))
