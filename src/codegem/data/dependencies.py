"""The dependency graph of a repository, and the order of its files that follows from it.

The recipe is CodeGemma's as far as it is public (arXiv 2406.11409, section 2): imports from the top lines of each
file, matched to the longest path; edges with an importance, of which unimportant ones are dropped until no cycle is
left; shortest paths; and a topological order that takes the nearest file next. A unit test stands right after what
it tests. How many lines, what importance is and how cycles are opened was not published: see `GraphRules`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codegem.data import graphs
from codegem.data.imports import GraphFile, RepositoryTree, Use, read_facts, resolve
from codegem.data.imports.projects import read_projects
from codegem.data.unit_tests import match_tests

__all__ = ["DependencyGraph", "Edge", "GraphFile", "GraphRules", "build_graph", "shortest_paths"]


@dataclass(frozen=True)
class GraphRules:
    """What decides a dependency graph. None of it was published; the reasons are ours.

    Attributes:
        import_lines: lines at the top of a file that are searched for imports. Most files are shorter; what a
            function imports later counts up to there (a tenth of webpack's imports stand below line 300).
        weak: importance of an import inside a function, of types only, or that just declares a module, as a share of
            that of a plain one. Programmers open cycles of imports by moving one of these into a function, so
            they have said which is the lesser.
        from_test: importance of what a unit test imports besides what it tests, as such a share: the test stands
            beside its source whatever else it needs.
        test_score: how well the name of a test has to fit a source, between 0 and 1.
        max_imports: imports of one file that are followed; a bound on hostile files.
        max_edges: edges of one repository; where there are more, files with the most keep their most important ones.
    """

    import_lines: int = 1000
    weak: float = 0.25
    from_test: float = 0.1
    test_score: float = 0.5
    max_imports: int = 1000
    max_edges: int = 500_000


@dataclass(frozen=True, slots=True)
class Edge:
    """One file needs another; `kept` is False where it was dropped so that no cycle is left.

    `importance` is between 0 and 1: n / (n + 1) for n names that are taken from the imported file, times the
    shares of `GraphRules`.
    """

    importer: str
    imported: str
    importance: float
    kept: bool


@dataclass(frozen=True)
class DependencyGraph:
    """A repository's files and what binds them.

    Attributes:
        edges: in lexicographic order.
        order: every path: no file stands before one that it imports along kept edges, and each matched test
            stands right after its source.
        tests: (test, source) in the order of the tests.
    """

    edges: tuple[Edge, ...]
    order: tuple[str, ...]
    tests: tuple[tuple[str, str], ...]


def build_graph(
    files: Iterable[GraphFile], rules: GraphRules = GraphRules(), projects: Mapping[str, str] | None = None
) -> DependencyGraph:
    """The dependency graph of one repository.

    Files are read one after another and their texts not held, so an iterator keeps memory small.

    >>> files = [GraphFile("a.py", b"import b\\n", "python"), GraphFile("b.py", b"", "python")]
    >>> build_graph(files).order
    ('b.py', 'a.py')

    Args:
        files: its source files, each path once, in any order; the graph doesn't depend on it.
        projects: texts of its project files (`imports.projects.PROJECT_FILES`) by path, which tell under which names
            its own code is imported. Without `go.mod` the module's path is inferred.
    """
    facts = sorted((read_facts(file, rules.import_lines, rules.max_imports) for file in files), key=lambda f: f.path)
    tree = RepositoryTree((each.path for each in facts), read_projects(projects or {}))
    paths = [each.path for each in facts]
    uses: _Uses = {}
    count = 0
    for path, found in resolve(facts, tree, rules.max_imports):
        uses[path] = _merged(found)
        count += len(uses[path])
        if count > 2 * rules.max_edges:  # bounding what there is so far first comes to the same in the end
            uses = _bounded(uses, rules.max_edges)
            count = sum(map(len, uses.values()))
    uses = _bounded(uses, rules.max_edges)
    tests = match_tests(paths, uses, rules.test_score)
    return _arrange(paths, uses, dict(tests), rules)


def shortest_paths(graph: DependencyGraph) -> Iterator[tuple[str, np.ndarray]]:
    """All-pairs shortest paths along kept edges, both ways: each path with its row, int32, in the order of `order`.

    -1 says that no path leads there. See `graphs.shortest_paths`.
    """
    number = {path: index for index, path in enumerate(graph.order)}
    edges = [(number[edge.importer], number[edge.imported]) for edge in graph.edges if edge.kept]
    yield from zip(graph.order, graphs.shortest_paths(len(number), edges), strict=True)


_Uses = dict[str, dict[str, tuple[int, bool]]]  # importer -> imported -> (names, all of them are weak)


def _merged(uses: Sequence[Use]) -> dict[str, tuple[int, bool]]:
    merged: dict[str, tuple[int, bool]] = {}
    for path, names, weak in uses:
        before, was_weak = merged.get(path, (0, True))
        merged[path] = before + names, weak and was_weak
    return merged


def _bounded(uses: _Uses, limit: int) -> _Uses:
    """At most `limit` edges: each file keeps its most important ones, up to the largest number that does."""
    sizes = sorted(len(found) for found in uses.values())
    left, most = limit, None
    for index, size in enumerate(sizes):
        if size * (len(sizes) - index) > left:
            most = left // (len(sizes) - index)
            break
        left -= size
    if most is None:
        return uses
    bounded: _Uses = {}
    for path, found in uses.items():
        ranked = sorted(found, key=lambda other: (found[other][1], -found[other][0], other))
        bounded[path] = {other: found[other] for other in ranked[:most]}
    return bounded


def _importance(names: int, share: float) -> float:
    return round(share * names / (names + 1), 6)


def _arrange(paths: list[str], uses: _Uses, source_of: Mapping[str, str], rules: GraphRules) -> DependencyGraph:
    """Open the cycles and lay out the files, a source and its tests being one block."""
    blocks = _Blocks(paths, source_of)
    weights: dict[tuple[str, str], float] = {}
    for importer in paths:
        for imported, (names, weak) in sorted(uses[importer].items()):
            share = rules.weak if weak else 1.0
            if importer in source_of and imported != source_of[importer]:
                share *= rules.from_test
            weights[importer, imported] = _importance(names, share)
    dropped = blocks.open_cycles(weights)
    edges = tuple(Edge(*pair, weight, pair not in dropped) for pair, weight in weights.items())
    order = blocks.order(pair for pair in weights if pair not in dropped)
    tests = tuple((test, source_of[test]) for test in paths if test in source_of)
    return DependencyGraph(edges, tuple(order), tests)


class _Blocks:
    """Files in blocks that are laid out together: a source and, in lexicographic order, its tests."""

    def __init__(self, paths: Sequence[str], source_of: Mapping[str, str]):
        self._files: list[list[str]] = []
        self._place: dict[str, tuple[int, int]] = {}  # the block, and where in it
        for path in [*(p for p in paths if p not in source_of), *(p for p in paths if p in source_of)]:
            if path in source_of:
                block = self._place[source_of[path]][0]
            else:
                block = len(self._files)
                self._files.append([])
            self._place[path] = block, len(self._files[block])
            self._files[block].append(path)

    def open_cycles(self, weights: Mapping[tuple[str, str], float]) -> set[tuple[str, str]]:
        """The edges to drop: those against the order inside a block, then the least important of cycles."""
        dropped: set[tuple[str, str]] = set()
        between: dict[tuple[int, int], list[tuple[str, str]]] = {}
        for pair in weights:
            (block, place), (other, before) = self._place[pair[0]], self._place[pair[1]]
            if block != other:
                between.setdefault((block, other), []).append(pair)
            elif before > place:
                dropped.add(pair)
        edges = [(max(weights[pair] for pair in pairs), *nodes) for nodes, pairs in between.items()]
        for _, u, v in graphs.open_cycles(len(self._files), edges):
            dropped.update(between[u, v])
        return dropped

    def order(self, kept: Iterable[tuple[str, str]]) -> Iterator[str]:
        """Every file: those that the graph covers by `graphs.nearest_order`, then the others by name."""
        pairs = ((self._place[importer][0], self._place[imported][0]) for importer, imported in kept)
        edges = sorted({(u, v) for u, v in pairs if u != v})
        covered = sorted({node for edge in edges for node in edge})
        number = {block: index for index, block in enumerate(covered)}
        ordered = graphs.nearest_order(len(covered), [(number[u], number[v]) for u, v in edges])
        alone = (block for block in range(len(self._files)) if block not in number)
        for block in [*(covered[index] for index in ordered), *alone]:
            yield from self._files[block]
