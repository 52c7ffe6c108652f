"""The dependency graph of `codegem data graph`, beside what each language's own tool finds in real repositories.

    python benchmarks/dependencies.py REPOSITORIES --madge FOLDER --class-path JARS [--language go] [--misses 20]

The repositories and the ways to get them are in `dependencies_repositories.py`; the tools are grimp, madge,
`go list`, g++, and javac with jdeps, one module each in `dependencies_truth`. Ours are the edges before any cycle is
opened, kept and dropped ones together. Both graphs are cut to the files that the tool looked at. The last columns say
how many of our edges were dropped to open cycles, and how many kept ones the printed order breaks (there must be none).

Precision and recall are against the tool as it is. An alarm that the tool confirms in another way (an include in a
branch for another system, a name that leaves no trace in a class file) is also counted apart, as `confirmed`.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dependencies_repositories as repositories
from dependencies_report import Comparison, Graph, classes, print_edges, table
from dependencies_truth import Truth, go_list, grimp_edges, gxx_includes, javac_names, madge_edges

ROOT = Path(__file__).parents[1]
_ALL_LINES = 1_000_000  # more than any file here has


def main() -> None:
    """Compare every repository that is there, and print a table for the documentation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", type=Path)
    parser.add_argument("--madge", type=Path, help="the folder where madge was installed by npm")
    parser.add_argument("--class-path", default="", help="jars that the Java repositories compile against")
    parser.add_argument("--language", action="append", choices=sorted(_READERS), help="may be given again")
    parser.add_argument("--only", default="", help="repositories whose names hold this")
    parser.add_argument("--unseen", action="store_true", help="those measured after the rules had been settled")
    parser.add_argument("--misses", type=int, default=0, help="how many misses and alarms of each reading to print")
    parser.add_argument("--cache", type=Path, help="a folder in which the tools' findings are kept")
    options = parser.parse_args()
    done: list[Comparison] = []
    for language in options.language or _READERS:
        for name in (repositories.UNSEEN if options.unseen else repositories.NAMES)[language]:
            folder = options.repositories / language / name
            if options.only in name and folder.is_dir():
                done += compare(language, folder, options)
                print(f"{language} {name}", file=sys.stderr, flush=True)
    for item in done:
        print_edges(item, options.misses)
    print(table(done))
    print(classes(done))


def compare(language: str, folder: Path, options: argparse.Namespace) -> Iterator[Comparison]:
    """Ours against every reading of one repository."""
    truths = cached(language, folder, options)
    graph = read_graph(folder)
    whole = read_graph(folder, "--lines", str(_ALL_LINES))
    for tool, truth in truths.items():
        yield Comparison(language, tool, folder, truth, graph, whole.edges)


def read_graph(folder: Path, *options: str) -> Graph:
    """Our graph of one repository."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "codegem", "data", "graph", str(folder), "--json", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"codegem data graph failed on {folder}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    place = {path: number for number, path in enumerate(found["order"])}
    states = {(importer, imported): state for importer, imported, _, state in found["edges"]}
    kept = frozenset(edge for edge, state in states.items() if state == "kept")
    misplaced = frozenset(edge for edge in kept if not place[edge[1]] < place[edge[0]])
    return Graph(frozenset(place), frozenset(states), frozenset(states) - kept, misplaced)


def cached(language: str, folder: Path, options: argparse.Namespace) -> dict[str, Truth]:
    """What the tools say, from an earlier run where it was kept."""
    place = options.cache and options.cache / f"{language}-{folder.name}.json"
    if place and place.exists():
        return {tool: _truth(stored) for tool, stored in json.loads(place.read_text()).items()}
    truths = _READERS[language](folder, options)
    if place:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({tool: _stored(truth) for tool, truth in truths.items()}))
    return truths


def _stored(truth: Truth) -> dict:
    return {
        "edges": sorted(truth.edges),
        "files": sorted(truth.files),
        "beyond": [[*edge, reason] for edge, reason in sorted(truth.beyond.items())],
        "reasons": [[*edge, reason] for edge, reason in sorted(truth.reasons.items())],
    }


def _truth(stored: dict) -> Truth:
    return Truth(
        frozenset((a, b) for a, b in stored["edges"]),
        frozenset(stored["files"]),
        {(a, b): reason for a, b, reason in stored["beyond"]},
        {(a, b): reason for a, b, reason in stored["reasons"]},
    )


def _grimp(folder: Path, options: argparse.Namespace) -> dict[str, Truth]:
    return {"grimp": grimp_edges.truth(folder)}


def _javascript(folder: Path, options: argparse.Namespace) -> dict[str, Truth]:
    return {"madge": madge_edges.truth(folder, _folder_of_madge(options), None)}


def _typescript(folder: Path, options: argparse.Namespace) -> dict[str, Truth]:
    settings = repositories.COMPILER_OPTIONS.get(folder.name, {})
    return {"madge": madge_edges.truth(folder, _folder_of_madge(options), settings)}


def _folder_of_madge(options: argparse.Namespace) -> Path:
    if options.madge is None:
        raise SystemExit("--madge is needed for JavaScript and TypeScript")
    return options.madge


def _go(folder: Path, options: argparse.Namespace) -> dict[str, Truth]:
    return {"go list": go_list.truth(folder)}


def _c(folder: Path, options: argparse.Namespace) -> dict[str, Truth]:
    elsewhere = repositories.ELSEWHERE.get(folder.name, ())
    return gxx_includes.truths(folder, *repositories.C[folder.name], headers="c", elsewhere=elsewhere)


def _cpp(folder: Path, options: argparse.Namespace) -> dict[str, Truth]:
    return gxx_includes.truths(folder, *repositories.CPP[folder.name], headers="c++")


def _java(folder: Path, options: argparse.Namespace) -> dict[str, Truth]:
    return javac_names.truths(folder, options.class_path, repositories.JAVA[folder.name])


_READERS: dict[str, Callable[[Path, argparse.Namespace], dict[str, Truth]]] = {
    "python": _grimp,
    "javascript": _javascript,
    "typescript": _typescript,
    "go": _go,
    "c": _c,
    "cpp": _cpp,
    "java": _java,
}


if __name__ == "__main__":
    main()
