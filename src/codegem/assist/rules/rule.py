"""The shape of a rule about what is shown."""

from collections.abc import Callable
from typing import NamedTuple

from codegem.assist.place import Place


class Cut(NamedTuple):
    """How much of a text stands, in characters from its beginning.

    Attributes:
        keep: if the text ends here.
        sure: whatever comes; at most `keep`.
        done: whether `keep` stands whatever comes: nothing more is wanted.
    """

    keep: int
    sure: int
    done: bool = False


# A rule looks at what the rules before it have left of the text, and at its place. What it says of `sure` and `done`
# holds for every text that begins with this one.
Rule = Callable[[str, Place], Cut]


def whole(text: str) -> Cut:
    """All of it stands."""
    return Cut(len(text), len(text))


def end(at: int) -> Cut:
    """The text ends here, whatever comes."""
    return Cut(at, at, True)


def squeezed(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())
