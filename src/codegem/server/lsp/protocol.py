"""What pygls leaves open of the protocol: every request is answered once, and a withdrawn one at once.

pygls answers a cancelled request when its task gets to it, does not answer one that can't be read or comes after
`shutdown`, splits lines where the protocol has none, hides the exit status, and keeps a future of every notification
for good; and `lsprotocol` knows no partial results of inline completions.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from codegem.server.lsp.documents import Document, choose_encoding, split_lines
from codegem.server.lsp.frames import TooLong

logger = logging.getLogger(__name__)

Codes = types.ErrorCodes | types.LSPErrorCodes
MessageId = str | int
# Of these, a document has one live request each.
_LIVE = (types.TEXT_DOCUMENT_INLINE_COMPLETION, types.TEXT_DOCUMENT_COMPLETION)
_Steps = Generator[Any, Any, None]


class Protocol(LanguageServerProtocol):
    """The protocol of one session.

    Attributes:
        documents: that are open, by URI.
        live: the request that is under way, by its method and document.
        on_capabilities: called with what the client is about to be told that the server can do.
        on_exit: called once with the exit status when the client says `exit`.
        on_changed: called with the URI of a document whose text is not what requests were made for any more.
    """

    def __init__(self, *arguments: Any):
        self.documents: dict[str, Document] = {}
        self.on_exit: Callable[[int], object] = lambda status: None
        self.on_capabilities: Callable[[types.ServerCapabilities], object] = lambda able: None
        self.on_changed: Callable[[str], object] = lambda uri: None
        self.live: dict[tuple[str, str], MessageId] = {}
        self._encoding = types.PositionEncodingKind.Utf16
        self._initialized = False
        self._partial_tokens: dict[MessageId, types.ProgressToken] = {}
        super().__init__(*arguments)

    @property
    def exit_status(self) -> int:
        """What a session that ends now ends with."""
        return 0 if self._shutdown else 1

    def receive(self, body: bytes | TooLong) -> None:
        """Take a message as it came; one that is none is answered with an error."""
        if isinstance(body, TooLong):
            self._refuse(None, types.ErrorCodes.InvalidRequest, str(body))
            return
        try:
            data = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._refuse(None, types.ErrorCodes.ParseError, f"The message is not JSON: {error}")
            return
        if not isinstance(data, dict) or data.get("jsonrpc") != self.VERSION:
            self._refuse(None, types.ErrorCodes.InvalidRequest, "The message is no JSON-RPC 2.0 object.")
        elif self._may_come(data):
            self._take(data)

    def withdraw(self, msg_id: MessageId, code: Codes, why: str) -> None:
        """Answer a request with an error now, and end its work; nothing else goes out for it."""
        future = self._request_futures.pop(msg_id, None)
        if future is not None:
            self._answered(msg_id)
            future.cancel()
            self._refuse(msg_id, code, why)

    def is_live(self, msg_id: MessageId | None) -> bool:
        """Whether a request is neither answered nor withdrawn."""
        return msg_id in self._request_futures

    def take_partial_token(self) -> types.ProgressToken | None:
        """Where the client wants the parts of the answer to the request that is being handled."""
        return self._partial_tokens.pop(self.msg_id, None) if self.msg_id is not None else None

    def _may_come(self, data: dict[str, Any]) -> bool:
        """Whether the session is at a point where a message may come; if not, it is dropped or refused."""
        method, msg_id = data.get("method"), data.get("id")
        if method is None or method == types.EXIT:
            return True
        if not self._initialized and method != types.INITIALIZE:
            code, why = types.ErrorCodes.ServerNotInitialized, "The first request must be initialize."
        elif self._initialized and method == types.INITIALIZE:
            code, why = types.ErrorCodes.InvalidRequest, "The session is initialized already."
        elif self._shutdown:
            code, why = types.ErrorCodes.InvalidRequest, "The server is shut down; it takes exit only."
        else:
            return True
        if msg_id is not None:
            self._refuse(msg_id, code, why)
        return False

    def _take(self, data: dict[str, Any]) -> None:
        params = data.get("params")
        try:
            message = self.structure_message(data)
        except JsonRpcException:
            if "method" in data and "id" in data:
                why = f"The parameters of {data['method']} are not as LSP has them."
                self._refuse(data["id"], types.ErrorCodes.InvalidParams, why)
            return
        if data.get("method") == types.TEXT_DOCUMENT_INLINE_COMPLETION and isinstance(params, dict):
            token = params.get("partialResultToken")
            if isinstance(token, str | int):
                self._partial_tokens[data["id"]] = token
        if data.get("method") in _LIVE and "id" in data:
            self._begin(data["id"], (data["method"], message.params.text_document.uri))  # type: ignore[union-attr]
        self.handle_message(message)  # type: ignore[arg-type]

    def _begin(self, msg_id: MessageId, place: tuple[str, str]) -> None:
        """Note a request before its task runs: a change that comes right after it withdraws it as well."""
        if place in self.live:
            self.withdraw(self.live[place], types.LSPErrorCodes.RequestCancelled, "A newer request came.")
        self.live[place] = msg_id

    def _refuse(self, msg_id: Any, code: Codes, why: str) -> None:
        if not isinstance(msg_id, str | int):
            msg_id = None
        self._send_response(msg_id, error=types.ResponseError(code=code, message=why))  # type: ignore[arg-type]

    def _execute_handler(self, msg_id: MessageId, *arguments: Any, **named: Any) -> None:
        """Run a handler; of a notification's, pygls never drops what it noted to cancel it by."""
        super()._execute_handler(msg_id, *arguments, **named)
        future = self._request_futures.get(msg_id)

        def drop(done: Future[Any]) -> None:
            if self._request_futures.get(msg_id) is done:  # a client may use the number of a withdrawn request again
                del self._request_futures[msg_id]

        if future is not None:
            future.add_done_callback(drop)

    def _send_handler_result(self, future: Future[Any], *, msg_id: MessageId) -> None:
        # The requests that take their time are tasks, and stand in the table until they are answered or withdrawn.
        if self._request_futures.pop(msg_id, None) is None and isinstance(future, asyncio.Future):
            return
        self._answered(msg_id)
        super()._send_handler_result(future, msg_id=msg_id)

    def _answered(self, msg_id: MessageId) -> None:
        self._partial_tokens.pop(msg_id, None)
        self.live = {place: other for place, other in self.live.items() if other != msg_id}

    def _handle_cancel_notification(self, msg_id: MessageId) -> None:
        self.withdraw(msg_id, types.LSPErrorCodes.RequestCancelled, "The client cancelled the request.")

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        general = params.capabilities.general
        self._encoding = choose_encoding(general.position_encodings if general else None)
        self._initialized = True
        result = yield from super().lsp_initialize(params)
        result.capabilities.position_encoding = self._encoding
        self.on_capabilities(result.capabilities)
        return result

    @lsp_method(types.EXIT)
    def lsp_exit(self, *arguments: Any) -> None:  # type: ignore[override]
        self.on_exit(self.exit_status)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> _Steps:
        told = params.text_document
        lines = split_lines(told.text)
        self.documents[told.uri] = Document(told.uri, told.language_id, told.version, lines, self._encoding)
        yield from self._tell(types.TEXT_DOCUMENT_DID_OPEN, told.uri, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> _Steps:
        document = self.documents.get(params.text_document.uri)
        if document is None:
            logger.warning("%s was changed and is not open.", params.text_document.uri)
            return
        document.begin_changes()
        for change in params.content_changes:
            document.change(change.text, getattr(change, "range", None))
        document.version = params.text_document.version
        yield from self._tell(types.TEXT_DOCUMENT_DID_CHANGE, document.uri, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> _Steps:
        self.documents.pop(params.text_document.uri, None)
        yield from self._tell(types.TEXT_DOCUMENT_DID_CLOSE, params.text_document.uri, params)

    def _tell(self, method: str, uri: str, params: Any) -> _Steps:
        """Withdraw what was asked about the text that is gone, then let the server know."""
        self.on_changed(uri)
        if (handler := self.fm.features.get(method)) is not None:
            yield handler, (params,), None
