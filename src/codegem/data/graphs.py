"""Directed graphs of integers: cycles, shortest paths and the order of a repository's files.

Nodes are 0 … count - 1 in the order that breaks ties; an edge (u, v) says that u needs v, so v stands before u.
Nothing here recurses, and all of it is near-linear but where a docstring says otherwise: repositories are
untrusted, and may be one chain or one knot of ten thousand files.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import groupby

import numpy as np

Edge = tuple[int, int]
WeightedEdge = tuple[float, int, int]  # (importance, u, v)

# Nodes of a component in which every path is known at once: a matrix of 4 MB.
_CLOSURE = 2048


def neighbours(count: int, edges: Sequence[Edge]) -> list[list[int]]:
    """For each node u the nodes v of its edges (u, v)."""
    lists: list[list[int]] = [[] for _ in range(count)]
    for u, v in edges:
        lists[u].append(v)
    return lists


def components(count: int, edges: Sequence[Edge]) -> list[int]:
    """For each node the number of its strongly connected component (Tarjan's algorithm, iterative).

    >>> components(4, [(0, 1), (1, 0), (1, 2), (3, 2)])
    [1, 1, 0, 2]
    """
    following = neighbours(count, edges)
    number, low, component = [-1] * count, [0] * count, [-1] * count
    stack: list[int] = []
    found = visited = 0
    for root in range(count):
        if number[root] >= 0:
            continue
        path = [(root, iter(following[root]))]
        number[root] = low[root] = visited
        visited += 1
        stack.append(root)
        while path:
            node, rest = path[-1]
            for child in rest:
                if number[child] < 0:
                    number[child] = low[child] = visited
                    visited += 1
                    stack.append(child)
                    path.append((child, iter(following[child])))
                    break
                if component[child] < 0:
                    low[node] = min(low[node], number[child])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == number[node]:
                    while component[node] < 0:
                        component[stack.pop()] = found
                    found += 1
    return component


def open_cycles(count: int, edges: Sequence[WeightedEdge]) -> list[WeightedEdge]:
    """The edges to drop so that no cycle is left, least important ones first; ties by (u, v).

    Edges are taken from the most to the least important; one that would close a cycle with those taken before is
    dropped. So an edge is dropped only where it is the least important of a cycle, and never without need. In a
    component of more than 2048 nodes the least important tenth of its edges is dropped at a time, until its parts
    are smaller: exact work would take time with the square of its size.

    >>> open_cycles(3, [(0.9, 0, 1), (0.2, 1, 2), (0.5, 2, 0)])
    [(0.2, 1, 2)]
    """
    dropped: list[WeightedEdge] = []
    left = sorted(edges, key=_heaviest_first)
    while left:
        component = components(count, [(u, v) for _, u, v in left])
        inner = [edge for edge in left if component[edge[1]] == component[edge[2]]]
        inner.sort(key=lambda edge: component[edge[1]])  # stable: the heaviest first in each component
        sizes = np.bincount(component)
        left = []
        for number, group in groupby(inner, key=lambda edge: component[edge[1]]):
            tied = list(group)
            if sizes[number] <= _CLOSURE:
                dropped += _closing(tied)
            else:
                keep = len(tied) - (len(tied) + 9) // 10
                dropped += tied[keep:]
                left += tied[:keep]
    return sorted(dropped, key=_heaviest_first, reverse=True)


def _heaviest_first(edge: WeightedEdge) -> tuple[float, int, int]:
    return -edge[0], edge[1], edge[2]


def _closing(edges: Sequence[WeightedEdge]) -> list[WeightedEdge]:
    """The edges that would close a cycle with those before them."""
    nodes = {node: index for index, node in enumerate(sorted({node for _, u, v in edges for node in (u, v)}))}
    reaches = np.eye(len(nodes), dtype=bool)
    closing = []
    for edge in edges:
        u, v = nodes[edge[1]], nodes[edge[2]]
        if reaches[v, u]:
            closing.append(edge)
        elif not reaches[u, v]:
            reaches[reaches[:, u]] |= reaches[v]
    return closing


def shortest_paths(count: int, edges: Sequence[Edge]) -> Iterator[np.ndarray]:
    """All-pairs shortest paths, one row a node: int32 [count], the edges between it and each node, -1 where none lead.

    Edges are walked both ways: how near two files are doesn't depend on which of them imports the other. A row at a
    time keeps memory linear.

    >>> [row.tolist() for row in shortest_paths(4, [(0, 1), (2, 1)])][0]
    [0, 1, 2, -1]
    """
    beside = neighbours(count, [*edges, *((v, u) for u, v in edges)])
    for start in range(count):
        distance = [-1] * count
        distance[start] = 0
        queue = deque([start])
        while queue:
            node = queue.popleft()
            for other in beside[node]:
                if distance[other] < 0:
                    distance[other] = distance[node] + 1
                    queue.append(other)
        yield np.array(distance, np.int32)


def nearest_order(count: int, edges: Sequence[Edge]) -> list[int]:
    """The topological order in which the next node is the one nearest to those already placed.

    Among the nodes with no unplaced parent (all that they need is placed) the next is the nearest by
    `shortest_paths` to any placed one; ties go to the lower number, and the first node is the lowest.

    A node that needs something is next to it, at distance 1, once it can be placed. So distances are looked up only
    among the nodes that need nothing, and `_Nearest` finds them without the matrix.

    >>> nearest_order(5, [(3, 0), (3, 2), (4, 1)])
    [0, 2, 3, 1, 4]

    Raises:
        ValueError: the edges have a cycle.
    """
    users: list[list[int]] = neighbours(count, [(v, u) for u, v in edges])
    waiting = [0] * count  # nodes that a node needs and that are not placed
    for u, _ in edges:
        waiting[u] += 1
    nearest = _Nearest(count, edges, [node for node in range(count) if not waiting[node]])
    ready: list[int] = []
    order: list[int] = []
    while len(order) < count:
        node = heappop(ready) if ready else nearest.take()
        order.append(node)
        nearest.place(node)
        for user in users[node]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, user)
    return order


class _Nearest:
    """Which of some nodes is nearest to the placed ones: Dijkstra's search that goes on as more are placed."""

    def __init__(self, count: int, edges: Sequence[Edge], wanted: list[int]):
        self._beside = neighbours(count, [*edges, *((v, u) for u, v in edges)])
        self._distance = [count] * count  # to a placed node, as far as is known; `count` is unknown
        self._wanted = [False] * count
        for node in wanted:
            self._wanted[node] = True
        self._unreached = wanted
        heapify(self._unreached)
        self._heap: list[tuple[int, bool, int]] = []  # (distance, is not wanted, node): wanted ones come first

    def place(self, node: int) -> None:
        """Take note of a placed node."""
        self._wanted[node] = False
        self._reach(node, 0)

    def take(self) -> int:
        """The nearest wanted node; the lowest where none is near."""
        while self._heap:
            distance, _, node = heappop(self._heap)
            if distance > self._distance[node]:
                continue
            if self._wanted[node]:
                return node
            for other in self._beside[node]:
                self._reach(other, distance + 1)
        while self._unreached:
            node = heappop(self._unreached)
            if self._wanted[node]:
                return node
        raise ValueError("the edges have a cycle")

    def _reach(self, node: int, distance: int) -> None:
        if distance < self._distance[node]:
            self._distance[node] = distance
            heappush(self._heap, (distance, not self._wanted[node], node))
