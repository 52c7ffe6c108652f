"""Parts of an answer while it is written."""

import asyncio
from collections.abc import Callable

from lsprotocol import types

from codegem.server.lsp.protocol import Protocol


class Partial:
    """The first line of a suggestion, sent as soon as it is whole, and the suggestion itself after it.

    A client that gives a `partialResultToken` adds up what it is sent, so both items are good ones, and the answer
    itself has to be empty then. Used from the thread that writes and from the one that answers.

    Args:
        token: where the client wants parts; None for none.
        item: makes an item of a text.
    """

    def __init__(
        self,
        protocol: Protocol,
        token: types.ProgressToken | None,
        item: Callable[[str], types.InlineCompletionItem],
    ):
        self._protocol, self._token, self._item = protocol, token, item
        self._msg_id = protocol.msg_id
        self._loop = asyncio.get_running_loop()
        self._text, self._first = "", ""
        self._sent: list[str] = []

    def push(self, text: str) -> None:
        """Take the next part of the text."""
        if self._token is None or self._first:
            return
        self._text += text
        line, end, _ = self._text.partition("\n")
        if end and line.strip():
            self._first = line
            self._loop.call_soon_threadsafe(self._send, line)

    def items(self, text: str) -> list[types.InlineCompletionItem]:
        """What the answer has to hold when `text` is the whole suggestion."""
        if not self._sent:
            return [self._item(text)] if text else []
        if text and text not in self._sent:
            self._send(text)
        return []

    def _send(self, text: str) -> None:
        if self._token is not None and self._protocol.is_live(self._msg_id):
            self._sent.append(text)
            self._protocol.notify(types.PROGRESS, types.ProgressParams(self._token, [self._item(text)]))
