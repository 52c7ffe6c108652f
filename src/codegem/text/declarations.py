"""The declarations of a file as `text.signatures`, read from its syntax tree."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from codegem.text import declaration_kinds as kinds
from codegem.text.languages import language_of
from codegem.text.signatures import Signature
from codegem.text.syntax import TooHardToParse, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST = 1000  # declarations of one file
_DEEP = 6  # namespaces, conditions of the preprocessor and the like within each other
_LONGEST, _LONGEST_DOC = 300, 100  # characters of a line
_HIDDEN = re.compile(r"_(?!_init__)")  # as Python has it
_PRIVATE = re.compile(r"(?:^|\s)private\s")
_LOADS = re.compile(r"\b(require|import)\(")
_MARKS = re.compile(r"^[\s/*#!]*(<summary>)?|(</summary>)?[\s*/]*$")  # of a comment
_QUOTES = re.compile(r"^[A-Za-z]{0,2}(?:\"{3}|'{3}|[\"'])|(?:\"{3}|'{3}|[\"'])$")
_REMARK = re.compile(r"[ \t](?:#|//)[^\n]*\n|/\*.*?\*/", re.DOTALL)  # within a declaration of several lines
_LINE_END = re.compile(r"(?<=[^\s,({\[])[ \t]*\n\s*(?=[^\s)}\]])")
_JOINT = re.compile(r"(?<=[(\[]) | (?=[)\]])|,(?= ?[)\]])")  # what one line does not need beside a bracket
_WORD = re.compile(r"[^\W\d]\w*")


def signatures(text: str, path: str, *, seconds: float | None = None) -> tuple[Signature, ...]:
    """The declarations of a file that others may use, in their order; none where its language is not known.

    Private ones are left out: by their modifier, those that are not `pub` in Rust, with a small first letter in Go. In
    Python their name hides them; in classes they stand last, since a class that inherits may use them.

    Args:
        seconds: of the processor, after which a file counts as declaring nothing; None: as long as `syntax.parse` lets.

    >>> [each.head for each in signatures("import os\\ndef f(a,\\n      b=1):\\n    return a\\n", "a.py")]
    ['def f(a, b=1):']
    """
    language = language_of(path)
    data = text.encode("utf-8", "replace")
    try:
        tree = parse(data, path, seconds=seconds)
    except TooHardToParse:
        return ()
    if tree is None or language is None:
        return ()
    return tuple(islice(_Reader(data, language).read(tree.root_node, 0), _MOST))


class _Reader:
    """Walks what stands at the top of a file, and in its types and namespaces; never into the body of a function."""

    def __init__(self, data: bytes, language: str):
        self._data, self._language = data, language

    def read(self, node: "Node", depth: int, inside: str = "") -> Iterator[Signature]:
        """Declarations among the children of a node.

        Args:
            inside: the type of the node whose members they are; "" at the top.
        """
        doc, last = "", -1
        hidden = inside == "class_specifier"
        for child in node.named_children:
            if kinds.COMMENT.fullmatch(child.type):
                if last != child.start_point.row - 1 or not doc:
                    doc = self._comment(child)
                last = child.end_point.row if child.end_point.column else child.end_point.row - 1
                continue
            if child.type == "access_specifier":
                hidden = self._text(child) in ("private", "protected")
            elif not hidden:
                near = doc if last in (child.start_point.row - 1, child.start_point.row) else ""
                yield from self._declared(child, near, depth, inside)
            if child.type not in kinds.ATTRIBUTES:
                doc = ""
            else:
                last = child.end_point.row

    def _declared(self, node: "Node", doc: str, depth: int, inside: str) -> Iterator[Signature]:
        if kinds.WRAPPER.fullmatch(node.type) or self._is_wrapped(node):
            yield from self._wrapped(node, doc, depth, inside)
            return
        is_type = bool(kinds.TYPE.fullmatch(node.type))
        if is_type or kinds.FUNCTION.fullmatch(node.type):
            body = self._body(node)
            head = self._head(node, body)
        elif kinds.VALUE.fullmatch(node.type):
            body, head = None, self._value(node)
        else:
            return
        name = self._name(node, head)
        if not head or len(head) > _LONGEST or self._is_hidden(name, head, inside):
            return
        members: tuple[Signature, ...] = ()
        if is_type and body is not None and depth < _DEEP and not self._implements(node):
            members = tuple(sorted(self.read(body, depth + 1, node.type), key=lambda each: each.hidden))
        if node.type == "impl_item" and not members and not self._implements(node):
            return
        if self._language == "python" and body is not None:
            doc = self._docstring(body)
        yield Signature(name, head, doc, members, hidden=self._language == "python" and _HIDDEN.match(name) is not None)

    def _is_wrapped(self, node: "Node") -> bool:
        """Whether a statement only wraps a namespace (TypeScript)."""
        child = _first(node) if node.type == "expression_statement" else None
        return child is not None and child.type == "internal_module"

    def _wrapped(self, node: "Node", doc: str, depth: int, inside: str) -> Iterator[Signature]:
        if depth >= _DEEP:
            return
        inner = self._body(node) or node
        if inner.type == "declaration_list" or inner is not node:
            yield from self.read(inner, depth + 1, inside)
            return
        start = self._prefix(node)
        decorators = tuple(self._line(child) for child in node.named_children if child.type == "decorator")
        for each in self.read(node, depth + 1, inside):
            kept = tuple(line for line in decorators if line in kinds.DECORATORS)
            head = each.head if each.head.startswith(start) else start + each.head
            yield replace(each, head=head, doc=each.doc or doc, decorators=kept)

    def _prefix(self, node: "Node") -> str:
        """What a wrapper says of the declaration in it: `export default`, `template <class T>`."""
        if node.type in ("export_statement", "template_declaration", "ambient_declaration") and node.named_child_count:
            declared = node.child_by_field_name("declaration") or node.named_children[-1]
            return self._squeezed(node.start_byte, declared.start_byte) + " "
        return ""

    def _body(self, node: "Node") -> "Node | None":
        body = node.child_by_field_name("body")
        if body is None and node.named_child_count:
            last = node.named_children[-1]
            body = last if kinds.BODY.fullmatch(last.type) and "parameter" not in last.type else None
        return body

    def _head(self, node: "Node", body: "Node | None") -> str:
        end = body.start_byte if body is not None else node.end_byte
        end = min([end, *(child.start_byte for child in node.children if child.type in kinds.BEFORE_BODY)])
        head = self._squeezed(node.start_byte, end)
        return head.removesuffix("{").rstrip("=; ") if self._language != "python" else head

    def _value(self, node: "Node") -> str:
        """A constant, a field or the name of a type; of what takes several lines or holds code, what is before it."""
        if node.type == "expression_statement":
            inner = _first(node)
            if inner is None or inner.type not in ("assignment", "assignment_expression"):
                return ""
        if node.type == "preproc_def" and node.child_by_field_name("value") is None:
            return ""  # a header's guard
        code = next((child for child in _inside(node) if kinds.CODE.fullmatch(child.type)), None)
        body = code and (code.child_by_field_name("body") or self._body(code))
        if code is not None and body is not None:
            return self._squeezed(node.start_byte, body.start_byte).rstrip("{=> ")
        whole = self._squeezed(node.start_byte, node.end_byte)
        if _LOADS.search(whole):
            return ""
        if (
            node.end_point.row - node.start_point.row < 2
            or kinds.WHOLE.fullmatch(node.type)
            or len(whole) <= _LONGEST // 3
        ):
            return whole
        start, equals, _ = whole.partition(" = ")
        return start + (" = ..." if equals else "")

    def _name(self, node: "Node", head: str) -> str:
        named = node
        for _ in range(_DEEP):
            name = named.child_by_field_name("name") or named.child_by_field_name("left")
            if name is not None:
                return _last_word(self._text(name))
            if named.type == "impl_item" and (name := named.child_by_field_name("type")):
                return _last_word(self._text(name).partition("<")[0])
            deeper = named.child_by_field_name("declarator") or _first(named)
            if deeper is None:
                break
            if deeper.type.endswith("identifier"):
                return _last_word(self._text(deeper))
            named = deeper
        return _last_word(head)

    def _is_hidden(self, name: str, head: str, inside: str) -> bool:
        if self._language == "python":
            return bool(inside) and name.startswith("__") and name != "__init__"
        if self._language == "go":
            return name[:1].islower() and not head.startswith(("type (", "const (", "var ("))
        if self._language == "rust" and inside != "trait_item":
            return not head.startswith(("pub", "impl", "macro_rules!"))
        return bool(_PRIVATE.search(head)) or (head.startswith("#") and not head.startswith("#define"))

    def _implements(self, node: "Node") -> bool:
        """Whether this is Rust's `impl Trait for Type`, whose methods the trait names."""
        return node.type == "impl_item" and node.child_by_field_name("trait") is not None

    def _docstring(self, body: "Node") -> str:
        first = _first(body)
        string = _first(first) if first is not None and first.type == "expression_statement" else None
        if string is None or string.type != "string":
            return ""
        text = _QUOTES.sub("", self._text(string)).strip()
        return text.partition("\n")[0].strip().replace('"""', "")[:_LONGEST_DOC]

    def _comment(self, node: "Node") -> str:
        lines = (_MARKS.sub("", line).strip() for line in self._text(node).split("\n"))
        return next((line for line in lines if line), "")[:_LONGEST_DOC]

    def _line(self, node: "Node") -> str:
        return self._squeezed(node.start_byte, node.end_byte)

    def _squeezed(self, start: int, end: int) -> str:
        text = self._data[start:end].decode("utf-8", "replace")
        if "\n" not in text:
            return text.strip()
        text = _REMARK.sub("\n", text)
        if self._language == "go":  # its lines end what others end with a semicolon
            text = _LINE_END.sub("; ", text)
        return _JOINT.sub("", " ".join(text.split()))

    def _text(self, node: "Node") -> str:
        return self._data[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _last_word(text: str) -> str:
    words = _WORD.findall(text)
    return words[-1] if words else ""


def _first(node: "Node") -> "Node | None":
    return node.named_child(0) if node.named_child_count else None


def _inside(node: "Node") -> Iterator["Node"]:
    """Nodes below one, three levels down."""
    level = [node]
    for _ in range(3):
        level = [child for each in level for child in each.named_children[:20]]
        yield from level
