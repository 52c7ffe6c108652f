"""What copies are measured in: the tokens of code, told apart without a vocabulary.

A token is a digit, a part of a name (up to six letters; a capital after a small one begins another), up to three
punctuation marks, or a byte beyond ASCII: about what a vocabulary of code makes of a text, without its blanks. 50
tokens of nano's vocabulary are 43 of these in the median.
"""

import numpy as np

_SPACE, _MARK, _DIGIT, _SMALL, _CAPITAL, _BEYOND, _NONE = range(7)
_LONGEST_PART = 6  # letters of a name in one token
_LONGEST_MARKS = 3  # punctuation marks in one token


def _kinds() -> np.ndarray:
    table = np.full(256, _MARK, np.uint8)
    table[:33] = _SPACE
    table[ord("0") : ord("9") + 1] = _DIGIT
    table[ord("a") : ord("z") + 1] = _SMALL
    table[ord("A") : ord("Z") + 1] = _CAPITAL
    table[128:] = _BEYOND
    return table


_KINDS = _kinds()
_SHORTEST_WORD = 3  # letters


def begins(raw: np.ndarray) -> np.ndarray:
    """At which bytes of a text tokens begin: bool, as many as bytes; of blanks it says nothing.

    Args:
        raw: uint8.
    """
    kinds = _KINDS[raw]
    before = np.append(np.uint8(_NONE), kinds[:-1])
    letters = (kinds == _SMALL) | (kinds == _CAPITAL)
    same = (kinds == before) | ((before == _CAPITAL) & (kinds == _SMALL))
    first = np.flatnonzero(~same)
    within = np.arange(len(kinds)) - np.repeat(first, np.diff(first, append=len(kinds)))
    return (within % np.where(letters, _LONGEST_PART, _LONGEST_MARKS) == 0) | (kinds == _DIGIT) | (kinds == _BEYOND)


def in_words(raw: np.ndarray) -> np.ndarray:
    """Which bytes of a text are letters of a word, three of them at least: bool; those beyond ASCII are letters.

    >>> bytes(np.frombuffer(b"if 0x1f: the_end()", np.uint8)[in_words(np.frombuffer(b"if 0x1f: the_end()", np.uint8))])
    b'theend'
    """
    letters = _KINDS[raw] >= _SMALL
    edges = np.flatnonzero(np.append(True, letters[1:] != letters[:-1])) if len(raw) else np.zeros(0, np.int64)
    lengths = np.diff(edges, append=len(raw))
    return letters & np.repeat(lengths >= _SHORTEST_WORD, lengths)


def spans(text: str) -> np.ndarray:
    """The tokens of a text: int64 [N, 2], the characters from which and before which each stands.

    >>> text = "def readLines(self):  return 42"
    >>> [text[start:end] for start, end in spans(text)]
    ['def', 'read', 'Lines', '(', 'self', '):', 'return', '4', '2']
    """
    raw = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    seen = raw > 32
    starts = np.flatnonzero(begins(raw) & seen)
    blanks = np.flatnonzero(~seen)
    ends = np.minimum(  # where the next token begins, or a blank
        np.append(starts, len(raw))[1:], np.append(blanks, len(raw))[np.searchsorted(blanks, starts)]
    )
    if not text.isascii():  # bytes to characters: every byte of one stands for all of it
        characters = np.append(0, np.cumsum((raw & 0xC0) != 0x80))
        starts, ends = characters[starts + 1] - 1, characters[ends]
    return np.stack([starts, ends], axis=1)
