"""Source code to syntax trees, by tree-sitter."""

import importlib
import threading
from functools import cache
from typing import TYPE_CHECKING

from codegem.errors import UserError
from codegem.text.languages import Grammar, grammar_of

if TYPE_CHECKING:
    import tree_sitter


_PIECE = 1 << 12  # bytes handed to the parser at one time
# The parser reports after every hundred or so of its steps. Source code takes one report for 75 to 280 bytes; some
# broken text takes time that grows with its square.
_REPORTS, _BYTES_PER_REPORT = 100, 20
# How often the parser may look at a byte, and bytes for short files. Some text makes it look to the end of the file
# at every token (80,000 bytes of `a=a=a=` as Kotlin: 27 s). Of 5,400 real files in ten languages all but two took
# at most 2 and 64 KiB in all; those two, of one Python package, took 18 and 69, of no more than 1.6 MB.
_LOOKS, _LOOKED = 64, 4 << 20
# Java's grammar may take every `<` for the beginning of type arguments, and time with the square of those that no `>`
# closes, in one step that can't be stopped (60,000 bytes of `a<a<a<`: 33 s). Code has one in some 200 bytes.
_ANGLES, _BYTES_PER_ANGLE = 2000, 40
_THREAD = threading.local()


class TooHardToParse(ValueError):
    """The parser was stopped: the text takes many times the steps that source code of its length takes."""


def parse(data: bytes, path: str) -> "tree_sitter.Tree | None":
    """The syntax tree of a file, or None where there is no grammar for its name.

    Text that doesn't follow the grammar gives a tree too, with `root_node.has_error`.

    Args:
        data: UTF-8, as the byte positions of the tree count it.

    Raises:
        UserError: tree-sitter or the grammar is not installed.
        TooHardToParse: the text needs more than its share of steps; the same for the same text anywhere.
    """
    grammar = grammar_of(path)
    if grammar is None:
        return None
    if path.lower().endswith(".java") and data.count(b"<") - data.count(b">") > _ANGLES + len(data) // _BYTES_PER_ANGLE:
        raise TooHardToParse(f"{path}: too many `<` without a `>` in {len(data)} bytes")
    reports, looks = _REPORTS + len(data) // _BYTES_PER_REPORT, _LOOKED + _LOOKS * len(data)

    def read(offset: int, _: object) -> bytes:
        nonlocal looks
        piece = data[offset : offset + _PIECE]
        looks -= len(piece)
        return piece if looks >= 0 else b""  # the end of the text, as far as the parser knows

    def is_too_much(offset: int, has_error: bool) -> bool:
        nonlocal reports
        reports -= 1
        return reports < 0 or looks < 0

    parser = _parser(grammar)
    try:
        tree = parser.parse(read, encoding="utf8", progress_callback=is_too_much)
    except ValueError:
        tree = None
    if tree is None or looks < 0:
        parser.reset()
        raise TooHardToParse(f"{path}: {len(data)} bytes took more steps or looks of the parser than they may")
    return tree


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
        raise UserError(f"Reading syntax needs {error.name}: install codegem with its `data` extra.") from None
    return tree_sitter.Language(getattr(module, grammar[1])())


def _parser(grammar: Grammar) -> "tree_sitter.Parser":
    """A parser of this thread's own: one can't serve two."""
    import tree_sitter

    parsers, name = _THREAD.__dict__, ".".join(grammar)
    if name not in parsers:
        parsers[name] = tree_sitter.Parser(language(grammar))
    return parsers[name]
