"""Everything that decides what a data set holds, as one value."""

from dataclasses import dataclass, field

from codegem.data.archives import Limits
from codegem.data.filters import FilterRules
from codegem.data.fim_sampling import FimRules
from codegem.data.packing import ORDERS, Order
from codegem.errors import UserError
from codegem.text.languages import LANGUAGES

SMALLEST_CONTEXT = 64  # tokens: room for the path of a file and a few lines


@dataclass(frozen=True)
class DataRecipe:
    """The recipe of a data set: the same sources and the same recipe give the same bytes.

    Attributes:
        context_length: tokens of a training example.
        vocab_size: of the tokenizer that is trained on the kept files, where none is given.
        tokenizer_bytes: how much text it is trained on, files chosen by their hash.
        seed: of every random choice.
        order: of a repository's files in its contexts, "alphabetical" or "random".
        validation_share: share of the examples that training does not see; at least one of 20.
        shard_tokens: tokens of a full shard, padding included.
    """

    context_length: int = 2048
    vocab_size: int = 8192
    tokenizer_bytes: int = 40_000_000
    seed: int = 0
    order: Order = "alphabetical"
    filters: FilterRules = field(default_factory=FilterRules)
    fim: FimRules = field(default_factory=FimRules)
    limits: Limits = field(default_factory=Limits)
    validation_share: float = 0.005
    shard_tokens: int = 1 << 23

    def check(self) -> None:
        """See that every value is one that can be.

        Raises:
            UserError: the value, the limit and what is possible.
        """
        if self.context_length < SMALLEST_CONTEXT:
            raise UserError(f"A context of {self.context_length} tokens is too short: at least {SMALLEST_CONTEXT}.")
        shares = {
            "fim.rate": self.fim.rate,
            "fim.psm_share": self.fim.psm_share,
            "fim.cursor_share": self.fim.cursor_share,
            "validation_share": self.validation_share,
        }
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise UserError(f"{name} is a share between 0 and 1, and not {share}.")
        if self.fim.max_lines < 1:
            raise UserError(f"fim.max_lines is at least 1, and not {self.fim.max_lines}.")
        if self.order not in ORDERS:
            raise UserError(f"There is no order {self.order!r} of files: choose one of {', '.join(ORDERS)}.")
        known = [language.name for language in LANGUAGES]
        for language in self.filters.languages:
            if language not in known:
                raise UserError(f"There is no language {language!r}: choose from {', '.join(known)}.")
