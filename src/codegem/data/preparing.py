"""One source from its documents to packed contexts: each file parsed once, laid out, encoded, with holes drawn."""

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from codegem.data.accounts import VERDICTS, Files
from codegem.data.dependencies import DependencyGraph, GraphFile, build_graph
from codegem.data.examples import load_encoder, tokenise_repository
from codegem.data.mixture import Shares
from codegem.data.packing import order_documents
from codegem.data.reading import PROJECTS
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.data.repositories import Source
from codegem.data.rows import CONTEXTS
from codegem.data.rules import filter_rules
from codegem.data.rules.syntax_rules import parse_errors
from codegem.data.work import Work, in_batches, write_arrow, write_table
from codegem.text.syntax import TooHardToParse, parse

if TYPE_CHECKING:
    from tree_sitter import Tree

_BATCH = 8 << 20  # bytes of tokens and roles in a record batch
_TREES = 8 << 20  # bytes of text whose trees are kept; a tree takes some thirty times its text
_SUMMARY = b"summary"

Verdict = dict[str, str]
"""A row of `accounts.VERDICTS`."""


def prepare_source(source: Source, *, work: Work, recipe: DataRecipe, vocabulary: Path, shares: Shares | None) -> None:
    """Write the packed contexts of a source, and the verdicts on files that turn out not to fit, to `work`."""
    table = Files(work, [source]).kept(source, ["text", "language", "licence", "sha256"], late=False)
    projects = json.loads(pq.read_schema(work.read(source)).metadata[PROJECTS])
    verdicts: list[Verdict] = []
    totals = {"edges": 0, "dropped": 0, "tests": 0}
    rows: Iterator[dict[str, Any]] = _rows(table, projects, recipe, vocabulary, shares, verdicts, totals)
    batches = in_batches(rows, CONTEXTS, lambda row: len(row["tokens"]) + len(row["roles"]), _BATCH)
    write_arrow(work.packed(source), _finishing(batches, work, source, verdicts, totals), CONTEXTS)


def summary(late: Path) -> dict[str, Any]:
    """How large the graph of a source was: edges, dropped ones, tests beside their source."""
    return json.loads(pq.read_schema(late).metadata[_SUMMARY])


def _finishing(
    batches: Iterator[pa.RecordBatch], work: Work, source: Source, verdicts: list[Verdict], totals: dict[str, int]
) -> Iterator[pa.RecordBatch]:
    """The batches; after the last, before their file gets its name, the verdicts are written."""
    yield from batches
    schema = VERDICTS.with_metadata({_SUMMARY: json.dumps(totals).encode()})
    write_table(work.late(source), iter([pa.RecordBatch.from_pylist(verdicts, VERDICTS)]), schema)


def _rows(
    table: pa.Table,
    projects: Mapping[str, str],
    recipe: DataRecipe,
    vocabulary: Path,
    shares: Shares | None,
    verdicts: list[Verdict],
    totals: dict[str, int],
) -> Iterator[dict[str, Any]]:
    encoder = load_encoder(str(vocabulary))
    for _, group in groupby(_documents(table), key=lambda document: document.repository):
        repository = _Repository(list(group), recipe, shares)
        ordered = repository.ordered(projects)
        verdicts += repository.verdicts
        if graph := repository.graph:
            totals["edges"] += len(graph.edges)
            totals["dropped"] += sum(not edge.kept for edge in graph.edges)
            totals["tests"] += len(graph.tests)
        if ordered:
            yield from tokenise_repository(ordered, recipe, encoder, repository.trees)


def _documents(table: pa.Table) -> Iterator[Document]:
    names = ("repository", "path", "text", "language", "licence", "sha256")
    for values in zip(*(table[name].to_pylist() for name in names), strict=True):
        yield Document(*values)


class _Repository:
    """The documents of one repository on their way to contexts."""

    def __init__(self, documents: Sequence[Document], recipe: DataRecipe, shares: Shares | None):
        self.verdicts: list[Verdict] = []
        self.trees = _Trees(documents)
        self.graph: DependencyGraph | None = None
        self._documents, self._recipe, self._shares = documents, recipe, shares
        self._fit: dict[str, Document] = {}

    def ordered(self, projects: Mapping[str, str]) -> list[Document]:
        """The documents that stay, in the recipe's order."""
        files = self._judged()
        if self._recipe.order == "dependency":
            self.graph = build_graph(files, self._recipe.graph, projects)
            return [self._fit[path] for path in self.graph.order]
        for _ in files:
            pass
        return order_documents(list(self._fit.values()), self._recipe.order, self._recipe.seed)

    def _judged(self) -> Iterator[GraphFile]:
        """The files that stay, each parsed."""
        for document in self._documents:
            data = document.text.encode()
            if verdict := self._verdict(document, data):
                self.verdicts.append({"repository": document.repository, "path": document.path, **verdict})
                continue
            self._fit[document.path] = document
            yield GraphFile(document.path, data, document.language, self.trees[document.path])

    def _verdict(self, document: Document, data: bytes) -> Verdict | None:
        """Why a file does not stay, or None."""
        name = document.repository, document.path, document.language
        if self._shares and not self._shares.keeps(self._recipe.seed, *name):
            reason = filter_rules.Verdict("over its share", f"of {document.language}", "mixture")
            return {"stage": "mixture", **reason._asdict()}
        try:
            tree = self.trees[document.path]
            reason = tree and parse_errors(tree, data, self._recipe.filters)
        except TooHardToParse as error:
            reason = filter_rules.Verdict("too hard to parse", str(error), "text.syntax")
        return {"stage": "syntax", **reason._asdict()} if reason else None


class _Trees(Mapping[str, "Tree | None"]):
    """Path -> syntax tree; parsed when it is asked for, and again if it had to make room for others."""

    def __init__(self, documents: Sequence[Document]):
        self._documents = {document.path: document for document in documents}
        self._trees: OrderedDict[str, Tree | None] = OrderedDict()
        self._held = 0

    def __getitem__(self, path: str) -> "Tree | None":
        if path in self._trees:
            self._trees.move_to_end(path)
            return self._trees[path]
        tree = parse(self._documents[path].text.encode(), path)
        self._trees[path] = tree
        self._held += len(self._documents[path].text)
        while self._held > _TREES and len(self._trees) > 1:
            gone, _ = self._trees.popitem(last=False)
            self._held -= len(self._documents[gone].text)
        return tree

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)
