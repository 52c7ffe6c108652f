"""What is known of a file and of what it imports."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import tree_sitter

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, eq=False)
class GraphFile:
    """A source file of a repository.

    Attributes:
        path: within the repository, with forward slashes.
        data: its text in UTF-8.
        language: a name of `text.languages`.
        tree: its syntax tree, where somebody has parsed it already.
    """

    path: str
    data: bytes
    language: str
    tree: "tree_sitter.Tree | None" = None


class Import(NamedTuple):
    """One import statement, not yet looked up.

    Attributes:
        target: what is imported, as it is written.
        names: what is taken from it, where the statement says so.
        weak: it is in a function, only for types, or only declares a module.
        depth: modules within the file around it (Rust).
    """

    target: str
    names: tuple[str, ...] = ()
    weak: bool = False
    depth: int = 0


@dataclass(frozen=True)
class FileFacts:
    """What the graph keeps of a file once its text is gone.

    Attributes:
        package: the package or namespace it declares; "" without one.
        declared: names of the types (and functions, where they can be imported) at its top level.
        nested: names of the types that it declares inside others.
        used: how often its code has each name that begins with a capital.
        qualified: types that it names with their package.
    """

    path: str
    language: str
    imports: tuple[Import, ...] = ()
    package: str = ""
    declared: tuple[tuple[str, str], ...] = ()  # (package, name)
    nested: frozenset[str] = frozenset()
    used: Mapping[str, int] = field(default_factory=dict)
    qualified: tuple[str, ...] = ()

    @property
    def mentioned(self) -> frozenset[str]:
        """The names that the imports take, and where they say none the words of what they name.

        >>> sorted(FileFacts("a.py", "python", (Import("b.c", ("D",)), Import("e.f"))).mentioned)
        ['D', 'e', 'f']
        """
        taken = (name for each in self.imports for name in each.names)
        words = (word for each in self.imports if not each.names for word in _WORD.findall(each.target))
        return frozenset((*taken, *words))


class Use(NamedTuple):
    """A file that another one imports: how many of its names are taken, and whether that can wait."""

    path: str
    names: int = 1
    weak: bool = False
