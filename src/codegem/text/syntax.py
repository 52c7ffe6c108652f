"""Source code to syntax trees, by tree-sitter."""

import importlib
import threading
from functools import cache
from typing import TYPE_CHECKING

from codegem.errors import UserError
from codegem.text.languages import Grammar, grammar_of

if TYPE_CHECKING:
    import tree_sitter


_PIECE = 1 << 16  # bytes handed to the parser at one time
# The parser reports after every hundred or so of its steps. Source code takes one report for 75 to 280 bytes; some
# broken text takes time that grows with its square (200,000 bytes of `a=a=a=` as Kotlin: two minutes).
_REPORTS, _BYTES_PER_REPORT = 100, 20
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
    reports, most = 0, _REPORTS + len(data) // _BYTES_PER_REPORT

    def is_too_much(offset: int, has_error: bool) -> bool:
        nonlocal reports
        reports += 1
        return reports > most

    parser = _parser(grammar)
    try:
        return parser.parse(
            lambda offset, _: data[offset : offset + _PIECE], encoding="utf8", progress_callback=is_too_much
        )
    except ValueError:
        parser.reset()
        raise TooHardToParse(f"{path}: {len(data)} bytes took more than {most} reports of the parser") from None


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

    parsers = _THREAD.__dict__
    if grammar not in parsers:
        parsers[grammar] = tree_sitter.Parser(language(grammar))
    return parsers[grammar]
