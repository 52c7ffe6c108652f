"""Import statements, by tree-sitter, from the top of a file."""

from functools import cache
from sys import intern
from typing import TYPE_CHECKING

from codegem.data.imports.records import GraphFile, Import
from codegem.text.languages import Grammar, Imports, grammar_of
from codegem.text.syntax import TooHardToParse, language, parse

if TYPE_CHECKING:
    import tree_sitter

_NEAR = 16  # levels above an import that are looked at for functions and modules around it


def read_imports(
    file: GraphFile, rule: Imports, lines: int, most: int, seconds: float | None = None
) -> tuple[Import, ...]:
    """The imports in the top `lines` of a file, at most `most` of them with their names.

    A file that is too hard to parse imports nothing.
    """
    end = _end_of_lines(file.data, lines)
    grammar = grammar_of(file.path)
    if not any(word.encode() in file.data for word in rule.words):
        return ()
    try:
        tree = file.tree or parse(file.data, file.path, seconds=seconds)  # whole: cut text is other syntax
    except TooHardToParse:
        return ()
    if tree is None or grammar is None:
        return ()
    end = _last_import(tree.root_node, file.data, rule, end)
    if not end:
        return ()
    import tree_sitter

    cursor = tree_sitter.QueryCursor(_query(grammar, rule.query))
    cursor.set_byte_range(0, end)
    cursor.set_max_start_depth(rule.depth)
    targets: dict[int, tree_sitter.Node] = {}
    names: dict[int, list[str]] = {}
    weak: set[int] = set()
    for _, captures in cursor.matches(tree.root_node)[:most]:
        target = captures["target"][0]
        start = target.start_byte
        targets.setdefault(start, target)
        names.setdefault(start, []).extend(_text(node, file.data) for node in captures.get("name", ()))
        if "weak" in captures:
            weak.add(start)
    found = []
    for start, node in targets.items():
        late, depth = _surroundings(node, rule)
        found.append(Import(intern(_text(node, file.data)), tuple(names[start]), late or start in weak, depth))
    return tuple(found)


def _end_of_lines(data: bytes, lines: int) -> int:
    if data.count(b"\n") < lines:
        return len(data)
    end = 0
    for _ in range(lines):
        end = data.find(b"\n", end) + 1
        if not end:
            return len(data)
    return end


def _last_import(root: "tree_sitter.Node", data: bytes, rule: Imports, end: int) -> int:
    """Where the last statement ends that may import something, or `end` if that comes first; 0 without any."""
    place = max(data.rfind(word.encode(), 0, end) for word in rule.words)
    if place < 0:
        return 0
    node = root.descendant_for_byte_range(place, place + 1)
    for _ in range(_NEAR):
        if node is None or node.parent is None or node.parent.parent is None:
            break
        node = node.parent
    else:
        return end
    return min(end, node.end_byte) if node is not None else end


def _surroundings(node: "tree_sitter.Node", rule: Imports) -> tuple[bool, int]:
    """Whether a function is around an import, and how many modules are."""
    if not rule.deferring or node.parent is None or node.parent.start_point.column == 0:
        return False, 0
    late, depth, above = False, 0, node.parent.parent
    for _ in range(_NEAR):
        if above is None:
            break
        late |= above.type in rule.deferring
        depth += above.type in rule.nesting
        above = above.parent
    return late, depth


def _text(node: "tree_sitter.Node", data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace")


@cache
def _query(grammar: Grammar, text: str) -> "tree_sitter.Query":
    import tree_sitter

    return tree_sitter.Query(language(grammar), text)
