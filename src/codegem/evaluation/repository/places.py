"""Seeded places in repositories: the code that a model is asked for.

    lines    a line with code on it, from its first character after the indentation to its end
    blocks   a block of 2 to 12 lines, such as the body of a function or a loop
    calls    a call of something that another file declares which this file imports: without that file nobody
             can know the name or its arguments for sure

Places are drawn from all of a kind in all files with equal chance, the same ones for the same seed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from codegem.data.records import Document
from codegem.evaluation.repository.files import Files, last_name, walk
from codegem.text.boundaries import kind_by_name

if TYPE_CHECKING:
    from tree_sitter import Tree

Kind = Literal["lines", "blocks", "calls"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_LINES = 12
_MOST_CALL = 200  # bytes; a longer call holds other code, such as a function

# Of the grammars that `text.languages` names.
_CALLS = frozenset(
    (
        "call",
        "call_expression",
        "invocation_expression",
        "method_invocation",
        "new_expression",
        "object_creation_expression",
    )
)
_CALLED = ("function", "name", "constructor", "type")  # fields that hold what is called
# `x.get()` is mostly a dictionary's, whatever else is called so.
_ORDINARY = frozenset(name for kind in (str, bytes, list, dict, set) for name in dir(kind))


@dataclass(frozen=True)
class Place:
    """A piece of a file, from `start` to `end` in characters."""

    kind: Kind
    document: Document
    start: int
    end: int

    @property
    def prefix(self) -> str:
        """The file before the place."""
        return self.document.text[: self.start]

    @property
    def middle(self) -> str:
        """What stands at the place."""
        return self.document.text[self.start : self.end]

    @property
    def suffix(self) -> str:
        """The file behind the place."""
        return self.document.text[self.end :]

    @property
    def name(self) -> str:
        """REPOSITORY/PATH:LINE, and the column where a line may hold several places; both from 1."""
        line = self.prefix.count("\n") + 1
        place = f"{self.document.repository}/{self.document.path}:{line}"
        return place if self.kind == "lines" else f"{place}:{len(self.prefix) - self.prefix.rfind(chr(10))}"


def find_places(files: Files, kind: Kind, count: int, seed: int) -> list[Place]:
    """Random places of one kind; all of them, in random order, where there are no more than `count`."""
    places = all_places(files, kind)
    return random.Random(seed).sample(places, min(count, len(places)))


def all_places(files: Files, kind: Kind) -> list[Place]:
    """Every place of one kind in the files that are asked of, in their order."""
    return [Place(kind, document, *span) for document in files.asked for span in _spans(files, document, kind)]


def _spans(files: Files, document: Document, kind: Kind) -> Iterator[tuple[int, int]]:
    if kind == "lines":
        yield from _lines(document.text)
        return
    data = document.text.encode()
    tree = files.tree(document)
    if tree is None:
        return
    found = _blocks(tree) if kind == "blocks" else _calls(tree, data, files.foreign_names(document))
    # Bytes to characters, going on from the place before.
    for start, end in sorted(found):
        first = len(data[:start].decode())
        yield first, first + len(data[start:end].decode())


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        if code := line.strip():
            yield start + line.index(code[0]), start + len(line)
        start += len(line) + 1


def _blocks(tree: "Tree") -> Iterator[tuple[int, int]]:
    for node in walk(tree):
        lines = node.end_point[0] - node.start_point[0] + 1
        if node.parent and kind_by_name(node.type) == "block" and 2 <= lines <= MOST_LINES and not node.has_error:
            yield node.start_byte, node.end_byte


def _calls(tree: "Tree", data: bytes, foreign: frozenset[str]) -> Iterator[tuple[int, int]]:
    for node in walk(tree):
        if node.type not in _CALLS or node.has_error or node.end_byte - node.start_byte > _MOST_CALL:
            continue
        called = next(filter(None, map(node.child_by_field_name, _CALLED)), None) or node.named_child(0)
        if called and last_name(called, data) in foreign - _ORDINARY:
            yield node.start_byte, node.end_byte
