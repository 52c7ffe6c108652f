"""Whether to ask at all, where nobody did.

A suggestion that a person asked for by hand always comes.
"""

import re
from enum import StrEnum

from codegem.assist.place import Place

MOST_BEHIND = 8  # characters right of the cursor, as llama.vim has it
_CLOSERS = re.compile(r"""[\s)\]}>;:,'"`]*""")
_WORD = re.compile(r"\w")


class Change(StrEnum):
    """What a person did last."""

    TYPED = "typed"
    DELETED = "deleted"
    ACCEPTED = "accepted"
    MOVED = "moved"
    OTHER = "other"


def may_ask(place: Place, change: Change = Change.TYPED, by_hand: bool = False) -> bool:
    """Whether to ask for a suggestion.

    Args:
        change: what came before; a person who deletes, or moves about, or has just accepted is not waiting for more.
        by_hand: asked for with a key or a command.

    >>> may_ask(Place("print(", ")\\n")), may_ask(Place("pri", "nt(name, other)\\n"))
    (True, False)
    >>> may_ask(Place("print(", ")\\n"), Change.DELETED), may_ask(Place("print(", ")\\n"), Change.DELETED, by_hand=True)
    (False, True)
    """
    return by_hand or all(rule(place, change) for rule in RULES)


def is_wanted(place: Place, change: Change) -> bool:
    """Something was typed or put in; nothing deleted, accepted, or only moved over."""
    return change in (Change.TYPED, Change.OTHER)


def has_little_behind(place: Place, change: Change) -> bool:
    """No more than a few characters stand right of the cursor, unless they are closers."""
    rest = place.after.strip()
    return len(rest) <= MOST_BEHIND or bool(_CLOSERS.fullmatch(rest))


def is_no_word(place: Place, change: Change) -> bool:
    """The cursor does not stand before or within a word."""
    return not _WORD.match(place.after[:1])


def has_something_to_go_on(place: Place, change: Change) -> bool:
    """The file is not empty."""
    return bool(place.prefix.strip() or place.suffix.strip())


RULES = (is_wanted, has_little_behind, is_no_word, has_something_to_go_on)
