"""The graph of a repository and the order of its files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.data.dependencies import DependencyGraph, GraphFile, GraphRules, build_graph, shortest_paths
from codegem.text.languages import language_of

pytest.importorskip("tree_sitter")


RULES = GraphRules()


def graph_of(files: dict[str, str], rules: GraphRules = RULES) -> DependencyGraph:
    return build_graph([GraphFile(p, text.encode(), language_of(p) or "") for p, text in files.items()], rules)


def check(graph: DependencyGraph, paths: set[str]) -> None:
    """What holds of every graph."""
    assert len(graph.order) == len(paths) and set(graph.order) == paths
    place = {path: index for index, path in enumerate(graph.order)}
    assert all(place[edge.imported] < place[edge.importer] for edge in graph.edges if edge.kept)
    assert all(0 < edge.importance < 1 for edge in graph.edges)
    tests = dict(graph.tests)
    for test, source in tests.items():
        between = graph.order[place[source] + 1 : place[test]]
        assert place[source] < place[test] and all(tests.get(path) == source for path in between)


def test_what_is_imported_stands_first_and_tests_beside_it() -> None:
    files = {
        "app/main.py": "from app import parser, tools\n",
        "app/__init__.py": "",
        "app/parser.py": "from app.tools import a, b\n",
        "app/tools.py": "",
        "tests/test_tools.py": "from app.tools import a\nfrom app import main\n",
        "tests/test_parser.py": "from app import parser\n",
        "setup.py": "",
        "alone.py": "",
    }
    graph = graph_of(files)
    check(graph, set(files))
    assert graph.order == (
        "app/tools.py",
        "tests/test_tools.py",
        "app/parser.py",
        "tests/test_parser.py",
        "app/main.py",
        "alone.py",
        "app/__init__.py",
        "setup.py",
    )
    assert graph.tests == (("tests/test_parser.py", "app/parser.py"), ("tests/test_tools.py", "app/tools.py"))
    # The test stands beside its source, so what else it imports comes too late for it.
    assert [(edge.importer, edge.imported) for edge in graph.edges if not edge.kept] == [
        ("tests/test_tools.py", "app/main.py")
    ]


def test_the_import_inside_a_function_is_given_up() -> None:
    files = {"a.py": "from b import x\n", "b.py": "def f():\n    from a import p, q, r, s\n"}
    graph = graph_of(files)
    assert {(edge.importer, edge.imported): edge.kept for edge in graph.edges} == {
        ("a.py", "b.py"): True,
        ("b.py", "a.py"): False,
    }


def test_the_import_of_fewer_names_is_given_up() -> None:
    graph = graph_of({"a.py": "from b import x\n", "b.py": "from a import p, q, r, s\n"})
    assert graph.order == ("a.py", "b.py")
    assert [edge.importance for edge in graph.edges] == [0.5, 0.8]
    assert [edge.kept for edge in graph.edges] == [False, True]


def test_one_statement_or_several_are_one_edge() -> None:
    one = graph_of({"a.py": "", "b.py": "from a import x, y\n"})
    two = graph_of({"a.py": "", "b.py": "from a import x\ndef f():\n    from a import y\n"})
    assert one == two and len(one.edges) == 1


def test_the_rules_are_used() -> None:
    files = {"a.py": "", "b.py": "x = 1\nimport a\n", "test_b.py": "import a\nimport b\n"}
    assert len(graph_of(files).edges) == 3
    assert len(graph_of(files, GraphRules(import_lines=1)).edges) == 1
    assert not graph_of(files, GraphRules(test_score=1.01)).tests
    assert len(graph_of(files, GraphRules(max_imports=1)).edges) == 2
    assert len(graph_of(files, GraphRules(max_edges=2)).edges) == 2
    assert {edge.importance for edge in graph_of(files, GraphRules(from_test=0.5)).edges} == {0.5, 0.25}
    late = {"a.py": "", "b.py": "def f():\n    import a\n"}
    assert graph_of(late, GraphRules(weak=0.5)).edges[0].importance == 0.25


def test_shortest_paths_are_rows_of_files() -> None:
    graph = graph_of({"a.py": "", "b.py": "import a\n", "c.py": "import b\n", "d.py": ""})
    rows = dict(shortest_paths(graph))
    assert graph.order == ("a.py", "b.py", "c.py", "d.py")
    assert rows["a.py"].tolist() == [0, 1, 2, -1] and rows["d.py"].tolist() == [-1, -1, -1, 0]


NAMES = ["a", "b", "c", "test_a", "b_test", "tests/test_c", "tests/helper"]


@st.composite
def repositories(draw: st.DrawFn) -> dict[str, str]:
    files = {}
    for name in draw(st.sets(st.sampled_from(NAMES), min_size=1)):
        lines = []
        for other in draw(st.lists(st.sampled_from(NAMES), max_size=5)):
            indent = draw(st.sampled_from(["", "def f():\n    "]))
            lines.append(f"{indent}from {other.replace('/', '.')} import {draw(st.sampled_from(['x', 'x, y', '*']))}\n")
        files[f"{name}.py"] = "".join(lines)
    return files


@settings(max_examples=200, deadline=None)
@given(repositories(), st.randoms(use_true_random=False))
def test_no_file_stands_before_what_it_imports(files: dict[str, str], random) -> None:
    graph = graph_of(files)
    check(graph, set(files))
    shuffled = list(files.items())
    random.shuffle(shuffled)
    assert graph_of(dict(shuffled)) == graph


def test_every_language_in_one_repository() -> None:
    files = {
        "p/a.py": "import p.b\n",
        "p/b.py": "",
        "j/A.java": "package j; class A { B b; }",
        "j/B.java": "package j; class B {}",
        "k/A.kt": "package k\nimport j.A\nval a = A()\n",
        "t/a.ts": "import './b'",
        "t/b.js": "",
        "g/a.go": 'package g\nimport "example.org/x/h"\n',
        "h/h.go": "package h",
        "src/lib.rs": "mod r;",
        "src/r.rs": "",
        "c/a.cc": '#include "a.h"',
        "c/a.h": "",
        "s/A.cs": "namespace S; class A { B b; }",
        "s/B.cs": "namespace S; class B {}",
    }
    graph = graph_of(files)
    check(graph, set(files))
    assert len(graph.edges) == 8 and all(edge.kept for edge in graph.edges)


HOSTILE = {
    "bytes that are no UTF-8": b"import a\xff\xfe\nfrom b import \xc3\n",
    "too hard to parse": b"a=" * 5_000,
    "deep": b"(" * 3_000,
    "deep blocks": b"".join(b" " * i + b"if x:\n" for i in range(600)) + b" " * 600 + b"import a\n",
    "many imports of one line": b"import " + b", ".join(b"a.b%d" % i for i in range(5_000)) + b"\n",
    "many names": b"from a import " + b", ".join(b"n%d" % i for i in range(4_000)) + b"\n",
    "long path": b"import " + b".".join([b"a"] * 5_000) + b"\n",
    "dots": b"from " + b"." * 5_000 + b" import a\n",
    "quotes": b'"' * 5_001 + b"'" * 5_001 + b"/*" * 5_000,
    "braces": b"{" * 5_000 + b"class A namespace B;" * 5_000,
    "generics": b"fun <" * 5_000 + b"fun a.b.c." * 5_000,
    "qualified": b"a." * 3_000 + b"A",
    "use tree": b"use a::{" * 3_000 + b"}" * 3_000 + b";",
    "include": b"#include <" + b"../" * 3_000 + b"a.h>\n",
    "empty": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_nothing_but_its_edges(name: str) -> None:
    ends = [".py", ".js", ".tsx", ".java", ".kt", ".go", ".rs", ".c", ".h", ".cs"]
    files = [GraphFile(f"a/x{end}", HOSTILE[name], language_of(f"x{end}") or "") for end in ends]
    files += [GraphFile(f"a{end}", b"", language_of(f"x{end}") or "") for end in ends]
    check(build_graph(files), {file.path for file in files})


def test_files_that_all_import_each_other() -> None:
    count = 300
    everything = "".join(f"import m{i:04}\n" for i in range(count)).encode()
    rules = GraphRules(max_edges=30_000)
    graph = build_graph((GraphFile(f"m{i:04}.py", everything, "python") for i in range(count)), rules)
    check(graph, {f"m{i:04}.py" for i in range(count)})
    assert len(graph.edges) == 30_000


def test_ten_thousand_files() -> None:
    generator = np.random.default_rng(0)

    def text(number: int) -> bytes:
        others = sorted({int(i) for i in generator.integers(0, 10_000, 5)})
        return "".join(f"from p{i % 100:02}.m{i:05} import f, g\n" for i in others if i != number).encode()

    paths = [f"p{i % 100:02}/m{i:05}.py" for i in range(10_000)]
    graph = build_graph(GraphFile(path, text(i), "python") for i, path in enumerate(paths))
    check(graph, set(paths))
    assert 45_000 < len(graph.edges) <= 50_000
