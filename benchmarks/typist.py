"""A person at a keyboard, made up from real files: the same seed types the same keys.

A typist opens a file from which some lines were cut and writes them again, key after key: pauses at the ends of words
and lines, mistypes and takes it back, has the rest of a line put in at once (as when a suggestion is accepted), deletes
a word and writes it again, and jumps elsewhere or to another file. After every key an editor may ask.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Seconds between two keys: the median, and the deviation of the logarithm (a fast typist writes 80 words a minute).
_GAP, _SPREAD = 0.12, 0.45
# Chances: that two keys come at once (roll-over), of a mistyped letter, of an accepted line, of a deleted word.
_ROLLOVER, _TYPO, _ACCEPT, _DELETE = 0.08, 0.03, 0.04, 0.01
_LINES = (3, 25)  # that are cut and written again
_LEAST, _MOST = 2_000, 40_000  # characters of a file that is typed in


@dataclass(frozen=True)
class Text:
    """A file that is typed in."""

    path: str
    text: str


@dataclass(frozen=True)
class Key:
    """The file after a key.

    Attributes:
        action: type, mistype, erase, accept, delete or jump.
        gap: seconds until the next key.
        path, prefix, suffix: the file, split at the cursor.
        inserted: what the key put in before the cursor; `removed` is how many characters it took from there.
        switched: whether the file or the place is another than before.
    """

    action: str
    gap: float
    path: str
    prefix: str
    suffix: str
    inserted: str = ""
    removed: int = 0
    switched: bool = False


def keys(texts: Sequence[Text], seed: int, count: int) -> Iterator[Key]:
    """The first `count` keys of a typist."""
    rng = random.Random(f"typist {seed}")
    usable = [text for text in texts if _LEAST <= len(text.text) <= _MOST and text.text.count("\n") > 2 * _LINES[1]]
    made = 0
    while made < count:
        for key in _rewrite(rng.choice(usable), rng):
            yield key
            made += 1
            if made == count:
                return


def _rewrite(text: Text, rng: random.Random) -> Iterator[Key]:
    """Cut some lines out and type them."""
    lines = text.text.splitlines(keepends=True)
    size = rng.randint(*_LINES)
    first = rng.randrange(1, len(lines) - size)
    prefix, goal = "".join(lines[:first]), "".join(lines[first : first + size]).removesuffix("\n")
    suffix = "\n" + "".join(lines[first + size :])
    yield Key("jump", _pause(rng, 6), text.path, prefix, suffix, switched=True)
    at = 0
    while at < len(goal):
        for action, inserted, removed, slow in _strokes(goal, at, rng):
            at += len(inserted) - removed if action != "mistype" and action != "erase" else 0
            prefix = prefix[: len(prefix) - removed] + inserted
            yield Key(action, _pause(rng, slow), text.path, prefix, suffix, inserted, removed)


def _strokes(goal: str, at: int, rng: random.Random) -> Iterator[tuple[str, str, int, float]]:
    """What is done at a place of the goal: (action, inserted, removed characters, how slow the next key is)."""
    letter, line_left = goal[at], goal[at:].partition("\n")[0]
    chance = rng.random()
    written = goal[:at].rpartition("\n")[2]
    word = len(written) - len(written.rstrip("abcdefghijklmnopqrstuvwxyz_"))
    if letter == "\n":  # an editor indents the next line
        following = goal[at + 1 :]
        yield "type", "\n" + following[: len(following) - len(following.lstrip(" \t"))], 0, 4
    elif chance < _TYPO and letter.isalpha():
        yield "mistype", rng.choice("etaoinshr"), 0, 1.5
        yield "erase", "", 1, 1.5
        yield "type", letter, 0, 1
    elif chance < _TYPO + _ACCEPT and len(line_left) > 4:
        yield "accept", line_left, 0, 6
    elif chance < _TYPO + _ACCEPT + _DELETE and word > 2:
        yield "delete", "", word, 3
    else:
        yield "type", letter, 0, 1 if letter.isalnum() or letter == "_" else 1.6


def _pause(rng: random.Random, slow: float) -> float:
    if slow == 1 and rng.random() < _ROLLOVER:
        return rng.uniform(0.005, 0.03)
    return min(2.0, slow * _GAP * rng.lognormvariate(0, _SPREAD))
