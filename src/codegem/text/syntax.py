"""Source code to syntax trees, by tree-sitter."""

import importlib
import re
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from codegem.errors import UserError
from codegem.text.languages import Grammar, grammar_of

if TYPE_CHECKING:
    import tree_sitter


# The parser reports after every hundred or so of its steps. Source code takes one report for 75 to 280 bytes; some
# broken text takes time that grows with its square.
_REPORTS, _BYTES_PER_REPORT = 100, 20
# Where somebody waits for the answer: seconds of the processor, ten times what 200 KB of source code take. Counts don't
# do for it: 8,000 bytes of `f{` take C#'s grammar 480 reports, fewer than it may, and 0.4 s.
WAITED = 0.15
# How often the parser may look at a byte, and bytes for short files. Some text makes Kotlin's look to the end of the
# file at every token (80,000 bytes of `a=a=a=`: 27 s), and only what is handed over in pieces can be counted.
_FAR_SIGHTED = ("tree_sitter_kotlin",)
_PIECE, _LOOKS, _LOOKED = 1 << 12, 64, 4 << 20
# Java's grammar may take every `<` for the beginning of type arguments, and time with the square of those that no `>`
# closes, in one step that can't be stopped (60,000 bytes of `a<a<a<`: 33 s). Code has one in some 200 bytes.
_ANGLES, _BYTES_PER_ANGLE = 2000, 40
# At the end of the text some grammars put together, in one step as well, all of a statement that wasn't closed: 16,000
# bytes of `a=>` take Java's 28 s, of `a<b,` TypeScript's 0.4 s. Where somebody waits, so long ones are refused.
_CHAINED = ("tree_sitter_java", "tree_sitter_c", "tree_sitter_cpp", "tree_sitter_c_sharp", "tree_sitter_typescript")
_ENDS, _LINK, _LINKS = bytes.maketrans(b"{}#", b";;;"), re.compile(rb"[=?]+"), 300
_THREAD = threading.local()


class TooHardToParse(ValueError):
    """The parser was stopped: the text takes many times what source code of its length takes."""


def parse(data: bytes, path: str, *, seconds: float | None = None) -> "tree_sitter.Tree | None":
    """The syntax tree of a file, or None where there is no grammar for its name.

    Text that doesn't follow the grammar gives a tree too, with `root_node.has_error`.

    Args:
        data: UTF-8, as the byte positions of the tree count it.
        seconds: of the processor, after which it is stopped; None counts steps alone, and is the same anywhere.

    Raises:
        UserError: tree-sitter or the grammar is not installed.
        TooHardToParse: the text needs more than its share of steps, or more time.
    """
    grammar = grammar_of(path)
    if grammar is None:
        return None
    if path.lower().endswith(".java") and data.count(b"<") - data.count(b">") > _ANGLES + len(data) // _BYTES_PER_ANGLE:
        raise TooHardToParse(f"{path}: too many `<` without a `>` in {len(data)} bytes")
    if seconds is not None and grammar[0] in _CHAINED and _has_chain(data):
        raise TooHardToParse(f"{path}: a statement of more than {_LINKS} parts in {len(data)} bytes")
    parser = _parser(grammar)
    tree = _watched(parser, data, grammar[0] in _FAR_SIGHTED, stop=_after(seconds))
    if tree is None:
        parser.reset()
        raise TooHardToParse(f"{path}: {len(data)} bytes took more steps or time of the parser than they may")
    return tree


def parse_sound(
    data: bytes, path: str, old: "tree_sitter.Tree | None" = None, *, seconds: float | None = None
) -> "tuple[tree_sitter.Tree | None, int]":
    """The syntax tree of a text that follows the grammar to its end, else None and where about the first error is.

    The parser stops there, so that many texts can be tried: what is slow is to go on behind an error.

    Args:
        old: the tree of the text before an edit that it was told of (`Tree.edit`): what did not change is not read
            again.
        seconds: as for `parse`; a text that takes longer counts as wrong there.

    >>> parse_sound(b"x = 1", "a.py")[0] is None, parse_sound(b"x = )", "a.py")[0] is None
    (False, True)
    """
    grammar = grammar_of(path)
    if grammar is None or (seconds is not None and grammar[0] in _CHAINED and _has_chain(data)):
        return None, 0
    parser, known, is_late = _parser(grammar), () if old is None else (old,), _after(seconds)
    reached = 0

    def at_error(offset: int, has_error: bool) -> bool:
        nonlocal reached
        reached = max(reached, min(offset, len(data)))
        return has_error or is_late(offset, has_error)

    tree = _watched(parser, data, grammar[0] in _FAR_SIGHTED, *known, stop=at_error)
    if tree is None:
        parser.reset()
    return (None, reached) if tree is None or tree.root_node.has_error else (tree, len(data))


def _has_chain(data: bytes) -> bool:
    """Whether a statement has very many assignments, questions or open `<`; those of an enumeration end at a comma."""
    return any(
        statement.count(b"<") - statement.count(b">") > _LINKS
        or any(len(_LINK.findall(part)) > _LINKS for part in statement.split(b","))
        for statement in data.translate(_ENDS).split(b";")
        if len(statement) > _LINKS
    )


def _after(seconds: float | None) -> Callable[[int, bool], bool]:
    """A `stop` that is true once this thread has had the processor for so long from now on."""
    if seconds is None:
        return _never
    end = time.thread_time() + seconds
    return lambda offset, has_error: time.thread_time() > end


def _never(offset: int, has_error: bool) -> bool:
    return False


def _watched(
    parser: "tree_sitter.Parser",
    data: bytes,
    in_pieces: bool,
    *known: "tree_sitter.Tree",
    stop: Callable[[int, bool], bool],
) -> "tree_sitter.Tree | None":
    """The tree, or None where the parser took more than it may or was told to stop."""
    reports, looks = _REPORTS + len(data) // _BYTES_PER_REPORT, _LOOKED + _LOOKS * len(data)
    size = _PIECE if in_pieces else len(data)
    page = _page(size)
    parsed = False

    def read(offset: int, _: object) -> memoryview | bytes:
        nonlocal looks
        piece = data[offset : offset + size]
        if parsed:  # the tree asks for the text of a node, and takes bytes alone
            return piece
        looks -= len(piece)
        if looks < 0:
            piece = b""  # the end of the text, as far as the parser knows
        page[: len(piece)] = piece
        return memoryview(page)[: len(piece)]

    def is_too_much(offset: int, has_error: bool) -> bool:
        nonlocal reports
        reports -= 1
        return stop(offset, has_error) or reports < 0 or looks < 0

    try:
        tree = parser.parse(read, *known, encoding="utf8", progress_callback=is_too_much)
    except ValueError:
        return None
    finally:
        parsed = True
    return tree if looks >= 0 else None


def _page(size: int) -> bytearray:
    """Memory of this thread's own for what the parser reads.

    py-tree-sitter 0.26 never lets go of what it was given: texts would stay for ever, views of one page cost little.
    """
    page = _THREAD.__dict__.get("page", b"")
    if len(page) < size:
        page = _THREAD.page = bytearray(size)
    return page


@cache
def language(grammar: Grammar) -> "tree_sitter.Language":
    """A grammar, loaded once in a process.

    Raises:
        UserError: tree-sitter or the grammar is not installed.
    """
    try:
        import tree_sitter

        module = importlib.import_module(grammar[0])
    except ImportError as error:
        raise UserError(f"Reading syntax needs {error.name}, a part of codegem: install codegem again.") from None
    return tree_sitter.Language(getattr(module, grammar[1])())


def _parser(grammar: Grammar) -> "tree_sitter.Parser":
    """A parser of this thread's own: one can't serve two."""
    parsers, name = _THREAD.__dict__, ".".join(grammar)
    if name not in parsers:
        known = language(grammar)
        import tree_sitter

        parsers[name] = tree_sitter.Parser(known)
    return parsers[name]
