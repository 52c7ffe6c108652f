"""Natural points of a syntax tree: places where a piece of code is whole, so that a completion may end there.

CodeGemma lets the suffix start at a syntactically natural point (arXiv 2406.11409) and does not say which
points those are. Here a byte is natural where a node of the tree ends that is one of these; `|` marks them:

    block       `{ ... }|`, an indented block, the body of a class, a list of members, the file itself
    statement   what stands in a block, such as a statement, a declaration, a member, a comment; and where
                a statement needs no block: `if (a) return;|`
    expression  an expression, argument, parameter, element or type that fills its place: a closing bracket,
                a separator or a block comes next. `f(a|, b + c|)`, `x[i|]`, `if a|:`, `for (; i < n|;)`.
                The left of an operator, what is called and the object of a member are not whole:
                in `a.b(c|) + d` neither `a`, `a.b` nor `a.b(c)` is one.

The rules read the names that the grammars share and the place of a node, so that a further grammar needs no
table. A tree of broken code has natural points too, save that an ERROR node's own end is none. All walks go
from the root down, are iterative, and stop after `MAX_DEPTH` nodes.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

Kind = Literal["expression", "statement", "block"]
KINDS: tuple[Kind, ...] = get_args(Kind)  # from narrow to wide
MAX_DEPTH = 128  # nodes; what lies deeper has the ends of what holds it

_BLOCK = re.compile(
    r"""(.*_)?(block|(?<!pattern_)body) | (.*_)?((?<!ordered_field_)declaration|variant|enumerator|accessor)_list
    | compound_statement | statement_list | lambda_literal | requirement_seq | enum_body_declarations""",
    re.VERBOSE,
)
_STATEMENT = re.compile(
    r""".*(statement|declaration|definition|_item|_spec|_elem|_case|when_entry)
    | preproc_(?!arg|params|defined|directive).*""",
    re.VERBOSE,
)
# Their names say a statement and they are parts of one: `val x| = 1`, `catch (E e|)`, `f(int a|)`.
_PART = re.compile(r"(multi_)?variable_declaration|catch_declaration|with_item|.*parameter.*")
_LIST = "statement_list"  # Go's; it takes the end of the line with it, so its own end is no good place
_CLOSERS = frozenset((")", "]", "}", ",", ";"))


def natural_end(tree: "Tree", byte: int, kind: Kind = "expression", limit: int | None = None) -> int | None:
    """The natural point at which the code at `byte` is whole.

    Of the nodes that end at or after `byte`, those on the way from the root to the first leaf are looked at,
    innermost first: the first one of the kind, or of a wider one, gives its end. Where there is none within
    the limit, the widest natural one does, and the end of the file where nothing else is natural.

    Args:
        byte: at least 1; the code before it is taken as written.
        kind: how much is to be whole.
        limit: bytes; the last place that may be given.

    Returns:
        A byte, at least `byte`; None where no natural point of these nodes is within the limit.

    >>> from codegem.text.syntax import parse
    >>> tree = parse(b"if a:\\n    f(x, y)\\n    g()\\n", "a.py")
    >>> [natural_end(tree, 13, kind) for kind in KINDS]  # behind `f(x`: the x, the call, both lines
    [13, 17, 25]
    """
    found = None
    path = _path(tree, byte - 1)
    for depth in range(len(path) - 1, 0, -1):
        end = path[depth].end_byte
        if limit is not None and end > limit:
            return found
        if own := _kind(path, depth):
            found = end
            if KINDS.index(own) >= KINDS.index(kind):
                return found
    if found is None and byte <= (end := tree.root_node.end_byte) and (limit is None or end <= limit):
        return end
    return found


def is_natural(tree: "Tree", byte: int) -> bool:
    """Whether the byte is a natural point.

    >>> from codegem.text.syntax import parse
    >>> code = b"x = f(a + b, c)"
    >>> tree = parse(code, "a.py")
    >>> [code[:end].decode() for end in range(len(code) + 1) if is_natural(tree, end)]
    ['x = f(a + b', 'x = f(a + b, c', 'x = f(a + b, c)']
    """
    if byte == tree.root_node.end_byte:
        return byte > 0
    path = _path(tree, byte - 1)
    ending = [depth for depth in range(1, len(path)) if path[depth].end_byte == byte]
    return any(_kind(path, depth) is not None for depth in ending)


def whole_node(
    tree: "Tree", byte: int, size: int, start: int, end: int, *, natural: bool = True
) -> tuple[int, int] | None:
    """The largest named node at a byte, and not the whole file, that is of at most `size` bytes.

    Args:
        start: with `end`, the part of the file in which the node must lie.
        natural: only nodes that end at a natural point.

    Returns:
        Its first byte and the byte after its last. Where every node there is larger, the smallest one;
        None where none is in the part.

    >>> from codegem.text.syntax import parse
    >>> whole_node(parse(b"x = f(a, b)", "a.py"), 6, 8, 0, 11)  # at the a: the call
    (4, 11)
    """
    nodes = [node for node in reversed(_path(tree, byte)[1:]) if _is_whole(node)]
    spans = [(node.start_byte, node.end_byte) for node in nodes if start <= node.start_byte and node.end_byte <= end]
    fitting = [span for span in spans if span[1] - span[0] <= size]
    for span in [*reversed(fitting), *spans[len(fitting) :]]:
        if not natural or is_natural(tree, span[1]):
            return span
    return None


def _path(tree: "Tree", goal: int) -> list["Node"]:
    """Nodes from the root down, each the first child of the one before that ends behind the goal."""
    cursor, node = tree.walk(), tree.root_node
    path = [node]
    goal = max(goal, 0)
    while node.child_count and len(path) < MAX_DEPTH:
        step = 1
        while cursor.goto_first_child_for_byte(goal) is None:
            # Where a hidden token, such as the end of a line, stands at the goal, tree-sitter finds no child
            # though there may be one behind it.
            goal, step = goal + step, 2 * step
            if goal >= node.end_byte:
                return path
        node = cursor.node or node
        path.append(node)
    return path


def _kind(path: list["Node"], depth: int) -> Kind | None:
    """What makes the end of a node of a path natural, or None."""
    node, parent = path[depth], path[depth - 1]
    if node.type == _LIST or not _is_whole(node):
        return None
    name = kind_by_name(node.type)
    if name is not None:
        return name
    after = node.next_sibling  # never one without text, which the parser puts in to go on
    if depth == 1 or kind_by_name(parent.type) == "block":
        return None if after is not None and after.type in (":", "->") else "statement"
    return "expression" if after is not None and _closes(after, parent) else None


def _is_whole(node: "Node") -> bool:
    return node.is_named and not node.is_error and node.start_byte < node.end_byte


def _closes(after: "Node", parent: "Node") -> bool:
    """Whether what comes behind a node shows that the node is whole."""
    if after.type in _CLOSERS:
        return "string" not in parent.type  # the brackets of a raw string are text
    beyond = after.next_sibling
    if after.type == ">":  # and not an operator
        return beyond is None
    if after.type == ":":
        return beyond is not None and kind_by_name(beyond.type) == "block"
    return kind_by_name(after.type) == "block"


@cache
def kind_by_name(name: str) -> Kind | None:
    """What a node of this type is, wherever it stands: a block, a statement, or None of these.

    >>> kind_by_name("function_definition"), kind_by_name("block"), kind_by_name("identifier")
    ('statement', 'block', None)
    """
    if _BLOCK.fullmatch(name):
        return "block"
    return "statement" if _STATEMENT.fullmatch(name) and not _PART.fullmatch(name) else None
