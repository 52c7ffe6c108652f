"""Where a text can be cut without changing its tokens.

Between some pairs of bytes a token always ends: after a line break, say, where no piece of the vocabulary
joins one to something else. Text between two such places is a unit. A unit has the same tokens wherever it
stands, so a corpus is encoded by looking its units up, and a file is cut by encoding only the unit that is
cut.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from codegem.text.tokenizer import CONTROL, WORDS, Tokenizer

_BREAK, _SPACE, _ASCII, _LEADING = ord("\n"), ord(" "), 0x80, 0xC0
_BYTE_INSIDE = re.compile(r"<0x[0-9A-F]{2}>.|.<0x[0-9A-F]{2}>", re.DOTALL)
_SPACES_TO_MARKS = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
_OWN_WORDS = {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Isolated", "invert": False}


def separable(tokenizer: Tokenizer) -> np.ndarray | None:
    """bool [256, 256]: whether a token always ends between the one byte and the other, in UTF-8.

    Two kinds of vocabulary are understood: plain byte-pair encoding of the whole text, as Gemma's, in which
    only what some piece holds side by side can be joined, and ours, which joins what is of one word. Pairs
    within a character are False, and those that touch a character outside ASCII, but for line breaks.

    Returns:
        The table, or None for a vocabulary of another kind: any cut may change its tokens.
    """
    definition = tokenizer.definition
    added = [token for token in definition["added_tokens"] if not CONTROL.fullmatch(token["content"])]
    if not (_is_plain(definition["model"]) and all(_matches_anywhere(token) for token in added)):
        return None
    if definition["pre_tokenizer"] is None and definition["normalizer"] in (None, _SPACES_TO_MARKS):
        table = ~_neighbours(tokenizer.piece_bytes(token) for token in range(tokenizer.vocab_size))
    elif definition["pre_tokenizer"] == _OWN_WORDS and definition["normalizer"] is None:
        table = _between_words() & ~_neighbours(token["content"].encode() for token in added)
    else:
        return None
    return _of_characters(table)


def _is_plain(model: Mapping[str, Any]) -> bool:
    """Whether merging neighbours is all that the model does, and no character is unknown to it."""
    unusual = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")
    if model["type"] != "BPE" or not model.get("byte_fallback") or any(model.get(name) for name in unusual):
        return False
    vocab = model["vocab"]
    spelled = all(f"<0x{byte:02X}>" in vocab or (byte < _ASCII and chr(byte) in vocab) for byte in range(256))
    return spelled and not any("<0x" in piece and _BYTE_INSIDE.search(piece) for piece in vocab)


def _matches_anywhere(token: Mapping[str, Any]) -> bool:
    return not (token["single_word"] or token["lstrip"] or token["rstrip"])


def _neighbours(pieces: Iterable[bytes]) -> np.ndarray:
    """bool [256, 256]: whether a piece holds the two bytes side by side."""
    rows = list(pieces)
    joined = np.frombuffer(b"".join(rows), np.uint8)
    inside = np.ones(len(joined), bool)
    inside[np.cumsum([len(row) for row in rows if row])[:-1]] = False  # where the next piece begins
    table = np.zeros((256, 256), bool)
    table[joined[:-1][inside[1:]], joined[1:][inside[1:]]] = True
    return table


def _between_words() -> np.ndarray:
    """bool [256, 256]: where `WORDS` always divides. Words take one space; white space never joins a word."""
    characters = [chr(byte) for byte in range(_ASCII)]
    letters = [character.isalpha() or character == "_" for character in characters]
    kinds = np.array([1 if letter else 0 for letter in letters] + [0] * (256 - _ASCII), np.uint8)
    for byte, character in enumerate(characters):
        if character.isdigit():
            kinds[byte] = 2
        elif character in " \t\n\v\f\r":
            kinds[byte] = 3 + " \t\n\v\f\r".index(character)
    table = (kinds[:, None] != kinds) | (kinds == 2)
    table[_SPACE, kinds < 2] = False
    return table


def _of_characters(table: np.ndarray) -> np.ndarray:
    """The table for ASCII, and line breaks beside other characters where no piece joins them to anything."""
    table = table.copy()
    # A mark may stand in the text itself, and is then what a space is.
    others = np.arange(256) != _BREAK
    after, before = bool(table[_BREAK, others].all()), bool(table[others, _BREAK].all())
    table[_ASCII:, :] = table[:, _ASCII:] = False
    table[_BREAK, _LEADING:] = after
    table[_ASCII:, _BREAK] = before
    return table
