"""Go's imports: a path that names the folder of a package."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from posixpath import dirname

from codegem.data.imports.records import FileFacts, Use
from codegem.data.imports.tree import RepositoryTree

_DEEP = 32  # components of an import path that are looked at


class Packages:
    """The folders of a repository that hold Go files, and under which import paths they are known."""

    def __init__(self, files: Sequence[FileFacts], tree: RepositoryTree):
        own = [file for file in files if file.language == "go"]
        self._files: dict[str, list[str]] = {}
        for file in own:
            if not file.path.endswith("_test.go"):
                self._files.setdefault(dirname(file.path), []).append(file.path)
        self._modules = {name: folder for (kind, name), folder in tree.projects.items() if kind == "go.mod"}
        self._modules = self._modules or self._inferred(own)
        self._ends: dict[str, str] = {}  # the end of a folder's path -> the folder, the one nearest to the root
        for folder in sorted(self._files, key=lambda folder: (folder.count("/"), folder)):
            parts = folder.split("/")
            for length in range(1, min(len(parts), _DEEP) + 1):
                self._ends.setdefault("/".join(parts[-length:]), folder)

    def find(self, path: str) -> Iterable[str]:
        """The files of the package with an import path, without its tests."""
        parts = path.split("/")[:_DEEP]
        for length in range(len(parts), 0, -1):
            root = self._modules.get("/".join(parts[:length]))
            if root is not None:
                return self._files.get("/".join(part for part in (root, *parts[length:]) if part), ())
        if "." not in parts[0]:
            return ()  # the standard library
        # A copy of another module, or a workspace laid out by import paths.
        return self._files.get(self._ends.get(path, ""), ()) if path in self._ends else ()

    def _inferred(self, files: Iterable[FileFacts]) -> dict[str, str]:
        """The path of the one module of a repository without its `go.mod`.

        What is left of an import before the longest folder that it ends with may be the module's path; the one
        that most imports agree on is taken. Only paths that begin with a host's name count, as published ones do.
        """
        votes: Counter[str] = Counter()
        for file in files:
            for target in {each.target[1:-1] for each in file.imports}:
                parts = target.split("/")[:_DEEP]
                starts = (i for i in range(1, len(parts)) if "/".join(parts[i:]) in self._files)
                if "." in parts[0] and (start := next(starts, None)):
                    votes["/".join(parts[:start])] += 1
        module = min(votes, key=lambda name: (-votes[name], name), default=None)
        return {} if module is None else {module: ""}


def packages(file: FileFacts, tree: RepositoryTree, known: Packages) -> Iterator[Use]:
    """Every file of the package's folder but for its tests."""
    for target, _, weak, _ in file.imports:
        for path in known.find(target[1:-1]):
            yield Use(path, 1, weak)
