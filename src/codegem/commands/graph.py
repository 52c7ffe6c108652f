"""`codegem data graph`: what a repository's files need of each other, and the order that follows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json
from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.data.dependencies import DependencyGraph, GraphFile
    from codegem.data.repositories import Source

_MOST_BYTES = 1_000_000  # of one file; what is larger is data


def data_graph(words: list[str]) -> None:
    """`codegem data graph`."""

    def run(repository: Positional[Path], /, json: bool = False, lines: int | None = None) -> None:
        """Show what files import and in which order they are laid out: codegem data graph path/to/project

        Args:
            repository: a folder, a git checkout, or a .tar.gz, .zip or .whl file.
            json: print an object for programs: edges, order, tests.
            lines: lines at the top of a file that are searched for imports, if not the recipe's.
        """
        from codegem.data.dependencies import GraphRules, build_graph

        reading = _Reading(_only(repository))
        # The projects are complete once the last file is read, which is when the graph asks for them.
        rules = GraphRules() if lines is None else GraphRules(import_lines=lines)
        graph = build_graph(reading.files(), rules, projects=reading.projects)
        if not graph.order:
            raise UserError(f"{repository} holds no source file of a language that codegem knows.")
        if json:
            edges = [[e.importer, e.imported, e.importance, "kept" if e.kept else "dropped"] for e in graph.edges]
            print_json({"edges": edges, "order": list(graph.order), "tests": [list(pair) for pair in graph.tests]})
        else:
            _print(graph)

    parse(run, "data graph", words)


def _only(path: Path) -> "Source":
    from codegem.data.repositories import find_repositories
    from codegem.text.languages import language_of

    found = find_repositories([path], lambda name: language_of(name) is not None)
    if len(found) != 1:
        raise UserError(f"{path} holds {len(found)} repositories, and a graph is of one: name one of them.")
    return found[0]


@dataclass
class _Reading:
    """The source files of a repository, and its project files beside them."""

    source: "Source"
    projects: dict[str, str] = field(default_factory=dict)

    def files(self) -> "Iterator[GraphFile]":
        from codegem.data.archives.raw_files import Limits
        from codegem.data.dependencies import GraphFile
        from codegem.data.filters import decode
        from codegem.data.imports.projects import PROJECT_FILES
        from codegem.data.repositories import open_repository
        from codegem.text.languages import find_language

        def is_code(path: str) -> bool:
            row = find_language(path)
            return row is not None and row.imports is not None

        def is_project(path: str) -> bool:
            return path.rpartition("/")[2] in PROJECT_FILES

        def is_wanted(path: str, size: int) -> bool:
            return size <= _MOST_BYTES and (is_code(path) or is_project(path))

        for file in open_repository(self.source, Limits(), is_wanted):
            if file.data is None:
                continue
            text, problem = decode(file.data)
            row = find_language(file.path)
            if problem is None and is_project(file.path):
                self.projects[file.path] = text
            elif problem is None and row is not None:
                yield GraphFile(file.path, text.encode(), row.name)


def _print(graph: "DependencyGraph") -> None:
    """A summary for people."""
    from rich.console import Console

    console = Console(highlight=False)
    dropped = [edge for edge in graph.edges if not edge.kept]
    kept = len(graph.edges) - len(dropped)
    tests = dict(graph.tests)
    say = lambda text, style="": console.print(text, style=style, markup=False, soft_wrap=True)  # noqa: E731
    say(f"{len(graph.order)} files, {kept} imports kept, {len(dropped)} dropped, {len(tests)} tests beside a source")
    say("\norder", "bold")
    for path in graph.order:
        say(f"    {path}" if path in tests else f"  {path}", "green" if path in tests else "")
    if dropped:
        say("\ndropped, so that no cycle is left", "bold")
    for edge in dropped:
        say(f"  {edge.importer} -> {edge.imported}  ({edge.importance:.2f})")
