"""What each language's own tool says depends on what: one module for each tool, none of which knows codegem."""

from dataclasses import dataclass, field

Edge = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """The dependencies that a tool found in one repository.

    Attributes:
        edges: (importer, imported), as paths in the repository with forward slashes.
        files: every file that the tool looked at. Edges of ours that leave this set are not compared.
        beyond: edges that hold, but that the tool's own reading does not count, by edge with the reason; one of
            ours among them is neither right nor wrong.
        reasons: why an edge of the truth is hard to read from imports, by edge.
    """

    edges: frozenset[Edge]
    files: frozenset[str]
    beyond: dict[Edge, str] = field(default_factory=dict)
    reasons: dict[Edge, str] = field(default_factory=dict)
