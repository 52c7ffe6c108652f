"""The seeded choice: where a hole begins, where the suffix starts, in which order.

The choice for a file depends on the recipe's seed and the file's own name alone, never on what was
processed before it. CodeGemma (arXiv 2406.11409) publishes the rate, the even share of the two orders and
that the suffix starts at a syntactically natural point instead of a random one. The length of the middle and
what counts as natural are not published: the length is a parameter here, `text.boundaries` has the points.
"""

import hashlib
import math
import random
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, NamedTuple

from codegem.text.boundaries import KINDS, Kind, natural_end, whole_node
from codegem.text.fim import Hole, Order

if TYPE_CHECKING:
    from tree_sitter import Tree

Middle = Literal["characters", "nodes", "lines", "random"]
SuffixStart = Literal["syntax", "line", "random"]
_NODE_DRAWS = 8  # a character may be in no node but the file, as a semicolon between two declarations is
FIM_TOKENS = 3  # prefix, middle, suffix: what a hole costs at least


@dataclass(frozen=True)
class FimRules:
    """How holes are drawn.

    Attributes:
        rate: share of files that get a hole (CodeGemma 0.8, and 0.9 for the 2B 1.1; Bavarian et al. 0.9).
        psm_share: share of holes in the order prefix, suffix, middle.
        spm: the layout of the others; CodeGemma's is not published.
        middle: "characters" (CodeGemma) begins at a uniformly random character, and draws a length;
            "nodes", one whole node of the syntax tree, the largest at a random character that is no longer
            than a length that is drawn (AST-FIM, arXiv 2506.00204, masks whole subtrees);
            "lines", a number of lines that are not blank, log-uniform from 1 to `max_lines`, so that a
            quarter of the middles are of one line; "random", between two uniformly random places (Bavarian
            et al., arXiv 2207.14255). Without a tree "nodes" draws lines.
        suffix_start: where the end that was drawn moves on to: "syntax", a natural point of the syntax tree;
            "line", the end of the line; "random", it stays. Without a tree "syntax" is "line". The end of
            a node never moves: "syntax" then leaves out nodes that do not end at a natural point.
        ends: with "syntax", what is to be whole at the suffix's start; one is drawn for each hole.
        max_length: with "characters" and "nodes", the longest length: in characters, drawn log-uniformly
            from 1, so that middles of a word, a line and a page are about as common as each other. The
            natural point lies within it too, where there is one.
        max_lines: with "lines", the longest middle.
        cursor_share: with "lines", the share of middles that begin where a person would stop to type: half
            at the first character of a line after its indentation, half at the end of a line. The others
            begin at a uniformly random character of a line that is not blank.
        tries: draws before a file that would not fit stays without a hole.
    """

    rate: float = 0.9
    psm_share: float = 0.5
    spm: Order = Order.SPM
    middle: Middle = "characters"
    suffix_start: SuffixStart = "syntax"
    ends: tuple[Kind, ...] = KINDS
    max_length: int = 2048
    max_lines: int = 16
    cursor_share: float = 0.5
    tries: int = 4


class Cut(NamedTuple):
    """A hole as places in a text: the middle is `text[start:end]`, in characters."""

    start: int
    end: int
    order: Order


def generator(*key: object) -> random.Random:
    """A random generator of its own for a key such as (seed, repository, path, part)."""
    name = "\0".join(map(str, key)).encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(hashlib.sha256(name).digest()))


def draw_hole(
    text: str, rules: FimRules, rng: random.Random, tree: "Tree | None" = None, start: int = 0
) -> Hole | None:
    """`draw_cut` as strings: prefix + middle + suffix is the text, and the middle is not empty."""
    cut = draw_cut(text, rules, rng, tree, start)
    return Hole(text[: cut.start], text[cut.start : cut.end], text[cut.end :], cut.order) if cut else None


def draw_cut(text: str, rules: FimRules, rng: random.Random, tree: "Tree | None" = None, start: int = 0) -> Cut | None:
    """A hole in the text and the order of its parts, or None where `draw_span` gives none."""
    span = draw_span(text, rules, rng, tree, start)
    if span is None:
        return None
    return Cut(*span, Order.PSM if rng.random() < rules.psm_share else rules.spm)


def draw_span(
    text: str, rules: FimRules, rng: random.Random, tree: "Tree | None" = None, start: int = 0
) -> tuple[int, int] | None:
    """Start and end of a middle that is not empty, in characters of the text.

    Args:
        text: a file, or a part of one that was cut between lines.
        tree: of the whole file; None where it has no grammar.
        start: where the text stands in what the tree was made of, in bytes.

    Returns:
        None where the text is blank.
    """
    places = _Places(text, tree, start) if tree else None
    if places and rules.middle == "nodes":
        return _node_span(places, rules, rng)
    draw = {"random": _random_span, "characters": _length_span}.get(rules.middle, _line_span)
    span = draw(text, rules, rng)
    if span is None and draw is _line_span and text.strip():
        # Nothing follows the end of the last line: begin inside a line, so that the rate is what was asked for.
        span = _line_span(text, replace(rules, cursor_share=0.0), rng)
    if span is None:
        return None
    first, last = span
    if rules.suffix_start == "random":
        return first, rng.randint(first + 1, last) if draw is _line_span else last
    if places and rules.suffix_start == "syntax":
        return first, _natural(places, first, last, rules, rng)
    found = text.find("\n", last)
    return first, found if found >= 0 else len(text)


class _Places:
    """Characters of a text to bytes of the tree, and back."""

    def __init__(self, text: str, tree: "Tree", start: int):
        self.text, self.tree, self.start = text, tree, start
        # Text of a broken encoding can't have come through the filters; it must not crash here either.
        self._data = None if text.isascii() else text.encode("utf-8", "surrogatepass")

    def byte(self, character: int) -> int:
        if self._data is None:
            return self.start + character
        return self.start + len(self.text[:character].encode("utf-8", "surrogatepass"))

    def character(self, byte: int) -> int:
        if self._data is None:
            return byte - self.start
        return len(self._data[: byte - self.start].decode("utf-8", "ignore"))


def _natural(places: _Places, first: int, last: int, rules: FimRules, rng: random.Random) -> int:
    """The end of the middle from `first`: a natural point at or after `last`, and near it."""
    kind, size = rng.choice(rules.ends), len(places.text)
    length = last - first
    limit = places.byte(min(size, first + rules.max_length) if length <= rules.max_length else size)
    while length:
        found = natural_end(places.tree, places.byte(first + length), kind, limit)
        if found is not None:
            return min(max(places.character(found), first + 1), size)
        length //= 2
    # Nothing ends within the limit, or within the part: then at the next end, or at the end of the part.
    found = natural_end(places.tree, places.byte(last), limit=places.byte(size))
    return min(max(places.character(found), first + 1), size) if found is not None else size


def _node_span(places: _Places, rules: FimRules, rng: random.Random) -> tuple[int, int] | None:
    """One node; where none lies in the part of the file, as with "characters"."""
    final, natural = places.byte(len(places.text)), rules.suffix_start == "syntax"
    for _ in range(_NODE_DRAWS):
        span = _length_span(places.text, rules, rng)
        if span is None:
            return None
        first, last = (places.byte(character) for character in span)
        node = whole_node(places.tree, first, last - first, places.start, final, natural=natural)
        if node is not None:
            return places.character(node[0]), places.character(node[1])
    return draw_span(places.text, replace(rules, middle="characters"), rng, places.tree, places.start)


def _length_span(text: str, rules: FimRules, rng: random.Random) -> tuple[int, int] | None:
    """A uniformly random character, and the place after a number of characters that is log-uniform."""
    size = len(text.rstrip())
    if not size:
        return None
    start = rng.randrange(size)
    longest = min(rules.max_length, size - start)
    return start, start + min(longest, int(math.exp(rng.uniform(0, math.log(longest + 1)))))


def _line_span(text: str, rules: FimRules, rng: random.Random) -> tuple[int, int] | None:
    """Start and end of a middle of a few lines."""
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if not filled:
        return None
    place = rng.randrange(len(filled))
    first = filled[place]
    start = starts[first] + _place(lines[first], rules, rng)
    count = int(math.exp(rng.uniform(0, math.log(rules.max_lines + 1))))
    # At the end of a line nothing is left of it: the middle is the lines after.
    at_end = start == starts[first] + len(lines[first])
    last = filled[min(place + count - (not at_end), len(filled) - 1)]
    end = starts[last] + len(lines[last])
    return (start, end) if start < end else None


def _place(line: str, rules: FimRules, rng: random.Random) -> int:
    """Where in a line that is not blank the middle begins."""
    if rng.random() >= rules.cursor_share:
        return rng.randrange(len(line))
    return len(line) - len(line.lstrip()) if rng.random() < 0.5 else len(line)


def _random_span(text: str, rules: FimRules, rng: random.Random) -> tuple[int, int] | None:
    """Two uniformly random places, not the same."""
    if not text.strip():
        return None
    start, end = sorted(rng.sample(range(len(text) + 1), 2))
    return start, end
