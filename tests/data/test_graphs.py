"""Cycles, shortest paths and the order, on random graphs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.data.graphs import Edge, WeightedEdge, components, nearest_order, open_cycles, shortest_paths

FAR = 10**6


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[WeightedEdge]]:
    count = draw(st.integers(1, 14))
    node = st.integers(0, count - 1)
    pairs = draw(st.sets(st.tuples(node, node).filter(lambda pair: pair[0] != pair[1]), max_size=40))
    weight = st.sampled_from([0.1, 0.5, 0.9])
    return count, [(draw(weight), u, v) for u, v in sorted(pairs)]


def reachable(count: int, edges: list[Edge]) -> np.ndarray:
    """bool [count, count] by repeated products: which node leads to which, over one edge or more."""
    reaches = np.zeros((count, count), bool)
    for u, v in edges:
        reaches[u, v] = True
    for _ in range(count):
        reaches |= reaches @ reaches
    return reaches


@given(graphs())
def test_components_are_what_reaches_each_other(graph: tuple[int, list[WeightedEdge]]) -> None:
    count, weighted = graph
    edges = [(u, v) for _, u, v in weighted]
    number, reaches = components(count, edges), reachable(count, edges) | np.eye(count, dtype=bool)
    for u in range(count):
        for v in range(count):
            assert (number[u] == number[v]) == (reaches[u, v] and reaches[v, u])


@settings(max_examples=300)
@given(graphs())
def test_a_dropped_edge_is_the_least_important_of_a_cycle(graph: tuple[int, list[WeightedEdge]]) -> None:
    count, edges = graph
    dropped = open_cycles(count, edges)
    kept = [edge for edge in edges if edge not in dropped]
    assert not reachable(count, [(u, v) for _, u, v in kept]).diagonal().any()
    for edge in dropped:
        greater = [(u, v) for weight, u, v in kept if (-weight, u, v) < (-edge[0], edge[1], edge[2])]
        assert reachable(count, greater)[edge[2], edge[1]]


@settings(max_examples=300)
@given(graphs())
def test_the_order_is_that_of_the_dense_matrix(graph: tuple[int, list[WeightedEdge]]) -> None:
    count, weighted = graph
    dropped = open_cycles(count, weighted)
    edges = [(u, v) for weight, u, v in weighted if (weight, u, v) not in dropped]
    distance = np.stack(list(shortest_paths(count, edges))).astype(int)
    distance[distance < 0] = FAR
    placed: list[int] = []
    while len(placed) < count:
        ready = [n for n in range(count) if n not in placed and all(v in placed for u, v in edges if u == n)]
        placed.append(min(ready, key=lambda n: (min((distance[n, p] for p in placed), default=FAR), n)))
    assert nearest_order(count, edges) == placed


@given(graphs())
def test_shortest_paths_are_symmetric_and_metric(graph: tuple[int, list[WeightedEdge]]) -> None:
    count, weighted = graph
    rows = np.stack(list(shortest_paths(count, [(u, v) for _, u, v in weighted]))).astype(int)
    assert (rows == rows.T).all() and not rows.diagonal().any()
    far = np.where(rows < 0, FAR, rows)
    assert (far[:, None, :] <= far[:, :, None] + far[None, :, :]).all()


def test_cycles_of_equal_edges_open_at_the_last_one() -> None:
    assert open_cycles(3, [(0.5, 0, 1), (0.5, 1, 2), (0.5, 2, 0)]) == [(0.5, 2, 0)]


def test_an_order_of_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        nearest_order(2, [(0, 1), (1, 0)])


@pytest.mark.parametrize("shape", ["chain", "ring", "zigzag", "star", "random"])
def test_ten_thousand_nodes(shape: str) -> None:
    n = 10_000
    generator = np.random.default_rng(0)
    pairs = {
        "chain": [(i, i + 1) for i in range(n - 1)],
        "ring": [(i, (i + 1) % n) for i in range(n)],
        "zigzag": [edge for i in range(1, n - 1, 2) for edge in ((i, i - 1), (i, i + 1))],
        "star": [(i, 0) for i in range(1, n)] + [(0, i) for i in range(1, n)],
        "random": sorted({(int(u), int(v)) for u, v in generator.integers(0, n, (40_000, 2)) if u != v}),
    }[shape]
    edges = [(0.5, u, v) for u, v in pairs]
    dropped = {edge[1:] for edge in open_cycles(n, edges)}
    kept = [pair for pair in pairs if pair not in dropped]
    place = {node: index for index, node in enumerate(nearest_order(n, kept))}
    assert len(place) == n and all(place[v] < place[u] for u, v in kept)


def test_a_knot_too_large_for_a_matrix_is_opened() -> None:
    n = 3000
    generator = np.random.default_rng(1)
    weights = generator.random(20 * n)
    pairs = generator.integers(0, n, (20 * n, 2))
    edges = [(float(w), int(u), int(v)) for w, (u, v) in zip(weights, pairs, strict=True) if u != v]
    dropped = set(open_cycles(n, edges))
    kept = [(u, v) for weight, u, v in edges if (weight, u, v) not in dropped]
    assert len(nearest_order(n, kept)) == n and len(kept) > n
