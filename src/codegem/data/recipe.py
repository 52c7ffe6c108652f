"""Everything that decides what a data set holds, as one value."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from codegem.data import mixture
from codegem.data.archives.raw_files import Limits
from codegem.data.decontamination import ContaminationRules
from codegem.data.dependencies import GraphRules
from codegem.data.duplicates.near_duplicates import DedupRules
from codegem.data.fim_sampling import FimRules, Middle, SuffixStart
from codegem.data.mixture import Mixture
from codegem.data.packing import ORDERS, Order
from codegem.data.rules.filter_rules import FilterRules
from codegem.data.safety.rules import SafetyRules
from codegem.errors import UserError
from codegem.text.boundaries import KINDS
from codegem.text.languages import GROUPS, LANGUAGES

SMALLEST_CONTEXT = 64  # tokens: room for the path of a file and a few lines


@dataclass(frozen=True)
class DataRecipe:
    """The recipe of a data set: the same sources and the same recipe give the same bytes.

    Attributes:
        context_length: tokens of a training example.
        vocab_size: of the tokenizer that is trained on the kept files, where none is given.
        tokenizer_bytes: how much text it is trained on, files chosen by their hash.
        seed: of every random choice.
        order: of a repository's files in its contexts: "dependency", "alphabetical", "random", or "none", each
            file alone.
        filters: which files are worth learning from.
        safety: secrets, personal data, blocklists.
        contamination: what counts as a part of a benchmark.
        dedup: what counts as a duplicate.
        graph: how the dependencies of a repository are read.
        fim: how holes are drawn.
        passes: times that each file is laid out, each time with other holes: more examples of little code.
        mixture: weights of languages and groups of them, as in code 0.8 prose 0.2; none keeps all.
        limits: what one repository may ask for.
        validation_share: share of the tokens that training does not see: whole repositories, where there are enough.
        held_out_share: share of the files, whole ones, that are in no split: `held-out.jsonl` names them, `codegem
            eval repository --held-out` asks for them, and nothing that repeats them is learned from (`held_out`).
        shard_tokens: tokens of a full shard, padding included.
    """

    context_length: int = 2048
    vocab_size: int = 8192
    tokenizer_bytes: int = 40_000_000
    seed: int = 0
    order: Order = "dependency"
    filters: FilterRules = field(default_factory=FilterRules)
    safety: SafetyRules = field(default_factory=SafetyRules)
    contamination: ContaminationRules = field(default_factory=ContaminationRules)
    dedup: DedupRules = field(default_factory=DedupRules)
    graph: GraphRules = field(default_factory=GraphRules)
    fim: FimRules = field(default_factory=FimRules)
    passes: int = 1
    mixture: Mixture = ()
    limits: Limits = field(default_factory=Limits)
    validation_share: float = 0.005
    held_out_share: float = 0.0
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
            "held_out_share": self.held_out_share,
        }
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise UserError(f"{name} is a share between 0 and 1, and not {share}.")
        if self.passes < 1:
            raise UserError(f"passes is at least 1, and not {self.passes}.")
        if self.fim.max_lines < 1:
            raise UserError(f"fim.max_lines is at least 1, and not {self.fim.max_lines}.")
        if self.fim.max_length < 1:
            raise UserError(f"fim.max_length is at least 1, and not {self.fim.max_length}.")
        choices = {"fim.middle": (self.fim.middle, Middle), "fim.suffix_start": (self.fim.suffix_start, SuffixStart)}
        for name, (value, known) in choices.items():
            if value not in get_args(known):
                raise UserError(f"{name} is one of {', '.join(get_args(known))}, and not {value!r}.")
        if not self.fim.ends or set(self.fim.ends) - set(KINDS):
            raise UserError(f"fim.ends are some of {', '.join(KINDS)}, and not {self.fim.ends!r}.")
        if self.order not in ORDERS:
            raise UserError(f"There is no order {self.order!r} of files: choose one of {', '.join(ORDERS)}.")
        self.contamination.check()
        self.dedup.check()
        known = [language.name for language in LANGUAGES]
        mixture.check(self.mixture, (*known, *GROUPS))
        for language in self.filters.languages:
            if language not in known:
                raise UserError(f"There is no language {language!r}: choose from {', '.join(known)}.")

    def plain(self) -> dict[str, Any]:
        """The recipe as JSON holds it."""
        return json.loads(json.dumps(asdict(self)))
