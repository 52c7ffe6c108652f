"""Tokens of the prompt's grammar that a source spelled out."""

import re

from codegem.assist.place import Place
from codegem.assist.rules.rule import Cut, end
from codegem.text.tokenizer import NAMES

# The first names are Gemma's and CodeGemma's; the others are those that other models and templates use.
SPECIAL = (
    *(alias for aliases in NAMES.values() for alias in aliases if not alias.startswith("<unused")),
    *(f"<fim_{part}>" for part in ("prefix", "middle", "suffix", "pad")),
    "<|endoftext|>",
    "<|fim_pad|>",
)
_SPECIAL = re.compile("|".join(map(re.escape, SPECIAL)))
_BEGINNINGS = frozenset(name[:size] for name in SPECIAL for size in range(1, len(name)))
_LONGEST = max(map(len, SPECIAL))


def no_special_token(text: str, place: Place) -> Cut:
    """A text ends before the first of them."""
    if found := _SPECIAL.search(text):
        return end(found.start())
    held = next((size for size in range(min(_LONGEST, len(text)), 0, -1) if text[-size:] in _BEGINNINGS), 0)
    return Cut(len(text), len(text) - held)
