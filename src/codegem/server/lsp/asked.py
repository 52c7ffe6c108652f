"""One request for a suggestion, from the question to the text."""

import asyncio
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lsprotocol import types

from codegem.assist.asking import may_ask
from codegem.assist.place import Place
from codegem.errors import Busy, UserError
from codegem.server.lsp.documents import Document, Hole
from codegem.server.lsp.items import Suggestion
from codegem.server.lsp.server import Server

if TYPE_CHECKING:
    from codegem.server.lsp.writing import Writer


_SECONDS = 1.0  # that an editor which asks by itself waits for more lines than one


def nothing(text: str) -> None:
    """For whoever needs no part of a text before the rest."""


@dataclass(frozen=True)
class Asked:
    """What an editor wants to be put in somewhere.

    Attributes:
        automatic: the editor asks by itself, as a person types.
        selected: the entry of the editor's list that the suggestion has to go on from.
        id: by which the suggestion is counted.
    """

    server: Server
    document: Document
    position: types.Position
    automatic: bool
    selected: types.SelectedCompletionInfo | None = None
    token: types.ProgressToken | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def suggestion(self, text: str) -> Suggestion:
        """A text as a suggestion for this place."""
        return Suggestion(self.id, text, self.position, self.selected)

    async def text(self, on_text: Callable[[str], object] = nothing) -> str:
        """The text of a suggestion; "" where there is none, or the text changed."""
        server = self.server
        change = server.edits.asked(self.document.uri, self.position)
        if server.writer is None or not server.options.wants(self.document.language):
            return ""
        server.stop_warming()
        hole, version = self._hole(), self.document.version
        path = hole.file.name if hole.file else None
        if not may_ask(Place(hole.prefix, hole.suffix, path), change, by_hand=not self.automatic):
            return ""
        found = self._recalled(hole)
        text = await self._new(server.writer, hole, on_text) if found is None else found
        if not text or self.document.version != version:
            return ""
        server.edits.offered(self.document, hole, text)
        server.offer(self.id, text, self.document.language, is_new=found is None)
        return text

    async def _new(self, writer: "Writer", hole: Hole, on_text: Callable[[str], object]) -> str:
        """A text that is made now."""
        if self.automatic:
            await asyncio.sleep(self.server.edits.pause(self.document.uri, self.server.options.debounce))
        options, seconds = self.server.options, _SECONDS if self.automatic else None
        copies: list[str] = []
        try:
            text = await self._worked(
                lambda cancelled: writer.write(hole, options, on_text, cancelled, seconds, copies.append)
            )
        except Busy:
            return ""
        except UserError as error:
            self.server.tell(f"codegem: {error}")
            return ""
        for sentence in copies:
            self.server.window_log_message(types.LogMessageParams(types.MessageType.Info, sentence))
        self.server.recall.keep(hole.prefix, hole.suffix, text, path=self.document.uri, settings=options.key)
        return text

    async def _worked(self, work: Callable[[Callable[[], bool]], str]) -> str:
        """What is made in another thread; whatever ends the waiting for it ends the work."""
        cancelled, progress = threading.Event(), self.server.work_done_progress
        if self.token is not None:
            progress.begin(self.token, types.WorkDoneProgressBegin("codegem"))
        try:
            text = await self.server.in_thread(lambda: work(cancelled.is_set))
            if self.token is not None:
                progress.end(self.token, types.WorkDoneProgressEnd())
            return text
        finally:
            cancelled.set()
            if self.token is not None:
                progress.tokens.pop(self.token, None)  # pygls keeps every token; with its request this one ends

    def _recalled(self, hole: Hole) -> str | None:
        """What was suggested here before, or is left of a suggestion that is being typed."""
        settings = self.server.options.key
        return self.server.recall.find(hole.prefix, hole.suffix, path=self.document.uri, settings=settings)

    def _hole(self) -> Hole:
        """Where the text is to be put in, with the selected entry of a list as if it stood there."""
        if self.selected is None:
            return self.document.hole(self.position)
        before = self.document.hole(self.selected.range.start)
        after = self.document.hole(self.selected.range.end)
        return replace(after, prefix=before.prefix + self.selected.text)
