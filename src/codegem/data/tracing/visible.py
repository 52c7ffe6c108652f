"""Text as its visible bytes: what a copy is compared by, so that indentation and line ends don't count.

All in NumPy, a whole text at once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from codegem.data.hashing import mix
from codegem.data.tracing.tokens import begins, in_words

STEP = 24  # visible bytes from one fingerprint of a file to the next
WIDTH = 20  # visible bytes that a fingerprint is of
SIDES = 0xFFFF  # the bits of a fingerprint that say a little of the bytes beside it
UNKNOWN = -1

_LETTERS = 16  # of words, at least so many in a copy
_BESIDE = 16  # visible bytes on either side of which it says a little
_SIDE_BITS, _HINT, _TOP = np.uint64(16), np.uint64(4), np.uint64(60)
_LAST_HALF = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class Visible:
    """The visible bytes of a text: all but ASCII's blanks, line ends and control characters.

    >>> text = Visible.of("a  =\\tbé".encode())
    >>> bytes(text.data), text.places.tolist()
    (b'a=b\\xc3\\xa9', [0, 3, 5, 6, 7])

    Attributes:
        raw: uint8, the whole text.
        places: int64 [V], where each visible byte stands in it.
        data: uint8 [V], the visible bytes.
    """

    raw: np.ndarray
    places: np.ndarray
    data: np.ndarray

    @staticmethod
    def of(text: bytes) -> "Visible":
        """The visible bytes of UTF-8."""
        raw = np.frombuffer(text, np.uint8)
        places = np.flatnonzero(raw > 32)
        return Visible(raw, places, raw[places])

    def characters(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the text that some visible bytes are, whole ones only, and blanks between.

        >>> Visible.of("é = é".encode()).characters(1, 4)
        (1, 4)

        Args:
            start, end: of visible bytes, one at least.
        """
        first, behind = int(self.places[start]), int(self.places[end - 1]) + 1
        starts = (self.raw & 0xC0) != 0x80  # every other byte goes on with a character
        whole = behind == len(self.raw) or bool(starts[behind])
        return int(np.count_nonzero(starts[:first])), int(np.count_nonzero(starts[:behind])) - (not whole)

    def is_enough(self, start: int, end: int, least: int) -> bool:
        """Whether a part has so many tokens, and is not mere brackets, marks and numbers, which are nobody's."""
        return bool(self.are_enough(np.array(start), np.array(end), least))

    def are_enough(self, starts: np.ndarray, ends: np.ndarray, least: int) -> np.ndarray:
        """`is_enough` of many parts."""
        tokens, letters = self.tokens, self.letters
        return (tokens[ends] - tokens[starts] >= least) & (letters[ends] - letters[starts] >= _LETTERS)

    @cached_property
    def tokens(self) -> np.ndarray:
        """int64 [V + 1]: how many tokens begin before each visible byte; see `tokens.spans`."""
        return np.append(0, np.cumsum(begins(self.raw)[self.places]))

    @cached_property
    def letters(self) -> np.ndarray:
        """int64 [V + 1]: how many letters of words stand before each visible byte; see `tokens.in_words`."""
        return np.append(0, np.cumsum(in_words(self.raw)[self.places]))


def fingerprints(data: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A hash of the `WIDTH` bytes at each start, and what stands beside them: uint64, as many as `starts`.

    The lowest 16 bits are four each of the eight bytes before, of the eight before those, of the eight behind, and of
    the eight behind those; where they differ, a copy ends there (`differences`).

    Args:
        data: uint8 [V].
        starts: int64, at most V - WIDTH.
    """
    padded = np.zeros(len(data) + 2 * _BESIDE, np.uint8)
    padded[_BESIDE:-_BESIDE] = data
    eights = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
    at = starts + _BESIDE
    hashes = mix(eights[at])
    hashes = mix(hashes + eights[at + 8])
    hashes = mix(hashes + (eights[at + 16] & _LAST_HALF)) >> _SIDE_BITS
    for offset in (-8, -16, WIDTH, WIDTH + 8):
        hashes = (hashes << _HINT) | (mix(eights[at + offset]) >> _TOP)
    return hashes


def differences(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far two texts can be the same, to the left and to the right of fingerprints that they share.

    Args:
        ours, theirs: integers with the lowest 16 bits of fingerprints.

    Returns:
        int64: visible bytes at most; `UNKNOWN` where the fingerprints say nothing.
    """
    differ = ours ^ theirs
    left = np.where(differ & 0xF000, 7, np.where(differ & 0x0F00, 15, UNKNOWN))
    right = np.where(differ & 0x00F0, 7, np.where(differ & 0x000F, 15, UNKNOWN))
    return left, right
