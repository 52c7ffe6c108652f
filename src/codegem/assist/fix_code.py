"""A text with its syntax tree, and where the tree says that the text is wrong."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from codegem.text import syntax

if TYPE_CHECKING:
    from tree_sitter import Node, Tree


_ERROR = 40  # what an error costs beside its bytes


@dataclass(frozen=True)
class Patch:
    """Bytes `start` to `end` become `text`.

    Attributes:
        kind: how it was found, which decides what is preferred (`fix_repairs.KINDS`).
    """

    start: int
    end: int
    text: bytes
    kind: str

    def of(self, data: bytes) -> bytes:
        """The patched text."""
        return data[: self.start] + self.text + data[self.end :]


@dataclass(frozen=True)
class Leaf:
    """A token of the syntax tree."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Problem:
    """Text that no rule of the grammar takes, or a place where something is missing.

    Attributes:
        missing: what the parser put in to go on, such as ")"; "" for text that fits nowhere.
        leaves: where the tokens begin that stand in such text unconnected: a bracket that nothing closes is one.
    """

    start: int
    end: int
    missing: str = ""
    leaves: tuple[int, ...] = ()


class Code:
    """A file's text and what the parser makes of it.

    Args:
        data: UTF-8.
        path: whose ending names the language.
        tree: of the text, if it is known.
        seconds: that the parser may take (`text.syntax.parse`).

    Raises:
        TooHardToParse: the parser was stopped (`text.syntax`).
    """

    def __init__(self, data: bytes, path: str, tree: "Tree | None" = None, *, seconds: float | None = syntax.WAITED):
        self.data, self.path = data, path
        tree = tree or syntax.parse(data, path, seconds=seconds)
        assert tree is not None, path
        self.tree: Tree = tree

    def patched(self, patch: Patch) -> "tuple[Code | None, int]":
        """The text after an edit if it is sound, else None, and how many of its bytes are."""
        old = self.tree.copy()
        new_end = patch.start + len(patch.text)
        start, end = self._point(patch.start), self._point(patch.end)
        data = patch.of(self.data)
        line_breaks = patch.text.count(b"\n")
        column = new_end - (data.rfind(b"\n", 0, new_end) + 1)
        old.edit(patch.start, patch.end, new_end, start, end, (start[0] + line_breaks, column))
        tree, reached = syntax.parse_sound(data, self.path, old, seconds=syntax.WAITED)
        return Code(data, self.path, tree) if tree else None, reached

    def cost_after(self, patch: Patch) -> int | None:
        """How wrong the text is after an edit, as `cost` says; None where that takes the parser too long."""
        try:
            data = patch.of(self.data)
            return Code(data, self.path).cost
        except syntax.TooHardToParse:
            return None

    @property
    def cost(self) -> int:
        """How wrong the text is: 0 if it is sound; fewer errors are better than shorter ones."""
        return sum(_ERROR + problem.end - problem.start for problem in self.problems)

    def _point(self, byte: int) -> tuple[int, int]:
        line = self.line_at(byte)
        return line, byte - self.starts[line]

    @property
    def is_sound(self) -> bool:
        """Whether all of it follows the grammar."""
        return not self.tree.root_node.has_error

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """In the order of their beginnings."""
        return tuple(sorted(_problems(self.tree.root_node), key=lambda problem: problem.start))

    @cached_property
    def leaves(self) -> list[Leaf]:
        """The tokens in their order; those that the parser put in have no bytes and are left out."""
        return list(_leaves(self.tree))

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins."""
        found = [0]
        while (following := self.data.find(b"\n", found[-1]) + 1) > 0:
            found.append(following)
        return found

    def line_at(self, byte: int) -> int:
        """The number of a byte's line, counted from 0."""
        return bisect_right(self.starts, byte) - 1

    def span(self, line: int) -> tuple[int, int]:
        """Where a line begins and ends, its line break left out."""
        last = line + 1 == len(self.starts)
        return self.starts[line], len(self.data) if last else self.starts[line + 1] - 1

    def text(self, line: int) -> bytes:
        """A line without its line break."""
        start, end = self.span(line)
        return self.data[start:end]

    def indentation(self, line: int) -> int | None:
        """Columns before the first character of a line, a tab as eight; None for a blank line."""
        text = self.text(line)
        stripped = text.lstrip()
        return len(text[: len(text) - len(stripped)].expandtabs(8)) if stripped else None


def _problems(root: "Node") -> Iterator[Problem]:
    """Errors, those within others too."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_missing:
            yield Problem(node.start_byte, node.start_byte, node.type)
        elif node.is_error:
            leaves = tuple(child.start_byte for child in node.children if not child.child_count)
            yield Problem(node.start_byte, node.end_byte, "", leaves)
        waiting += [child for child in node.children if child.has_error]


def _leaves(tree: "Tree") -> Iterator[Leaf]:
    cursor = tree.walk()
    while True:
        if cursor.goto_first_child():
            continue
        node = cursor.node
        if node is not None and node.start_byte < node.end_byte:
            yield Leaf(node.start_byte, node.end_byte, node.type)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
