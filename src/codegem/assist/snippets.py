"""Pieces of other files, and their order in front of the file with the cursor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from codegem.assist.context import Window

Kind = Literal["signatures", "similar", "edits", "client"]
# From far to near: as in training, where a file stands behind what it imports, and so that what changes most often
# comes last and the keys and values of what stands before it serve again.
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Snippet:
    """A piece of another file.

    Attributes:
        path: of the file, relative to the repository.
        text: whole lines.
        kind: where it comes from; "client" is what an editor sends by itself.
        score: how much it is needed, compared with others of its kind.
    """

    path: str
    text: str
    kind: Kind = "client"
    score: float = 0.0


def arrange(snippets: Iterable[Snippet], window: Window) -> tuple[tuple[str, str], ...]:
    """What is worth its place of some snippets, as `Infill.context` has it: the nearest to the hole last.

    The kinds stand in the order of `KINDS`; within one the higher score comes last, of equal ones the later path; a
    client's keep the client's order. Each kind may take an equal part of the window's budget, and what others leave
    of it; the most needed of a kind is taken first. The result depends on nothing else, so equal snippets give equal
    bytes.
    """
    given = [each for each in snippets if each.text]
    ranked = {kind: _ranked([each for each in given if each.kind == kind]) for kind in KINDS}
    present: list[Kind] = [kind for kind in KINDS if ranked[kind]]
    room = window.budget
    kept: dict[Kind, list[tuple[str, str]]] = {}
    sizes = {kind: _size(ranked[kind], window, room) for kind in present}
    waiting: list[Kind] = sorted(present, key=sizes.__getitem__)  # who wants little leaves the rest to others
    for left, kind in zip(range(len(waiting), 0, -1), waiting, strict=True):
        kept[kind], taken = _fitting(ranked[kind], window, room // left)
        room -= taken
    return tuple(each for kind in present for each in kept[kind])


def _ranked(snippets: Sequence[Snippet]) -> list[Snippet]:
    """The most needed last."""
    if snippets and snippets[0].kind == "client":
        return list(snippets)
    return sorted(snippets, key=lambda each: (each.score, each.path, each.text))


def _size(snippets: Sequence[Snippet], window: Window, most: int) -> int:
    size = 0
    for each in reversed(snippets):
        size += window.count(each.path, each.text)
        if size > most:
            break
    return size


def _fitting(snippets: Sequence[Snippet], window: Window, room: int) -> tuple[list[tuple[str, str]], int]:
    kept, taken = [], 0
    for each in reversed(snippets):
        text, size = each.text, window.count(each.path, each.text)
        if taken + size > room:
            text = window.start_of(text, room - taken - window.count(each.path, ""))
            size = window.count(each.path, text)
        if text:
            kept.append((each.path, text))
            taken += size
    return kept[::-1], taken
