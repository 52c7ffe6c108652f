"""Rust's modules: `mod a;`, and `use` of paths within a crate and between a workspace's crates."""

import re
from collections.abc import Iterator
from posixpath import basename, dirname

from codegem.data.imports.records import FileFacts, Import, Use
from codegem.data.imports.tree import RepositoryTree

_ROOTS = ("lib.rs", "main.rs")
_DEEP = 32  # modules within modules
_TOKEN = re.compile(r"[{},]|[^{},]+")
_NAME = re.compile(r"[a-z_]\w*$", re.IGNORECASE)


def modules(file: FileFacts, tree: RepositoryTree) -> Iterator[Use]:
    """The longest part of each path that is a file; what is left names something inside it."""
    here = _Place.of_file(file.path, tree)
    for each in file.imports:
        if each.weak and _NAME.match(each.target):  # `mod a;`
            places = (here, _Place(dirname(file.path), file.path))
            child = next((found for place in places if (found := place.child(each.target, tree))), None)
            if child:
                yield Use(child.file, 1, True)
            continue
        for path in flatten(each.target):
            found = _resolve(path, each, here, tree)
            if found and found != file.path:
                yield Use(found, 1, each.weak)


def flatten(text: str) -> list[list[str]]:
    """The paths of a `use` declaration.

    >>> flatten("a::{b, c::{self, d as e}}")
    [['a', 'b'], ['a', 'c', 'self'], ['a', 'c', 'd']]
    """
    paths: list[list[str]] = []
    outer: list[list[str]] = []
    prefix: list[str] = []
    for token in _TOKEN.findall(text):
        if token == "{":
            outer.append(prefix)
            prefix = [*prefix, *last][:_DEEP]
        elif token == "}":
            prefix = outer.pop() if outer else []
        elif token != ",":
            last = [part.split(" as ")[0].strip() for part in token.split("::")]
            last = [part for part in last if part]
            if not token.rstrip().endswith("::") and last:
                paths.append([*prefix, *last])
            continue
        last: list[str] = []
    return paths


class _Place:
    """A module: its file, and the folder in which the files of its children lie."""

    def __init__(self, folder: str, file: str):
        self.folder, self.file = folder, file

    @classmethod
    def of_file(cls, path: str, tree: RepositoryTree) -> "_Place":
        folder, name = dirname(path), basename(path)
        is_root = name in _ROOTS or name == "mod.rs"
        stem = name.removesuffix(".rs")
        return cls(folder if is_root else f"{folder}/{stem}".lstrip("/"), path)

    @classmethod
    def of_folder(cls, folder: str, tree: RepositoryTree) -> "_Place | None":
        """The module whose children lie in a folder."""
        inside = [f"{folder}/{name}".lstrip("/") for name in (*_ROOTS, "mod.rs")]
        found = tree.first([*inside, f"{folder}.rs"])
        return cls(folder, found) if found else None

    def child(self, name: str, tree: RepositoryTree) -> "_Place | None":
        folder = f"{self.folder}/{name}".lstrip("/")
        found = tree.first((f"{folder}.rs", f"{folder}/mod.rs"))
        return _Place(folder, found) if found else None


def _resolve(path: list[str], each: Import, here: _Place, tree: RepositoryTree) -> str | None:
    start, rest = _start(path, each.depth, here, tree)
    if start is None:
        return None
    for name in rest:
        child = start.child(name, tree)
        if child is None:
            break
        start = child
    return start.file


def _start(path: list[str], depth: int, here: _Place, tree: RepositoryTree) -> tuple[_Place | None, list[str]]:
    """The module that a path begins at, and what follows."""
    if path[0] == "crate":
        return _crate(here.file, tree), path[1:]
    if path[0] in ("self", "super"):
        place: _Place | None = here
        rest = path[1:] if path[0] == "self" else path
        while rest and rest[0] == "super":
            rest = rest[1:]
            if depth:
                depth -= 1
            else:
                place = _Place.of_folder(dirname(place.folder), tree) if place else None
        return (None if depth else place), rest
    if not depth and here.child(path[0], tree):
        return here, path
    return _other_crate(path[0], here.file, tree), path[1:]


def _crate(path: str, tree: RepositoryTree) -> _Place | None:
    """The root module of the crate that a file belongs to."""
    folder = dirname(path)
    while True:
        if root := tree.first(f"{folder}/{name}".lstrip("/") for name in _ROOTS):
            return _Place(folder, path if dirname(path) == folder and basename(path) in _ROOTS else root)
        if not folder:
            return None
        folder = dirname(folder)


def _other_crate(name: str, importer: str, tree: RepositoryTree) -> _Place | None:
    """The root module of another crate here, by its project file or by its folder."""
    folder = tree.projects.get(("Cargo.toml", name))
    if folder is not None:
        return _Place.of_folder(f"{folder}/src".lstrip("/"), tree)
    for spelled in dict.fromkeys((name, name.replace("_", "-"))):
        root = tree.nearest(tree.ending(f"{spelled}/src/lib.rs"), importer)
        if root:
            return _Place(dirname(root), root)
    return None
