"""Which token sequences are read together: what begins alike is read once.

A request is some tokens and those that are scored behind them; the model reads all but the last. Requests that have
much in common, such as the choices of a question, are an `Item`: a row of a cache reads one after the other, each from
where it differs from the one before. Items that begin alike are a `Family`, whose head (a subject's examples, a passage
with several questions) is read once for all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

LEAST_HEAD = 32  # tokens; copying the keys and values of fewer costs as much as reading them
_MOST_READS = 8  # of an item that holds several questions, because rows wait for the one with most

Asked = tuple[Sequence[int], Sequence[int]]
# (position in what is read, token, requests): how likely the token is behind that position, for whom.
Want = tuple[int, int, list[int]]


@dataclass
class Read:
    """Tokens that a row reads behind its first `start` positions, and what is wanted of them."""

    start: int
    tokens: np.ndarray
    wants: list[Want] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Positions that the row holds then."""
        return self.start + len(self.tokens)


@dataclass(frozen=True)
class Item:
    """What a row reads, one after the other, behind a head that it holds."""

    reads: Sequence[Read]

    @property
    def longest(self) -> int:
        """Tokens of its longest read."""
        return max(len(read.tokens) for read in self.reads)


@dataclass(frozen=True)
class Family:
    """Items behind one head; of many, or of those that share nothing, it is in every row."""

    head: np.ndarray
    items: Sequence[Item]


@dataclass
class _Line:
    """A sequence that is read, and what is wanted of it: (where the scored tokens begin, these, request)."""

    tokens: np.ndarray
    wants: list[tuple[int, Sequence[int], int]] = field(default_factory=list)

    @property
    def before(self) -> int:
        """Tokens that no request has scored: a head is never longer."""
        return min(start for start, _, _ in self.wants)


def families(asked: Sequence[Asked], least: int = LEAST_HEAD) -> list[Family]:
    """All requests, in the families that spare the most tokens; those of none are one without a head.

    Sorted sequences that share a beginning form a tree; each node of it is taken whole, or left to its children,
    whichever spares more.

    Args:
        asked: for each request the tokens that stand before, and those that are scored.
        least: tokens of a head.

    >>> [item.reads for family in families([([2, 5], [7]), ([2, 5], [8, 9])]) for item in family.items]
    [[Read(start=0, tokens=array([2, 5, 8], dtype=int32), wants=[(1, 8, [1]), (2, 9, [1]), (1, 7, [0])])]]
    """
    lines = _lines(asked)
    groups = list(_groups(lines))
    firsts = [group[0] for group in groups]
    chosen = [run for run in _runs([_common(*pair) for pair in pairwise(firsts)]) if run.length >= least]
    found, taken = [], set()
    for run in chosen:
        part = groups[run.start : run.end]
        head = min(run.length, *(line.before - 1 for group in part for line in group))
        head = min(head, *(_common(part[0][0], line) for group in part for line in group))
        if head >= least:
            taken |= set(range(run.start, run.end))
            found.append(Family(part[0][0].tokens[:head], _items([line for group in part for line in group], head)))
    alone = [line for place, group in enumerate(groups) if place not in taken for line in group]
    return [*found, Family(np.zeros(0, np.int32), _items(alone, 0))] if alone else found


def _lines(asked: Sequence[Asked]) -> list[_Line]:
    """Each sequence that is read, sorted. One that another begins with is read with it."""
    found: dict[bytes, _Line] = {}
    for index, (before, scored) in enumerate(asked):
        tokens = np.array([*before, *scored[:-1]], np.int32)
        line = found.setdefault(tokens.astype(">i4").tobytes(), _Line(tokens))
        line.wants.append((len(before), scored, index))
    lines: list[_Line] = []
    for _, line in sorted(found.items(), reverse=True):
        if lines and np.array_equal(lines[-1].tokens[: len(line.tokens)], line.tokens):
            lines[-1].wants += line.wants
        else:
            lines.append(line)
    return lines[::-1]


def _groups(lines: Sequence[_Line], head: int | None = None) -> Iterator[list[_Line]]:
    """The choices of each question.

    Args:
        head: with it also neighbouring questions, at least half of which is the same behind the head.
    """
    group: list[_Line] = []
    for line in lines:
        if group:
            shared, length = _common(group[-1], line), min(len(group[-1].tokens), len(line.tokens))
            alike = head is not None and len(group) < _MOST_READS and 2 * (shared - head) >= length - head
            if not alike and shared < min(group[-1].before, line.before):
                yield group
                group = []
        group.append(line)
    if group:
        yield group


def _items(lines: Sequence[_Line], head: int) -> list[Item]:
    return [_item(_ordered(group), head) for group in _groups(lines, head)]


def _ordered(group: list[_Line]) -> list[_Line]:
    """The longest first, so that rows side by side read about as much in each pass, unless that reads more."""
    longest_first = sorted(group, key=lambda line: -len(line.tokens))
    again = sum(_common(*pair) for pair in pairwise(longest_first)) < sum(_common(*pair) for pair in pairwise(group))
    return group if again else longest_first


def _item(group: Sequence[_Line], head: int) -> Item:
    reads: list[Read] = []
    wants: dict[tuple[int, int, int], list[int]] = {}
    for number, line in enumerate(group):
        start = max(head, _common(group[number - 1], line)) if number else head
        reads.append(Read(start, line.tokens[start:]))
        for first, scored, request in line.wants:
            for place, token in enumerate(scored, start=first - 1):
                # What holds that position now: the last read that began no later.
                of = next(at for at in range(number, -1, -1) if reads[at].start <= place)
                wants.setdefault((of, place, token), []).append(request)
    for (of, place, token), requests in wants.items():
        reads[of].wants.append((place - reads[of].start, token, requests))
    return Item(reads)


@dataclass
class _Run:
    """Neighbours that share their first `length` tokens, from `start` to before `end`."""

    length: int
    start: int
    end: int = 0
    spared: int = 0
    best: "list[_Run]" = field(default_factory=list)

    def close(self, end: int) -> None:
        """Know where it ends, and whether it or its children spare more."""
        self.end = end
        own = self.length * (end - self.start - 1)
        if own >= self.spared and self.length:
            self.spared, self.best = own, [self]

    def adopt(self, child: "_Run") -> None:
        """Be the parent of a run."""
        self.spared += child.spared
        self.best += child.best


def _runs(shared: Sequence[int]) -> list[_Run]:
    """The best runs, from what each sequence shares with the next: the intervals of an LCP array, by a stack."""
    stack = [_Run(0, 0)]
    for place, length in enumerate([*shared, 0]):
        child, start = None, place
        while length < stack[-1].length:
            child = stack.pop()
            child.close(place + 1)
            start = child.start
            if length <= stack[-1].length:
                stack[-1].adopt(child)
                child = None
        if length > stack[-1].length:
            stack.append(_Run(length, start))
            if child:
                stack[-1].adopt(child)
    return stack[0].best


def _common(a: _Line, b: _Line) -> int:
    """Tokens that both begin with."""
    most = min(len(a.tokens), len(b.tokens))
    differs = np.flatnonzero(a.tokens[:most] != b.tokens[:most])
    return int(differs[0]) if len(differs) else most


@dataclass(frozen=True)
class Batch:
    """Items that are read as rows of one cache.

    Attributes:
        heads: that the rows begin with: one for each row, or one that all have.
        steps: items side by side, step after step; a row may be None.
        rows: of the cache.
        positions: of each row.
    """

    heads: Sequence[np.ndarray]
    steps: Sequence[Sequence[Item | None]]
    rows: int
    positions: int


def batches(found: Sequence[Family], tokens: int, most_rows: int) -> Iterator[Batch]:
    """All items, in batches whose rows are about as long as each other.

    A family of many items has its head in every row. Of small families each has a row, and the k-th items of all
    go together.

    Args:
        tokens: that a pass reads about.
        most_rows: of a batch.
    """
    small = []
    for family in found:
        if len(family.head) and len(family.items) < most_rows:
            small.append(family)
        else:
            yield from _side_by_side(family, tokens, most_rows)
    small.sort(key=lambda family: (len(family.head), len(family.items)), reverse=True)
    while small:
        most = rows_for(len(small[0].head), tokens, most_rows)
        group, small = small[:most], small[most:]
        queues = [sorted(family.items, key=_size, reverse=True) for family in group]
        longest = max(map(len, queues))
        steps = [[queue[at] if at < len(queue) else None for queue in queues] for at in range(longest)]
        heads = [family.head for family in group]
        yield Batch(heads, steps, _power(len(group)), _positions(steps, heads))


def rows_for(length: int, tokens: int, most: int) -> int:
    """A power of two: so many rows of a length are about so many tokens.

    >>> rows_for(100, 1024, 32), rows_for(4000, 1024, 32), rows_for(1, 1024, 32)
    (8, 1, 32)
    """
    return min(1 << max(0, (tokens // max(length, 1)).bit_length() - 1), most)


def _side_by_side(family: Family, tokens: int, most_rows: int) -> Iterator[Batch]:
    left = sorted(family.items, key=_size, reverse=True)
    while left:
        rows = min(rows_for(left[0].longest, tokens, most_rows), _power(len(left)))
        # The longest is not twice as long as the shortest, so that this many rows stay right.
        end = next((at for at, item in enumerate(left) if 2 * item.longest < left[0].longest), len(left))
        part, left = left[:end], left[end:]
        # Of about the same length, those that read as often and then as much go together.
        steps = [part[at : at + rows] for at in range(0, len(part), rows)]
        yield Batch([family.head], steps, rows, _positions(steps, [family.head]))


def _size(item: Item) -> tuple[int, int]:
    return item.longest, len(item.reads)


def _power(least: int) -> int:
    """The least power of two that is no smaller."""
    return 1 << (least - 1).bit_length()


def _positions(steps: Sequence[Sequence[Item | None]], heads: Sequence[np.ndarray]) -> int:
    """That any pass needs: it is as long for all rows as its longest read, behind whatever the fullest row holds."""
    most = max(map(len, heads))
    for step in steps:
        items = [item for item in step if item]
        filled = max(most, *(read.end for item in items for read in item.reads))
        for number in range(max(len(item.reads) for item in items)):
            reads = [item.reads[number] for item in items if len(item.reads) > number]
            most = max(most, filled + max(len(read.tokens) for read in reads) if number else _first(reads, heads))
    return most


def _first(reads: Sequence[Read], heads: Sequence[np.ndarray]) -> int:
    return max(map(len, heads)) + max(len(read.tokens) for read in reads)
