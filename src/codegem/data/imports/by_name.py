"""Imports that name a type by its package or namespace: Java, Kotlin and C#."""

from collections.abc import Iterable, Iterator, Sequence

from codegem.data.imports.records import FileFacts, Use
from codegem.data.imports.tree import RepositoryTree

_DEEP, _SPREAD = 32, 100  # components of a name; files over which one type is spread
_Files = dict[str, list[int]]  # files by the package that declares a name, in the order of paths


class Types:
    """What the files of a repository declare: name -> package -> files."""

    def __init__(self, files: Iterable[FileFacts], tree: RepositoryTree):
        self._tree = tree
        self._files: dict[str, _Files] = {}
        for file in files:
            for package, name in file.declared:
                self._files.setdefault(name, {}).setdefault(package, []).append(tree.number[file.path])
        for packages in self._files.values():
            for numbers in packages.values():
                numbers.sort()
        self.packages = {package for packages in self._files.values() for package in packages}

    def names(self, used: Iterable[str]) -> Iterator[tuple[str, _Files]]:
        """Of the names that a file uses, those that some file declares."""
        return ((name, self._files[name]) for name in used if name in self._files)

    def find(self, path: Sequence[str]) -> tuple[str, str] | None:
        """The package and the name of the longest beginning of a dotted path that is declared."""
        for length in range(min(len(path), _DEEP), 0, -1):
            package, name = ".".join(path[: length - 1]), path[length - 1]
            if package in self._files.get(name, ()):
                return package, name
        return None

    def files(self, package: str, name: str, importer: str, *, every: bool) -> list[str]:
        """Files that declare a name: the nearest one, or every one where a type may be spread over several."""
        numbers = self._files[name][package]
        if every:
            return [self._tree.paths[number] for number in numbers[:_SPREAD]]
        nearest = self._tree.nearest(numbers, importer)
        return [nearest] if nearest else []


def jvm(file: FileFacts, tree: RepositoryTree, types: Types) -> Iterator[Use]:
    """Types and functions that are imported, and types of the same or of a wholly imported package, where used."""
    chosen: dict[str, tuple[str, str]] = {}  # a simple name -> what an import says it is
    packages = [file.package]
    for target, _, _, _ in file.imports:
        words = target.removesuffix(";").replace(".", " . ").split()
        words = [word for word in words[1:] if word != "." and word != "static"]
        alias = words[words.index("as") + 1] if "as" in words[:-1] else ""
        path = words[: words.index("as")] if alias else words
        is_all = path[-1:] == ["*"] or target.rstrip("; ").endswith("*")
        path = [name for name in path if name != "*"]
        found = types.find(path)
        if found:
            own = path[path.index(found[1], max(0, len(found[0].split(".")) - 1)) :] if found[0] else path
            for name in [alias] if alias else [own[0], own[-1]]:
                chosen.setdefault(name, found)
            if is_all or not own[-1][:1].isupper():  # members of a type, or a function: used by another name
                yield from _uses(types, found, file, 1)
        elif is_all:
            packages.append(".".join(path))
        elif path:
            chosen.setdefault(alias or path[-1], ("", ""))  # from elsewhere: it hides what lies beside
    yield from _named(file, types, chosen, packages, every=False)


def dotnet(file: FileFacts, tree: RepositoryTree, types: Types, everywhere: Sequence[str] = ()) -> Iterator[Use]:
    """Types of the namespaces that a file is in, of those around these, and of those that it is `using`."""
    chosen: dict[str, tuple[str, str]] = {}
    spaces: list[str] = []
    for package in dict.fromkeys([file.package, *(package for package, _ in file.declared)]):
        parts = package.split(".")
        spaces += [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    spaces += ["", *everywhere]
    for target, _, _, _ in file.imports:
        alias, _, path = usings(target)
        found = types.find(path.split("."))
        if alias and found:
            chosen[alias] = found
        spaces.append(path)
        spaces += [f"{space}.{path}" for space in spaces[:8] if f"{space}.{path}" in types.packages]
    yield from _named(file, types, chosen, list(dict.fromkeys(spaces)), every=True)


def usings(target: str) -> tuple[str, bool, str]:
    """The alias, whether it holds in every file, and the path of a `using` directive.

    >>> usings("global using A = B.C;")
    ('A', True, 'B.C')
    """
    words = target.removesuffix(";").replace("=", " = ").split()
    path = (
        words[words.index("=") + 1 :] if "=" in words else [w for w in words if w not in ("global", "using", "static")]
    )
    alias = words[words.index("=") - 1] if "=" in words else ""
    return alias, words[:1] == ["global"], "".join(path).removeprefix("global::")


def _named(
    file: FileFacts, types: Types, chosen: dict[str, tuple[str, str]], packages: list[str], *, every: bool
) -> Iterator[Use]:
    """Files of the names that a file uses: as imported, else of the first package that declares them."""
    own = {name for _, name in file.declared} | file.nested
    for name, declared in types.names(file.used):
        if name not in chosen and name not in own:
            package = next((package for package in packages if package in declared), None)
            if package is not None:
                yield from _uses(types, (package, name), file, file.used[name], every)
    for path in file.qualified:
        if found := types.find(path.split(".")):
            yield from _uses(types, found, file, 1, every)
    for name, found in chosen.items():
        if name in file.used and found[1]:
            yield from _uses(types, found, file, file.used[name], every)


def _uses(types: Types, found: tuple[str, str], file: FileFacts, count: int, every: bool = False) -> Iterator[Use]:
    for path in types.files(*found, file.path, every=every):
        yield Use(path, count)
