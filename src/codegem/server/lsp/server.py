"""One session with one editor: its documents, its settings, its model, and the requests that are under way."""

import asyncio
import contextlib
import ctypes
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer

import codegem
from codegem.assist.acceptance import Acceptance
from codegem.assist.recall import Recall
from codegem.errors import UserError
from codegem.server.lsp.documents import Document, Hole, file_of
from codegem.server.lsp.edits import Edits
from codegem.server.lsp.options import Options, read_options
from codegem.server.lsp.protocol import Protocol

if TYPE_CHECKING:
    from codegem.assist.workspace import Workspace
    from codegem.server.lsp.model import Opened
    from codegem.server.lsp.writing import Writer

logger = logging.getLogger(__name__)

_THREADS = 8
_IDLE = 0.3  # seconds without a request before a prompt is read ahead
_CREATED = 5.0  # seconds that an editor has to show a progress bar
_T = TypeVar("_T")


class Server(LanguageServer):
    """What a language server knows.

    Args:
        open_model: gives the model; called in a thread of its own as soon as the editor is there.
        counts: how often suggestions are taken.

    Attributes:
        writer: None until the model is there.
        options: as the editor set them last.
        edits: what a person did last.
        recall: the last suggestions.
        client_info: what the editor says of itself.
    """

    protocol: Protocol

    def __init__(self, open_model: "Callable[[], Opened]", counts: Acceptance):
        super().__init__("codegem", codegem.__version__, protocol_cls=Protocol, max_workers=1)
        self.options = Options()
        self.edits = Edits()
        self.recall = Recall()
        self.client_info: types.ClientInfo | None = None
        self.writer: Writer | None = None
        self.counts = counts
        self._open_model = open_model
        self._threads = ThreadPoolExecutor(_THREADS, "codegem-lsp")
        self._warming = threading.Event()
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.protocol.on_changed = self._text_changed

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Mistakes of either side go to the log; what a person should know is said by `tell`."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    def tell(self, sentence: str, kind: types.MessageType = types.MessageType.Error) -> None:
        """Show a person a sentence, once in a session."""
        if sentence not in self._told:
            self._told.add(sentence)
            self.window_show_message(types.ShowMessageParams(kind, sentence))

    def configure(self, told: Any) -> None:
        """Take settings; what is wrong with them is said in one message."""
        self.options, wrong = read_options(told, self.options)
        if wrong:
            self._told.discard(" ".join(wrong))
            self.tell(" ".join(wrong), types.MessageType.Warning)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside answering."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def load(self) -> None:
        """Open the model, with a progress bar where the editor has one; what goes wrong is shown."""
        loading = asyncio.ensure_future(self.in_thread(self._make_writer))
        ended = await self._show_progress(loading)
        try:
            self.writer = await loading
        except UserError as error:
            self.tell(f"codegem: {error}")
        except Exception as error:  # a file that is broken in a way that nobody thought of
            logger.exception("The model could not be opened.")
            self.tell(f"codegem: the model could not be opened ({type(error).__name__}: {error}).")
        finally:
            ended()
        for document in list(self.protocol.documents.values()):
            self.opened(document)

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """What takes time, beside answering."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def stop_warming(self) -> None:
        """A suggestion is wanted: that goes before reading ahead."""
        self._warming.set()

    def offer(self, id: str, text: str, language: str, is_new: bool) -> None:
        """Count a suggestion that goes out, as shown if it is not what is left of one that is being typed."""
        told = self.client_info
        self.counts.offered(id, text, client=told.name if told else "", language=language)
        if is_new:
            self.counts.shown(id)

    def opened(self, document: Document) -> None:
        """The editor shows a document."""
        file, writer = file_of(document.uri), self.writer
        if writer is not None and file is not None:
            text = document.text
            self.start(self.in_thread(lambda: writer.roots.of(file).open(file, text)))
            self.warm(document)

    def saved(self, uri: str) -> None:
        """A document is on the disk as it is in the editor."""
        document, file, writer = self.protocol.documents.get(uri), file_of(uri), self.writer
        if writer is not None and document is not None and file is not None:
            text = document.text
            self.start(self.in_thread(lambda: _save(writer.roots.of(file), file, text)))
            self.warm(document)

    def closed(self, uri: str) -> None:
        """The editor shows a document no more."""
        self.edits.closed(uri)
        file, writer = file_of(uri), self.writer
        if writer is not None and file is not None:
            self.start(self.in_thread(lambda: _close(writer.roots.of(file), file)))

    def refreshed(self) -> None:
        """Files changed on the disk."""
        if (writer := self.writer) is not None:
            self.start(self.in_thread(writer.roots.refresh))

    def warm(self, document: Document) -> None:
        """Read the prompt of the place where the last suggestion was wanted, when nothing else is to be done."""
        self._warming.set()
        position = self.edits.position(document.uri)
        if self.writer is not None and position is not None and self.options.wants(document.language):
            self._warming = threading.Event()
            self.start(self._read_ahead(self.writer, document.hole(position), self._warming))

    def close(self) -> None:
        """End the work of the session."""
        for msg_id in list(self.protocol.live.values()):
            self.protocol.withdraw(msg_id, types.LSPErrorCodes.RequestCancelled, "The session ends.")
        self._warming.set()
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self.writer is not None:
            self.writer.roots.shut()
            self.writer.opened.close()
        self.counts.close()

    def set_folders(self) -> None:
        """The editor's folders changed."""
        if self.writer is not None:
            self.start(self._set_folders(self.writer, self._folders()))

    def _make_writer(self) -> "Writer":
        # What reads files and computes is imported when the session has begun.
        from codegem.server.lsp.roots import Roots
        from codegem.server.lsp.writing import Writer

        opened = self._open_model()
        return Writer(opened, Roots(opened.window, self._folders()))

    async def _set_folders(self, writer: "Writer", folders: list[Path]) -> None:
        await self.in_thread(lambda: writer.roots.set_folders(folders))
        for document in list(self.protocol.documents.values()):
            self.opened(document)

    async def _read_ahead(self, writer: "Writer", hole: Hole, unwanted: threading.Event) -> None:
        await asyncio.sleep(_IDLE)
        if not unwanted.is_set():
            options = self.options
            try:
                await self.in_thread(lambda: writer.warm(hole, options, unwanted.is_set))
            except UserError as error:
                logger.info("%s", error)

    async def _show_progress(self, loading: asyncio.Future[Any]) -> Callable[[], None]:
        """Show that the model is loaded; gives what ends that."""
        window = self.client_capabilities.window
        if not (window and window.work_done_progress):
            return lambda: None
        token = "codegem-loading"
        created = asyncio.ensure_future(self.work_done_progress.create_async(token))
        created.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait([created, loading], timeout=_CREATED, return_when=asyncio.FIRST_COMPLETED)
        if not created.done() or created.exception() is not None:
            created.cancel()
            return lambda: None
        self.work_done_progress.begin(token, types.WorkDoneProgressBegin("codegem: loading the model"))
        return lambda: self.work_done_progress.end(token, types.WorkDoneProgressEnd())

    def _text_changed(self, uri: str) -> None:
        """Nobody gets a suggestion for a text that is no longer there."""
        for (_, asked), msg_id in list(self.protocol.live.items()):
            if asked == uri:
                self.protocol.withdraw(msg_id, types.LSPErrorCodes.ContentModified, "The text changed.")

    def _folders(self) -> list[Path]:
        folders = [file_of(uri) for uri in self.workspace.folders]
        root = self.workspace.root_path
        return [folder for folder in folders if folder] or ([Path(root)] if root else [])


def _save(workspace: "Workspace", file: Path, text: str) -> None:
    workspace.change(file, text)
    workspace.save(file)
    _give_back()


def _close(workspace: "Workspace", file: Path) -> None:
    workspace.close(file)
    _give_back()


def _give_back() -> None:
    """What was freed goes back to the system: glibc keeps tens of MB of it after an hour of typing."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other C libraries do without
        ctypes.CDLL(None).malloc_trim(0)
