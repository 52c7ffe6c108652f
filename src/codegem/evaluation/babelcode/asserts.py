"""What asserts in Python say of a function: the values that it is called with, and the types that they have.

BabelCode's questions are made so: `assert f(1, "a") == [2.5]` is a test of a function from an integer and a
character to a list of floats. Types of several tests are joined, an integer and a float to a float; annotations
of the solution count where they can be joined with what the tests say. Questions whose asserts are of another
kind are left out, as are those with tuples of different types. The rules are those of BabelCode's
`dataset_conversion`, so that the same questions come out.
"""

import ast
import re
from collections.abc import Sequence
from typing import Any

from codegem.evaluation.babelcode.schema import Type

NULL = Type("null")
_WIDER = {
    "integer": ("long", "float", "double"),
    "long": ("double",),
    "float": ("double",),
    "character": ("string",),
}
_NAMES = {"int": "integer", "str": "string", "bool": "boolean", "float": "float"}
_CONTAINERS = {"List": ("list", 1), "Set": ("set", 1), "Dict": ("map", 2)}
_MANY_DIGITS = re.compile(r".[0-9]{7,}")
_LONGEST_INTEGER = 9  # digits
# Statements in the tests that say nothing of the function.
_SKIPPED = (ast.Assign, ast.AnnAssign, ast.With, ast.For, ast.While, ast.FunctionDef, ast.ClassDef, ast.Expr)

Literal = tuple[Any, Type]


class LeftOut(Exception):
    """A question that BabelCode does not ask, and why."""


def read_asserts(code: str) -> list[tuple[list[Literal], Literal]]:
    """(inputs, output) of each assert, with their types.

    >>> (inputs, output), = read_asserts("assert f(7, [1, 2.5]) == {'a': 'bc'}")
    >>> [str(kind) for _, kind in inputs], str(output[1])
    (['integer', 'list<float>'], 'map<string;string>')

    Raises:
        LeftOut: an assert is of another form, or a value has no type.
    """
    return [_test(node.test) for node in _asserts(ast.parse(code))]


def consolidated(kinds: Sequence[Type], annotation: Type | None) -> Type:
    """The one type of a parameter, or of the result, in all tests.

    Raises:
        LeftOut: there are several, or none.
    """
    found: Type | None = None
    for kind in map(lowered, kinds):
        if not _unknown(kind):
            found = kind if found is None or found == kind else joined(found, kind)
    if found is None:
        if annotation is None:
            raise LeftOut("the tests show no type")
        return annotation
    return found if annotation is None or annotation == found else joined(found, annotation)


def joined(one: Type, other: Type) -> Type:
    """The type that values of two different types have together.

    >>> str(joined(Type("list", (Type("integer"),)), Type("list", (Type("float"),))))
    'list<float>'

    Raises:
        LeftOut: there is none.
    """
    if other.kind in _WIDER.get(one.kind, ()):
        return other
    if one.kind in _WIDER.get(other.kind, ()):
        return one
    same_keys = one.kind != "map" or one.parts[0] == other.parts[0]
    if one.kind != other.kind or not one.parts or len(one.parts) != len(other.parts) or not same_keys:
        raise LeftOut(f"{one} and {other} are different types")
    keys = 1 if one.kind == "map" else 0
    pairs = zip(one.parts[keys:], other.parts[keys:], strict=True)
    return Type(one.kind, one.parts[:keys] + tuple(joined(*pair) for pair in pairs))


def annotated(node: ast.expr | None) -> Type | None:
    """The type of an annotation; None where it says too little."""
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return Type(_NAMES[node.id])
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
        return None
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if not isinstance(node.slice, ast.Tuple | ast.Name):
        return None
    parts = [annotated(each) for each in inner]
    kind, count = _CONTAINERS.get(node.value.id, ("tuple" if node.value.id == "Tuple" else node.value.id, len(parts)))
    known = tuple(part for part in parts if part is not None)
    return lowered(Type(kind, known)) if len(known) == len(parts) == count else None


def lowered(kind: Type) -> Type:
    """A tuple of one type as a list."""
    parts = tuple(map(lowered, kind.parts))
    if kind.kind == "tuple" and len(set(parts)) == 1:
        return Type("list", parts[:1])
    return Type(kind.kind, parts)


def _asserts(node: ast.AST) -> list[ast.Assert]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        raise LeftOut("the tests import something")
    if isinstance(node, ast.Assert):
        return [node]
    return (
        [] if isinstance(node, _SKIPPED) else [each for child in ast.iter_child_nodes(node) for each in _asserts(child)]
    )


def _test(node: ast.expr) -> tuple[list[Literal], Literal]:
    truth = Type("boolean")
    if isinstance(node, ast.Call):
        return _inputs(node), (True, truth)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Call):
        return _inputs(node.operand), (False, truth)
    if not isinstance(node, ast.Compare) or not isinstance(node.left, ast.Call) or len(node.comparators) != 1:
        raise LeftOut(f"an assert is of another form: {ast.unparse(node)[:100]}")
    if not isinstance(node.ops[0], ast.Eq):
        raise LeftOut(f"an assert does not ask for what is equal: {ast.unparse(node)[:100]}")
    return _inputs(node.left), _literal(node.comparators[0])


def _inputs(node: ast.Call) -> list[Literal]:
    if not isinstance(node.func, ast.Name) or not node.args:
        raise LeftOut(f"an assert calls no function with values: {ast.unparse(node)[:100]}")
    return [_literal(each) for each in node.args]


def _literal(node: ast.expr) -> Literal:
    if isinstance(node, ast.Constant):
        return node.value, _primitive(node.value)
    if isinstance(node, ast.UnaryOp):
        return _signed(node)
    if isinstance(node, ast.Dict):
        return _dict(node)
    if not isinstance(node, ast.List | ast.Set | ast.Tuple):
        raise LeftOut(f"it is no value: {ast.unparse(node)[:100]}")
    items, kinds = _items(node.elts)
    if isinstance(node, ast.Tuple):
        return items, Type("tuple", tuple(kinds) or (NULL,))
    kind = _one(kinds)
    return items, Type("list" if isinstance(node, ast.List) else "set", (kind,))


def _primitive(data: Any) -> Type:
    if data is None:
        return NULL
    kind = _NAMES.get(type(data).__name__)
    if kind is None:
        raise LeftOut(f"{data!r} is a value of no type")
    if kind == "float" and _MANY_DIGITS.search(str(data)):
        return Type("double")
    if kind == "integer" and len(str(data)) > _LONGEST_INTEGER:
        return Type("long")
    return Type("character" if kind == "string" and len(data) == 1 else kind)


def _signed(node: ast.UnaryOp) -> Literal:
    data, kind = _literal(node.operand)
    if isinstance(node.op, ast.Not):
        return not data, Type("boolean")
    if not isinstance(node.op, ast.USub) or kind.kind not in ("integer", "long", "float", "double"):
        raise LeftOut(f"it is no value: {ast.unparse(node)[:100]}")
    return -data, kind


def _dict(node: ast.Dict) -> Literal:
    if not node.keys:
        return {}, Type("set", (NULL,))
    keys, key_kinds = _items([key for key in node.keys if key is not None])
    items, kinds = _items(node.values)
    key = _one(key_kinds)
    key = Type("string") if key.kind == "character" else key
    if key.kind not in ("integer", "string", "boolean") or len(keys) != len(items):
        raise LeftOut(f"a dict has keys of the type {key}")
    return dict(zip(keys, items, strict=True)), Type("map", (key, _one(kinds)))


def _items(nodes: Sequence[ast.expr]) -> tuple[list[Any], list[Type]]:
    """Values, and their types; one that is unknown gives way to the first known one that fits after it."""
    items, kinds = [], []
    for node in nodes:
        item, kind = _literal(node)
        items.append(item)
        at = next((at for at, each in enumerate(kinds) if kind.parts and _fit(lowered(kind), lowered(each))), None)
        if at is not None and _unknown(kinds[at]) and not _unknown(kind) and "tuple" not in str(kind):
            kinds[at] = kind
        else:
            kinds.append(kind)
    return items, kinds


def _one(kinds: Sequence[Type]) -> Type:
    """The type of all elements."""
    found: Type | None = None
    for kind in map(lowered, kinds):
        found = kind if found is None or found == kind else joined(found, kind)
    return NULL if found is None else found


def _fit(one: Type, other: Type) -> bool:
    """Whether two types are the same where they are known."""
    if NULL in (one, other):
        return True
    same = one.kind == other.kind and len(one.parts) == len(other.parts)
    return same and all(map(_fit, one.parts, other.parts))


def _unknown(kind: Type) -> bool:
    return NULL in kind.walk()
