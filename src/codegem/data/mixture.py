"""How much of what: the shares of languages, natural language and mathematics in a data set.

CodeGemma's 7B was trained on 80% code and 20% natural language, its 2B on code alone (arXiv 2406.11409).
Shares are counted in bytes of text. A class that there is too much of is thinned, file by file, each by a draw
of its own; nothing is repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from codegem.data.fim_sampling import generator
from codegem.errors import UserError
from codegem.text.languages import group_of

Mixture = tuple[tuple[str, float], ...]
"""(class, weight): a class is a language or a group of them ("code", "prose", "mathematics"). () keeps all."""


@dataclass(frozen=True)
class Shares:
    """Which share of each class is kept; a class that is not named is left out altogether."""

    kept: Mapping[str, float]

    def keeps(self, seed: int, repository: str, path: str, language: str) -> bool:
        """Whether a file stays; the same answer wherever and whenever it is asked."""
        share = self.kept.get(language, self.kept.get(group_of(language), 0.0))
        return share >= 1 or generator(seed, "mixture", repository, path).random() < share


def shares(mixture: Mixture, sizes: Mapping[str, int]) -> Shares | None:
    """What to keep of each class, so that the weights hold and as much as possible stays.

    >>> shares((("python", 1), ("prose", 1)), {"python": 300, "markdown": 60, "text": 40}).kept
    {'python': 0.3333333333333333, 'prose': 1.0}

    Args:
        sizes: bytes of each language after deduplication.

    Returns:
        None where there is nothing to weigh.

    Raises:
        UserError: a class of the mixture has no files.
    """
    if not mixture:
        return None
    weights = dict(mixture)
    totals = dict.fromkeys(weights, 0)
    for language, size in sizes.items():
        name = language if language in weights else group_of(language)
        if name in totals:
            totals[name] += size
    for name, total in totals.items():
        if weights[name] > 0 and not total:
            raise UserError(
                f"The mixture asks for {weights[name]:g} parts of {name}, and the sources hold none: "
                "give sources that do, or another recipe."
            )
    unit = min(total / weights[name] for name, total in totals.items() if weights[name] > 0)
    return Shares({name: unit * weights[name] / total if total else 0.0 for name, total in totals.items()})


def check(mixture: Mixture, known: tuple[str, ...]) -> None:
    """See that a mixture can be.

    Raises:
        UserError: a class is unknown or twice, or a weight is not a positive number.
    """
    names = [name for name, _ in mixture]
    for name, weight in mixture:
        if name not in known:
            raise UserError(f"There is no class {name!r} for a mixture: choose from {', '.join(known)}.")
        if not 0 < weight < float("inf"):
            raise UserError(f"The weight of {name} in a mixture is a positive number, and not {weight}.")
        if names.count(name) > 1:
            raise UserError(f"The mixture names {name} twice: give it one weight.")
