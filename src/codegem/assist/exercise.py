"""Exercises from real code: a part of a file is taken out, somebody writes it again, and the answer is looked at.

Nothing is run. An answer that is the original but for white space and comments is right; one that leaves the file
without a syntax error may be right as well, and is shown beside the original.
"""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from codegem.errors import UserError
from codegem.generate import Infill
from codegem.text.boundaries import kind_by_name
from codegem.text.languages import find_language
from codegem.text.syntax import WAITED, TooHardToParse, parse

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_LEAST, _MOST = 1, 8  # lines to be written
_SHORTEST = 12  # characters; a line of less is no exercise
_AROUND = 15  # lines shown before and behind


class Verdict(StrEnum):
    """What became of an answer."""

    SAME = "same"  # as the original, white space and comments aside
    PARSES = "parses"
    BROKEN = "broken"
    EMPTY = "empty"


@dataclass(frozen=True)
class Exercise:
    """A hole in a file.

    Attributes:
        line: the number of the hole's first line, counted from 1.
    """

    path: str
    prefix: str
    answer: str
    suffix: str

    @property
    def line(self) -> int:
        return self.prefix.count("\n") + 1

    @property
    def lines(self) -> int:
        """How many lines are to be written."""
        return self.answer.count("\n") + 1

    @property
    def infill(self) -> Infill:
        """The same for a model, so that it may have a try."""
        return Infill(self.prefix, self.suffix, self.path)

    def shown(self) -> str:
        """The lines around the hole, and a comment in its place that says how much is to be written."""
        before = self.prefix.split("\n")
        behind = self.suffix.split("\n")
        indent = before[-1] if not before[-1].strip() else ""
        language = find_language(self.path)
        mark = (language.line_comment if language else "") or "#"
        wanted = "1 line" if self.lines == 1 else f"{self.lines} lines"
        hole = f"{indent}{mark} … your {wanted} …"
        return "\n".join([*before[-1 - _AROUND : -1], hole, *behind[1 : 1 + _AROUND]])

    def hint(self, number: int) -> str:
        """The first `number` words of the answer."""
        return " ".join(self.answer.split()[: max(1, number)]) + " …"


def make_exercise(text: str, path: str, seed: int = 0) -> Exercise:
    """A whole statement or block of a file as a hole, chosen by the seed.

    Raises:
        UserError: the file has no grammar, a syntax error, or nothing of the right size.
    """
    tree = _sound_tree(text, path)
    if tree is None:
        raise UserError(f"{path} can't be made an exercise: its grammar is unknown, or it has a syntax error.")
    data = text.encode()
    spans = sorted({span for node in _statements(tree) if (span := _span(node, data))})
    if not spans:
        raise UserError(f"{path} has no statement of {_LEAST} to {_MOST} lines that could be an exercise.")
    start, end = random.Random(seed).choice(spans)
    return Exercise(path, data[:start].decode(), data[start:end].decode(), data[end:].decode())


def check(exercise: Exercise, answer: str) -> Verdict:
    """What to say to an answer.

    >>> exercise = Exercise("a.py", "def f(x):\\n    ", "return x + 1", "\\n")
    >>> [str(check(exercise, answer)) for answer in ("return x+1", "return 1 + x", "return (", " ")]
    ['same', 'parses', 'broken', 'empty']
    """
    if not answer.strip():
        return Verdict.EMPTY
    whole = _sound_tree(exercise.prefix + answer + exercise.suffix, exercise.path)
    if whole is None:
        return Verdict.BROKEN
    original = _sound_tree(exercise.prefix + exercise.answer + exercise.suffix, exercise.path)
    return Verdict.SAME if original is not None and _words(whole) == _words(original) else Verdict.PARSES


def _sound_tree(text: str, path: str) -> "Tree | None":
    try:
        tree = parse(text.encode("utf-8", "replace"), path, seconds=WAITED)
    except TooHardToParse:
        return None
    return None if tree is None or tree.root_node.has_error else tree


def _statements(tree: "Tree") -> "list[Node]":
    """Statements inside of blocks: what a file begins with, such as imports, teaches little."""
    found, waiting = [], [(tree.root_node, False)]
    while waiting:
        node, inside = waiting.pop()
        if inside and node.is_named and kind_by_name(node.type) == "statement":
            found.append(node)
        inside = kind_by_name(node.type) == "block" and node.parent is not None
        waiting += [(child, inside) for child in node.children]
    return found


def _span(node: "Node", data: bytes) -> tuple[int, int] | None:
    """A statement's bytes, if it stands on lines of its own and is of the right size."""
    start, end = node.start_byte, node.end_byte
    text = data[start:end].rstrip()
    end = start + len(text)
    lines = text.count(b"\n") + 1
    alone = not data[data.rfind(b"\n", 0, start) + 1 : start].strip() and data[end : end + 1] in (b"\n", b"\r", b"")
    is_text = "comment" in node.type or text[:1] in (b'"', b"'")
    fits = _LEAST <= lines <= _MOST and len(text) >= _SHORTEST
    return (start, end) if alone and fits and not is_text else None


def _words(tree: "Tree") -> list[bytes]:
    """The tokens of a program without its comments; white space between them does not count, inside of them it does."""
    found, waiting = [], [tree.root_node]
    while waiting:
        node = waiting.pop()
        if "comment" in node.type:
            continue
        if not node.child_count:
            found.append(node.text or b"")
        waiting += reversed(node.children)
    return found
