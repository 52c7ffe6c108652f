"""Encoding texts that change a little at a time, such as a file in which somebody types.

A text is cut into blocks of lines, and the ids of blocks are remembered: of a file of 100 KB in which a character is
new, one block is encoded and not the whole. Where a block ends depends on its own lines alone, so that what stands
before or behind it changes nothing.
"""

from array import array
from collections.abc import Iterator
from functools import lru_cache

from codegem.text.tokenizer import WORDS, SpecialTokens, Tokenizer

_BLOCKS = 4096  # that are remembered of a tokenizer: some 10 MB
_ENDING, _OF = 3, 8  # a block ends with a line whose length leaves this remainder
_MOST = 64  # lines of a block
_OWN_WORDS = {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Isolated", "invert": False}
_SPACES_TO_MARKS = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}


class Remembering:
    """Encodes as a tokenizer does, id for id; safe to use from any thread.

    >>> from codegem.text.tokenizer import ByteTokenizer
    >>> Remembering(ByteTokenizer()).encode("ab") == ByteTokenizer().encode("ab")
    True
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._cuts = _ends_at_lines(tokenizer)
        self._block = lru_cache(maxsize=_BLOCKS)(lambda text: array("I", tokenizer.encode(text)))

    @property
    def special(self) -> SpecialTokens:
        """Ids of the special tokens."""
        return self._tokenizer.special

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: no BOS, and never a special id."""
        if not self._cuts:
            return self._tokenizer.encode(text)
        ids: list[int] = []
        for block in _blocks(text):
            ids.extend(self._block(block))
        return ids

    def count(self, text: str) -> int:
        """How many ids a text has."""
        return sum(map(len, map(self._block, _blocks(text)))) if self._cuts else len(self._tokenizer.encode(text))


@lru_cache(maxsize=8)
def remembering(tokenizer: Tokenizer) -> Remembering:
    """The one of a tokenizer."""
    return Remembering(tokenizer)


def _blocks(text: str) -> Iterator[str]:
    """The text in pieces, each of whole lines but the last; none is followed by a line break.

    >>> list(_blocks("abc\\nd\\nxyz\\n\\nend"))
    ['abc\\n', 'd\\nxyz\\n\\nend']
    """
    start = end = count = 0
    ready = False
    for line in text.split("\n"):
        if ready and line:
            yield text[start:end]
            start, count, ready = end, 0, False
        end += len(line) + 1
        count += 1
        ready = len(line) % _OF == _ENDING or count >= _MOST
        ready = ready and bool(line)
    if start < len(text):
        yield text[start:]


def _ends_at_lines(tokenizer: Tokenizer) -> bool:
    """Whether a token always ends between a line break and anything else, so that blocks have the ids of the whole.

    Of two kinds of vocabulary that can be told: plain byte-pair encoding of the whole text, as Gemma's, and ours.
    """
    definition = tokenizer.definition
    model = definition["model"]
    unusual = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")
    flags = ("single_word", "lstrip", "rstrip")
    if model["type"] != "BPE" or any(model.get(name) for name in unusual):
        return False
    if definition["pre_tokenizer"] not in (None, _OWN_WORDS) or definition["normalizer"] not in (
        None,
        _SPACES_TO_MARKS,
    ):
        return False
    if any(token[flag] for token in definition["added_tokens"] for flag in flags):
        return False
    pieces = map(tokenizer.piece_bytes, range(tokenizer.vocab_size))
    return not any(b"\n" in piece[:-1] and piece.strip(b"\n") for piece in pieces)
