"""Answers to TriviaQA (Joshi et al. 2017, 1705.03551): a few words, of which every known spelling is right."""

import re
import string
from collections.abc import Sequence

_ENDS = re.compile(r"[\n.,]")
_MARKS = str.maketrans(dict.fromkeys(string.punctuation + "‘’´`", " "))
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def score(text: str, aliases: Sequence[str]) -> dict[str, float]:
    r"""Whether a text, up to its first newline, full stop or comma, is one of the spellings.

    >>> score(" the Beatles, of course", ["Beatles", "The Fab Four"]), score("Wings", ["Beatles"])
    ({'exact': 1.0}, {'exact': 0.0})
    """
    given = normalised(_ENDS.split(text.lstrip(), maxsplit=1)[0])
    return {"exact": float(given != "" and given in map(normalised, aliases))}


def normalised(text: str) -> str:
    """An answer as TriviaQA's authors compare it: small letters, no articles, no punctuation.

    >>> normalised(" The Wizard-of_Oz ")
    'wizard of oz'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_MARKS)).split())
