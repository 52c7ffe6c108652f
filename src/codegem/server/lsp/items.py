"""A suggestion as the two kinds of items that editors show."""

import re
from dataclasses import dataclass

from lsprotocol import types

from codegem.server.lsp.documents import Document

ACCEPTED, DISMISSED = "codegem.accepted", "codegem.dismissed"

_WORD = re.compile(r"\w*\Z")
_LABEL = 60  # characters of a suggestion that a list shows
_FENCE = re.compile(r"`{3,}")


@dataclass(frozen=True)
class Suggestion:
    """What is to be put in at the cursor.

    Attributes:
        id: by which it is counted.
        text: with "\\n" at the ends of lines; not empty.
        selected: the entry that the editor's list has under the cursor, which the suggestion goes on from.
    """

    id: str
    text: str
    position: types.Position
    selected: types.SelectedCompletionInfo | None = None


def inline_item(document: Document, suggestion: Suggestion) -> types.InlineCompletionItem:
    """An item for `textDocument/inlineCompletion`.

    It replaces the line's code up to the cursor by the same code and the suggestion: an editor that goes on typing then
    sees by itself whether the item still fits. Lines end with "\\n" whatever the document has, as editors that show
    ghost text expect.
    """
    if suggestion.selected is not None:
        place, before = suggestion.selected.range, suggestion.selected.text
    else:
        before = document.line_before(suggestion.position).lstrip()
        place = types.Range(document.before(suggestion.position, len(before)), suggestion.position)
    return types.InlineCompletionItem(before + suggestion.text, range=place, command=_accepted(suggestion))


def completion_item(document: Document, suggestion: Suggestion, markdown: bool = True) -> types.CompletionItem:
    """The one item for `textDocument/completion`, which is first in the list.

    It replaces the word before the cursor, by which editors filter, and is put in as it is: its lines are indented.

    Args:
        markdown: whether the editor shows it; else the code is shown as plain text.
    """
    found = _WORD.search(document.line_before(suggestion.position))
    word = found[0] if found else ""
    place = types.Range(document.before(suggestion.position, len(word)), suggestion.position)
    whole = word + suggestion.text
    first = next(line for line in whole.split("\n") if line.strip()).strip()
    shown = types.MarkupContent(types.MarkupKind.Markdown, _fenced(whole, document.language)) if markdown else whole
    return types.CompletionItem(
        label=first if len(first) <= _LABEL else first[: _LABEL - 1] + "…",
        kind=types.CompletionItemKind.Snippet,
        detail="codegem",
        documentation=shown,
        preselect=True,
        sort_text="\t",
        filter_text=word or first,
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=types.TextEdit(place, whole.replace("\n", document.line_end)),
        command=_accepted(suggestion),
    )


def _accepted(suggestion: Suggestion) -> types.Command:
    return types.Command("Count the suggestion as accepted", ACCEPTED, arguments=[suggestion.id])


def _fenced(code: str, language: str) -> str:
    """Code as Markdown, within a fence that is longer than any in it.

    >>> _fenced("a = 1", "python")
    '```python\\na = 1\\n```'
    """
    fence = "`" * max([3, *(len(found) + 1 for found in _FENCE.findall(code))])
    return f"{fence}{language if language.isalnum() else ''}\n{code}\n{fence}"
