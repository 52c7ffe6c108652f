"""What all texts of one engine have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from codegem.inference.beginning import Spellings
from codegem.inference.lookup import Lookup
from codegem.inference.prefix_cache import PrefixCache
from codegem.inference.programs import Arrays, Programs
from codegem.inference.session import Counts
from codegem.text import fim
from codegem.text.tokenizer import Tokenizer


@dataclass
class Shared:
    """The model, what it remembers, and its words.

    Attributes:
        kept: beginnings of prompts, with their keys and values.
        lookup: whether to draft tokens from text at hand.
        stride: tokens that are asked for at once for people who wait, where none is drafted.
        vocab_size: how many ids the model knows.
    """

    programs: Programs
    kept: PrefixCache[Arrays]
    tokenizer: Tokenizer
    counts: Counts
    lookup: bool
    stride: int
    vocab_size: int

    @property
    def pad(self) -> int:
        """The token that fills a piece up."""
        return self.tokenizer.special.pad

    @cached_property
    def spellings(self) -> Spellings:
        """Texts of tokens; sorted when they are first asked for."""
        return Spellings(self.tokenizer, self.vocab_size)

    def drafts(self, prompt: Sequence[int], reference: Sequence[int] = (), made: Sequence[int] = ()) -> Lookup | None:
        """Where drafts of what follows a prompt and the tokens `made` after it are looked up, if they are."""
        if not self.lookup:
            return None
        return Lookup(
            fim.cursor_last(list(prompt), self.tokenizer) + list(made), reference, fim.stop_ids(self.tokenizer)
        )
