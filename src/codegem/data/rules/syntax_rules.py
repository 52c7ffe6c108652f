"""Rules on the syntax tree of a file."""

from typing import TYPE_CHECKING

from codegem.data.rules.filter_rules import FilterRules, Verdict

if TYPE_CHECKING:
    import tree_sitter

_MAX_NODES = 200_000  # looked at; a tree in which more have or neighbour errors is no code


def parse_errors(tree: "tree_sitter.Tree", data: bytes, rules: FilterRules) -> Verdict | None:
    """Why a file that does not follow its grammar is rejected, or None.

    Bytes count as wrong that stand in an error node, but not inside a well-formed node that the parser saved from
    it; a token that the parser had to add counts as one byte. Only what holds an error is looked into.

    Args:
        data: what was parsed.

    >>> from codegem.text.syntax import parse
    >>> text = b"def f(:\\n  )) =="
    >>> parse_errors(parse(text, "a.py"), text, FilterRules())[0]
    'parse errors'
    """
    if not tree.root_node.has_error:
        return None
    wrong, first = _wrong_bytes(tree)
    share = 1.0 if wrong is None else wrong / max(1, len(data))
    if share <= rules.max_error_share:
        return None
    limit = f"{share:.2f} of the file, at most {rules.max_error_share}"
    detail = f"in more than {_MAX_NODES} nodes" if wrong is None else limit
    return Verdict("parse errors", detail, "filters.max_error_share", f"line {first + 1}")


def _wrong_bytes(tree: "tree_sitter.Tree") -> tuple[int | None, int]:
    """Bytes inside errors, None where there are too many nodes, and the first error's line, from 0.

    A loop: a tree may be as deep as a file is long.
    """
    cursor = tree.walk()
    wrong, first = 0, -1
    inside: list[bool] = []  # for each level above, whether it is an error
    for _ in range(_MAX_NODES):
        node = cursor.node
        assert node is not None
        in_error = bool(inside) and inside[-1]
        if first < 0 and (node.is_missing or node.is_error):
            first = node.start_point.row
        if node.is_missing:
            wrong += 1
        elif node.is_error and not in_error:
            wrong += node.end_byte - node.start_byte
        elif in_error and not node.is_error and node.child_count:
            wrong -= node.end_byte - node.start_byte
        if node.has_error and cursor.goto_first_child():
            inside.append(node.is_error)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return wrong, max(first, 0)
            inside.pop()
    return None, max(first, 0)
