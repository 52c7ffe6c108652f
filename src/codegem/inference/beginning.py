"""Answers that must begin with a given string, whatever tokens spell it (token healing).

A prompt that ends in the middle of a word ends in tokens that no text which was learnt from has there, and so the
model goes on badly. If the last characters are taken off the prompt and asked for as the beginning of the answer, it
chooses the tokens itself (S. Lundberg, "The art of prompt design: prompt boundaries and token healing", 2023).
"""

from bisect import bisect_left, bisect_right

import numpy as np
from jaxtyping import Float

from codegem.errors import UserError
from codegem.text.tokenizer import Tokenizer


class Spellings:
    """The texts of all tokens in order, so that those which fit are found without a look at each.

    Sorting the 256,000 of Gemma takes a third of a second; a question then takes some microseconds.

    Args:
        size: how many ids the model knows.

    Example:
        >>> from codegem.text.tokenizer import ByteTokenizer
        >>> Spellings(ByteTokenizer(), 266).fitting(b"return")      # "r" is 10 + 114
        [124]
    """

    def __init__(self, tokenizer: Tokenizer, size: int):
        texts = [tokenizer.piece_bytes(token) for token in range(min(size, tokenizer.vocab_size))]
        self._tokens = sorted((token for token, text in enumerate(texts) if text), key=texts.__getitem__)
        self._texts = [texts[token] for token in self._tokens]
        self._longest = max(map(len, self._texts), default=0)

    def fitting(self, begin: bytes) -> list[int]:
        """Tokens that begin with `begin`, or are a beginning of it."""
        size = len(begin)
        low = bisect_left(self._texts, begin)
        high = bisect_right(self._texts, begin, low, key=lambda text: text[:size])
        found = self._tokens[low:high]
        for length in range(1, min(size, self._longest + 1)):
            start = begin[:length]
            low = bisect_left(self._texts, start)
            found += self._tokens[low : bisect_right(self._texts, start, low)]
        return found

    def only_fitting(self, logits: Float[np.ndarray, "V"], begin: bytes) -> Float[np.ndarray, "V"]:
        """The logits of tokens that fit, and of others that they are impossible.

        Raises:
            UserError: no token fits.
        """
        allowed = self.fitting(begin)
        if not allowed:
            raise UserError(
                f"The model's vocabulary has no tokens for the beginning {begin.decode(errors='replace')!r}."
            )
        masked = np.full_like(logits, -np.inf)
        masked[allowed] = logits[allowed]
        return masked
