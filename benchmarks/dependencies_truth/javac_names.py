"""Java: what each file names, as javac resolves it, and what jdeps finds in compiled classes."""

import re
import subprocess
import tempfile
from pathlib import Path

from dependencies_truth import Edge, Truth

_KINDS = {
    "package": "a type of the same package, which needs no import",
    "unused": "an import that the code does not use: it is for comments, or left over",
    "qualified": "a type written with its package, without an import",
}
_CLASS = re.compile(r"^   (\S+) +-> (\S+) +", re.MULTILINE)


def truths(root: Path, class_path: str, main: str) -> dict[str, Truth]:
    """The same repository by two readings.

    - `javac`: every type that a file names, by an import or without one where it is of the same package;
    - `jdeps`: what the compiled classes of the folder `main` refer to.

    Args:
        root: the repository.
        class_path: where its outside dependencies are; those that are absent stay unresolved.
        main: the folder of sources that compile by themselves; "" leaves jdeps out.
    """
    paths = [path for path in sorted(root.rglob("*.java")) if path.is_file()]
    files = frozenset(path.relative_to(root).as_posix() for path in paths)
    kinds = _resolved(root, class_path, paths)
    reasons = {edge: _KINDS[kind] for edge, kind in kinds.items() if kind in _KINDS}
    found = {"javac": Truth(frozenset(kinds), files, reasons=reasons)}
    if main:
        found["jdeps"] = _jdeps(root, class_path, main, kinds, reasons)
    return found


def _resolved(root: Path, class_path: str, paths: list[Path]) -> dict[Edge, str]:
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "files")
        listing.write_text("".join(f"{path.resolve()}\n" for path in paths if path.name != "module-info.java"))
        program = Path(__file__).with_name("ResolvedNames.java")
        done = _run("java", str(program), class_path, str(listing))
    top = root.resolve()
    found: dict[Edge, str] = {}
    for line in done.splitlines():
        kind, importer, imported = line.split("\t")
        edge = (Path(importer).relative_to(top).as_posix(), Path(imported).relative_to(top).as_posix())
        if found.get(edge) not in ("import", "unused", "demand"):
            found[edge] = kind
    return found


def _jdeps(root: Path, class_path: str, main: str, kinds: dict[Edge, str], reasons: dict[Edge, str]) -> Truth:
    """Class dependencies of the folder `main`, folded into files; classes that start no file of theirs are lost."""
    sources = [path for path in sorted((root / main).rglob("*.java")) if path.name != "module-info.java"]
    file_of = {
        ".".join(path.relative_to(root / main).with_suffix("").parts): path.relative_to(root).as_posix()
        for path in sources
    }
    with tempfile.TemporaryDirectory() as folder:
        options = ["-proc:none", "-nowarn", "-encoding", "UTF-8", "-cp", class_path, "-d", folder]
        _run("javac", *options, *map(str, sources))
        text = _run("jdeps", "-verbose:class", "-filter:none", "-cp", class_path, folder)
    edges = set()
    for importer, imported in _CLASS.findall(text):
        edge = file_of.get(importer.split("$")[0]), file_of.get(imported.split("$")[0])
        if edge[0] and edge[1] and edge[0] != edge[1]:
            edges.add((edge[0], edge[1]))
    unnamed = {edge: "no name in the file: the type of an expression" for edge in edges if edge not in kinds}
    beyond = {edge: "javac resolves the name, which leaves no trace in the class file" for edge in kinds}
    beyond = {edge: reason for edge, reason in beyond.items() if edge not in edges}
    return Truth(frozenset(edges), frozenset(file_of.values()), beyond, reasons | unnamed)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout
