"""Fenced blocks of code in what a model wrote."""

import re
from dataclasses import dataclass

from codegem.errors import UserError
from codegem.text.languages import LANGUAGES
from codegem.text.syntax import WAITED, TooHardToParse, parse

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S)
# Names that people give languages in a fence, beside `text.languages`'s own and the endings of their files.
_ALIASES = {"c++": "cpp", "c#": "csharp", "golang": "go", "python3": "python", "node": "javascript"}


@dataclass(frozen=True)
class Block:
    """A fenced block; `language` is as `text.languages` names it, or ""."""

    language: str
    text: str


@dataclass(frozen=True)
class Mistake:
    """Where a text stops following its grammar: the number of the line, counted from 1, and the line."""

    line: int
    text: str


def blocks(answer: str) -> list[Block]:
    """The fenced blocks of an answer in their order; the last may be open.

    >>> blocks("So:\\n```py\\nx = 1\\n```\\nDone.")
    [Block(language='python', text='x = 1\\n')]
    """
    return [Block(_language(match[2].lower()), match[3]) for match in _FENCE.finditer(answer)]


def mistake(text: str, path: str) -> Mistake | None:
    """The first syntax error of a text, or None: there is none, or no grammar for such a file.

    >>> mistake("a = 1\\nb = (\\n", "a.py")
    Mistake(line=2, text='b = (')
    """
    try:
        tree = parse(text.encode("utf-8", "replace"), path, seconds=WAITED)
    except (TooHardToParse, UserError):
        return None
    if tree is None or not tree.root_node.has_error:
        return None
    node = tree.root_node
    while inner := next((child for child in node.children if child.has_error or child.is_error), None):
        if node.is_error:
            break
        node = inner
    line = node.start_point[0]
    return Mistake(line + 1, [*text.split("\n"), ""][line].rstrip())


def _language(name: str) -> str:
    known = {language.name: language.name for language in LANGUAGES}
    endings = {ending[1:]: language.name for language in LANGUAGES for ending in language.extensions}
    return (known | endings | _ALIASES).get(name, "")
