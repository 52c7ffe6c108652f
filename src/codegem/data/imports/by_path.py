"""Imports that name a file by a path: JavaScript, TypeScript, C and C++."""

import re
from collections.abc import Iterator

from codegem.data.imports.records import FileFacts, Use
from codegem.data.imports.tree import RepositoryTree, beside

_JS_ENDS = (".js", ".jsx", ".mjs", ".cjs")
_TS_ENDS = (".ts", ".tsx", ".d.ts", ".mts", ".cts")
_WRITTEN_AS = {".js": (".ts", ".tsx", ".d.ts"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
_ALIASES = ("@/", "~/", "~~/", "src/")  # what bundlers and `baseUrl` most often call the folder of the sources
# Headers of C and POSIX: in angle brackets they are never the repository's.
_STANDARD_NAMES = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype "
    "dirent dlfcn fcntl getopt grp netdb poll pthread pwd sched semaphore strings syslog termios unistd"
)
_STANDARD = frozenset(f"<{name}.h>" for name in _STANDARD_NAMES.split(" "))
# Folders with stand-ins for what one system lacks; other folders' includes don't lead there.
_OF_ONE_SYSTEM = re.compile(r"(?i)(^|/)[^/]*(win32|win64|windows|wince|msvc|mingw|nmake|vms|os2|symbian)[^/]*/")


def includes(file: FileFacts, tree: RepositoryTree) -> Iterator[Use]:
    """`#include "a.h"` beside the file first, then any file whose path ends so; `<a.h>` the latter alone."""
    for target, names, weak, _ in file.imports:
        path = target[1:-1].strip()
        found = None
        local = beside(file.path, path) if target.startswith('"') else None
        if local is not None and local in tree:
            found = local
        elif target not in _STANDARD:
            parts = [part for part in path.split("/") if part not in ("", ".", "..")]
            found = _included("/".join(parts), file.path, tree)
        if found:
            yield Use(found, max(1, len(names)), weak)


def _included(end: str, importer: str, tree: RepositoryTree) -> str | None:
    numbers = tree.near(end, importer)
    if ("/" + importer).endswith("/" + end):  # a wrapper of the header of the same name
        numbers = [number for number in numbers if tree.paths[number] != importer]
    found = tree.nearest(numbers, importer)
    if found and (system := _OF_ONE_SYSTEM.search(found)) and not importer.startswith(found[: system.end()]):
        numbers = [number for number in numbers if not _OF_ONE_SYSTEM.search(tree.paths[number])]
        found = tree.nearest(numbers, importer)
    return found


def modules(file: FileFacts, tree: RepositoryTree) -> Iterator[Use]:
    """`./a` and `../a` with any extension or an index file; a workspace's package; a common alias of the sources."""
    ends = _TS_ENDS + _JS_ENDS if file.language == "typescript" else _JS_ENDS + _TS_ENDS
    for target, names, weak, _ in file.imports:
        path = target[1:-1].partition("?")[0]
        if found := _find(path, file.path, tree, ends):
            yield Use(found, max(1, len(names)), weak)


def _find(path: str, importer: str, tree: RepositoryTree, ends: tuple[str, ...]) -> str | None:
    if path.startswith(".") or path in ("", "/"):
        return _file(beside(importer, path), tree, ends, is_folder=path.endswith(("/", ".")))
    for length in range(path.count("/") + 1, 0, -1):
        package = "/".join(path.split("/")[:length])
        if (folder := tree.projects.get(("package.json", package))) is not None:
            rest = path[len(package) + 1 :]
            inside = [f"{folder}/{part}{rest}".strip("/") for part in ("", "src/", "lib/")]
            return next((found for each in inside if (found := _file(each, tree, ends))), None)
    alias = next((alias for alias in _ALIASES if path.startswith(alias)), None)
    if alias is None:
        return None
    end = path if alias == "src/" else path.removeprefix(alias)
    for candidate in [*_candidates(end, ends), *_indices(end, ends)]:
        if found := tree.nearest(tree.ending(candidate), importer):
            return found
    return None


def _file(path: str | None, tree: RepositoryTree, ends: tuple[str, ...], is_folder: bool = False) -> str | None:
    if path is None:
        return None
    folder = "" if path == "." else path
    found = tree.first(_candidates(folder, ends)) if folder and not is_folder else None
    if found is None and (main := tree.projects.get(("main", folder))):
        found = tree.first([*_candidates(main, ends), *_indices(main, ends)])
    return found or tree.first(_indices(folder, ends))


def _indices(folder: str, ends: tuple[str, ...]) -> Iterator[str]:
    return (f"{folder}/index{end}".lstrip("/") for end in ends)


def _candidates(path: str, ends: tuple[str, ...]) -> Iterator[str]:
    yield path
    yield from (path + end for end in ends)
    for written, sources in _WRITTEN_AS.items():
        if path.endswith(written):
            yield from (path.removesuffix(written) + end for end in sources)
