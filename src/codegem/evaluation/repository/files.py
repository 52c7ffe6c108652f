"""The files of some repositories, and what each needs of the others."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from codegem.data.dependencies import GraphFile, GraphRules, build_graph
from codegem.data.held_out import HeldOut
from codegem.data.imports import read_facts
from codegem.data.reading import read_documents
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.errors import UserError
from codegem.text.declarations import signatures
from codegem.text.signatures import offered, render
from codegem.text.syntax import TooHardToParse, parse

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_DECLARES = re.compile(r".*(definition|declaration|declarator|_item|_spec|_specifier)")
_LAST_NAME = re.compile(r"([^\W\d]\w*)\W*$")


class Files:
    """The files of repositories that a recipe's filters keep.

    Args:
        paths: repositories, as `codegem data build` takes them.
        held_out: the files that places are drawn from; by default all of them.

    Attributes:
        documents: every file, in the order of (repository, path).
        asked: those of them that places are drawn from.

    Raises:
        UserError: a path holds no repository, or a damaged one, or a file that was held out is not there.
    """

    def __init__(
        self, paths: Sequence[Path], recipe: DataRecipe | None = None, held_out: Sequence[HeldOut] | None = None
    ):
        self.documents = read_documents(paths, recipe or DataRecipe(), whole=True)
        self.asked = self.documents if held_out is None else _asked(self.documents, held_out)
        self._needed: dict[tuple[str, str], list[Document]] = {}
        self.declared = lru_cache(maxsize=None)(self._declared)
        for _, group in groupby(self.documents, key=lambda document: document.repository):
            self._connect({document.path: document for document in group})

    def tree(self, document: Document) -> "Tree | None":
        """The syntax tree of a file, or None where it can't be parsed."""
        try:
            return parse(document.text.encode(), document.path)
        except TooHardToParse:
            return None

    def needed(self, document: Document) -> list[Document]:
        """The files that a file imports, the most important last."""
        return self._needed.get((document.repository, document.path), [])

    def offered(self, document: Document) -> tuple[tuple[str, str], ...]:
        """(path, signatures) of the files that a file imports, the most important last; those that declare nothing
        are left out."""
        rules = GraphRules()
        file = GraphFile(document.path, document.text.encode(), document.language)
        mentioned = read_facts(file, rules.import_lines, rules.max_imports).mentioned
        found = ((other, offered(signatures(other.text, other.path), mentioned)) for other in self.needed(document))
        return tuple((other.path, render(kept, other.path)) for other, kept in found if kept)

    def foreign_names(self, document: Document) -> frozenset[str]:
        """Names that the imported files declare and the file itself does not."""
        theirs = (self.declared(other) for other in self.needed(document))
        return frozenset().union(*theirs) - self.declared(document)

    def _connect(self, documents: dict[str, Document]) -> None:
        files = [GraphFile(path, each.text.encode(), each.language) for path, each in documents.items()]
        for edge in sorted(build_graph(files).edges, key=lambda edge: (edge.importance, edge.imported)):
            importer = documents[edge.importer]
            self._needed.setdefault((importer.repository, importer.path), []).append(documents[edge.imported])

    def _declared(self, document: Document) -> frozenset[str]:
        tree = self.tree(document)
        return declared_names(tree, document.text.encode()) if tree else frozenset()


def _asked(documents: Sequence[Document], held_out: Sequence[HeldOut]) -> list[Document]:
    """The documents that were held out, of the repositories that are there."""
    there = {(document.repository, document.path): document for document in documents}
    repositories = {document.repository for document in documents}
    asked = [file for file in held_out if file.repository in repositories]
    if not asked:
        held = ", ".join(sorted({file.repository for file in held_out}))
        raise UserError(f"Files of {held} were held out, and none of {', '.join(sorted(repositories))}: give those.")
    for file in asked:
        found = there.get((file.repository, file.path))
        if found is None or found.sha256 != file.sha256:
            raise UserError(
                f"{file.path} of {file.repository} is {'changed' if found else 'not there'} since it was held out: "
                "give the repositories as they were when the data were built, or build again."
            )
    return [there[file.repository, file.path] for file in asked]


def declared_names(tree: "Tree", data: bytes) -> frozenset[str]:
    """Names that a file gives to functions, types, variables and members."""
    names = set()
    for node in walk(tree):
        if not _DECLARES.fullmatch(node.type):
            continue
        name = node.child_by_field_name("name") or node.child_by_field_name("declarator")
        if name and (last := last_name(name, data)):
            names.add(last)
    return frozenset(names)


def last_name(node: "Node", data: bytes) -> str | None:
    """The last name in the text of a node: `c` of `a.b.c`; None where there is none."""
    found = _LAST_NAME.search(data[node.start_byte : node.end_byte].decode())
    return found and found[1]


def walk(tree: "Tree") -> Iterator["Node"]:
    """Every node from the root down, in the order of the text; without recursion, since trees may be deep."""
    cursor = tree.walk()
    while True:
        if cursor.node is not None:
            yield cursor.node
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while cursor.goto_parent():
            if cursor.goto_next_sibling():
                break
        else:
            return
