"""Tables of the comparison that `dependencies.py` makes, and a reason for every edge on which the two differ."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dependencies_repositories import COMPILER_OPTIONS
from dependencies_truth import Edge, Truth

_ELSEWHERE = re.compile(r"(?i)(?:win32|windows|msvc|nmake|android)[^/]*/")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Graph:
    """What `codegem data graph` printed: files, edges, those that it dropped, and kept ones that its order breaks."""

    files: frozenset[str]
    edges: frozenset[Edge]
    dropped: frozenset[Edge]
    misplaced: frozenset[Edge]


@dataclass(frozen=True)
class Comparison:
    """Our graph against one tool's reading of one repository; `whole` are our edges when every line is read."""

    language: str
    tool: str
    folder: Path
    truth: Truth
    graph: Graph
    whole: frozenset[Edge]

    @property
    def ours(self) -> frozenset[Edge]:
        """Our edges between the files that the tool looked at."""
        files = self.truth.files
        return frozenset(edge for edge in self.graph.edges if edge[0] in files and edge[1] in files)

    @property
    def right(self) -> frozenset[Edge]:
        """Edges of both."""
        return self.ours & self.truth.edges

    @property
    def missed(self) -> list[Edge]:
        """Edges of the tool that are not ours."""
        return sorted(self.truth.edges - self.ours)

    @property
    def alarms(self) -> list[Edge]:
        """Edges of ours that are not the tool's."""
        return sorted(self.ours - self.truth.edges)

    @property
    def confirmed(self) -> int:
        """Alarms that hold all the same."""
        return sum(edge in self.truth.beyond for edge in self.alarms)


def miss_reason(item: Comparison, edge: Edge) -> str:
    """Why an edge of the tool is not ours."""
    importer, imported = edge
    text = _text(item, importer)
    name = re.escape(Path(imported).stem)
    if item.language == "java" and item.tool == "javac" and not re.search(rf"\b{name}\b", _COMMENT.sub(" ", text)):
        return "a type inside another one, inherited and so used without the other's name"
    if edge in item.truth.reasons:
        return item.truth.reasons[edge]
    if not {importer, imported} <= item.graph.files:
        return "the graph leaves out a file of more than 1 MB"
    if edge in item.whole:
        return "imported below the lines that are read"
    if item.language in ("c", "cpp") and not re.search(rf"#[ \t]*include[^\n]*\b{name}\b", text):
        return "the directive includes a macro"
    if item.language in ("c", "cpp") and _ELSEWHERE.search(imported):
        return "a header of another system's folder, which ours leaves to the files there"
    is_relative = re.search(rf"['\"]\.[^'\"]*{name}", text)
    if item.folder.name in COMPILER_OPTIONS and not is_relative:
        return "an alias that the project's tsconfig.json defines"
    if imported.endswith(".d.ts") and (importer, imported.removesuffix(".d.ts") + ".js") in item.ours:
        return "TypeScript takes the declarations of a package, ours is its code"
    statement = rf"^[ \t]+.*\b(?:import|require|from|include)\b.*\b{name}\b|^[ \t]*#[ \t]*include.*\b{name}\b"
    if re.search(statement, text, re.MULTILINE):
        return "nested more deeply than is searched"
    return "not explained"


def alarm_reason(item: Comparison, edge: Edge) -> str:
    """Why an edge of ours is not the tool's."""
    if edge in item.truth.beyond:
        return item.truth.beyond[edge]
    text = _text(item, edge[0])
    name = re.escape(Path(edge[1]).stem)
    if item.language == "java" and not re.search(rf"(?<![\w.]){name}\b", _COMMENT.sub(" ", text)):
        return "the name stands behind a dot: another type's, or another package's"
    if item.language in ("c", "cpp"):
        if re.search(rf"#[ \t]*include[ \t]*<[^\n]*\b{name}\b", text):
            return "angle brackets: an outside library's header that has a namesake here"
        return "a folder that no build file known to the tool names"
    if item.language in ("javascript", "typescript"):
        if edge[0].endswith((".mts", ".cts")):
            return "madge resolves nothing in a file of this extension"
        if (edge[0], edge[1].removesuffix(".js") + ".d.ts") in item.truth.edges:
            return "TypeScript takes the declarations of a package, ours is its code"
        package = json.loads((item.folder / "package.json").read_text(encoding="utf-8")).get("name", "")
        if package and re.search(rf"['\"]{re.escape(package)}['\"/]", text):
            return "the package's own name, which madge takes for another package"
    return "not explained"


def _text(item: Comparison, path: str) -> str:
    return (item.folder / path).read_text(encoding="utf-8", errors="replace")


def print_edges(item: Comparison, limit: int) -> None:
    """The first misses and alarms, each with its reason."""
    for kind, edges, reason in (("miss", item.missed, miss_reason), ("alarm", item.alarms, alarm_reason)):
        for edge in edges[:limit]:
            print(f"{kind} {item.tool} {item.folder.name}: {edge[0]} -> {edge[1]}: {reason(item, edge)}")


def table(done: list[Comparison]) -> str:
    """Markdown: a row for each repository, and for each reading a row of sums."""
    lines = [
        "| language | tool | repository | files | tool's edges | ours | both | precision | recall "
        "| alarms confirmed | dropped | out of order |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for language, tool in dict.fromkeys((item.language, item.tool) for item in done):
        rows = [item for item in done if (item.language, item.tool) == (language, tool)]
        lines += [_row(language, tool, item.folder.name, [item]) for item in rows]
        lines.append(_row(language, tool, f"**all {len(rows)}**", rows))
    return "\n".join(lines)


def _row(language: str, tool: str, name: str, rows: list[Comparison]) -> str:
    files = sum(len(item.truth.files) for item in rows)
    theirs = sum(len(item.truth.edges) for item in rows)
    ours = sum(len(item.ours) for item in rows)
    both = sum(len(item.right) for item in rows)
    alarms = f"{sum(item.confirmed for item in rows)} of {ours - both}"
    dropped = sum(len(item.graph.dropped & item.ours) for item in rows)
    misplaced = sum(len(item.graph.misplaced) for item in rows)
    precision = f"{both / ours:.4f}" if ours else "-"
    recall = f"{both / theirs:.4f}" if theirs else "-"
    cells = (language, tool, name, files, theirs, ours, both, precision, recall, alarms, dropped, misplaced)
    return "| " + " | ".join(map(str, cells)) + " |"


def classes(done: list[Comparison]) -> str:
    """Markdown: how many misses and alarms each reason has, for each reading."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for item in done:
        for edge in item.missed:
            counts[item.language, item.tool, "miss", miss_reason(item, edge)] += 1
        for edge in item.alarms:
            counts[item.language, item.tool, "false alarm", alarm_reason(item, edge)] += 1
    lines = ["| language | tool | kind | reason | edges |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join((*key, str(count))) + " |" for key, count in counts.items()]
    return "\n".join(lines)
