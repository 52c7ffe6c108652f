"""Python's imports: modules and packages, absolute and relative."""

from collections.abc import Iterator
from functools import cached_property

from codegem.data.imports.records import FileFacts, Use
from codegem.data.imports.tree import RepositoryTree

_ENDS = (".py", "/__init__.py", ".pyi", "/__init__.pyi")
_ROOTS = ("src", "lib", "python")  # folders that are put on the module search path by custom


def modules(file: FileFacts, tree: RepositoryTree) -> Iterator[Use]:
    """`import a.b` is the module; `from a import b` is the submodule `a.b` where there is one, else `a`."""
    for target, names, weak, _ in file.imports:
        module = "".join(target.split())
        base = _Module(module, file.path, tree)
        taken: dict[str, int] = {}
        if not names and not module.startswith("."):  # `import a.b`
            names = ("",)
        for name in names:
            found = base.find(name) or base.itself
            if found:
                taken[found] = taken.get(found, 0) + 1
        yield from (Use(path, count, weak) for path, count in taken.items())


class _Module:
    """Where a module's name leads, looked up from one file."""

    def __init__(self, module: str, importer: str, tree: RepositoryTree):
        self._importer, self._tree = importer, tree
        dots = len(module) - len(module.lstrip("."))
        self._name = module.lstrip(".").replace(".", "/")
        self._folder: str | None = None
        if dots:
            parts = importer.split("/")
            self._folder = "/".join(parts[: len(parts) - dots]) if dots <= len(parts) else ".."

    @cached_property
    def itself(self) -> str | None:
        """The file of the module."""
        return self.find()

    def find(self, name: str = "") -> str | None:
        """The file of the module, or of the submodule `name` of it."""
        path = "/".join(part for part in (self._name, name) if part)
        if self._folder is not None:
            ends = _ENDS if path else [end for end in _ENDS if end.startswith("/")]
            return self._tree.first(f"{self._folder}/{path}{end}".replace("//", "/").lstrip("/") for end in ends)
        for end in _ENDS:
            near = self._tree.near(path + end, self._importer)
            roots = [number for number in near if self._is_root(self._tree.paths[number], path + end)]
            if found := self._tree.nearest(roots, self._importer):
                return found
        return None

    def _is_root(self, path: str, end: str) -> bool:
        """Whether a program could have the folder above a match on its module search path."""
        folder = path[: -len(end)].rstrip("/")
        if not folder:
            return True
        if f"{folder}/__init__.py" in self._tree:
            return False
        is_above = (self._importer + "/").startswith(folder + "/")
        return "/" in end or is_above or folder.rpartition("/")[2] in _ROOTS
