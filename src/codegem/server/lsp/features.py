"""What an editor asks and tells, by the names of the protocol."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException

from codegem.assist.acceptance import Acceptance
from codegem.server.lsp.asked import Asked
from codegem.server.lsp.items import ACCEPTED, DISMISSED, completion_item, inline_item
from codegem.server.lsp.options import SECTION
from codegem.server.lsp.partial import Partial
from codegem.server.lsp.server import Server

if TYPE_CHECKING:
    from codegem.server.lsp.model import Opened

_TRIGGERS = [".", "(", "[", "{", ",", " ", "=", ":", "\n"]
_FORMATS = "text_document.completion.completion_item.documentation_format"
_JUST_TYPED = 0.25  # seconds after a key within which an editor's list asks because of it, and not by hand


def make_server(open_model: "Callable[[], Opened]", counts: Acceptance) -> Server:
    """A server for one session; `Server` says what it takes."""
    server = Server(open_model, counts)
    for register in (_register_session, _register_documents, _register_suggestions, _register_commands):
        register(server)
    return server


def _register_session(server: Server) -> None:
    """The beginning, the settings and the folders."""

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.client_info = params.client_info
        server.configure(params.initialization_options)

    def choose(able: types.ServerCapabilities) -> None:
        text_document = server.client_capabilities.text_document
        knows_inline = bool(text_document and text_document.inline_completion)
        if server.options.ordinary == "off" or (server.options.ordinary == "auto" and knows_inline):
            able.completion_provider = None

    server.protocol.on_capabilities = choose

    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        server.start(server.load())
        server.start(_pull_settings(server))

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configured(params: types.DidChangeConfigurationParams) -> None:
        if params.settings:
            server.configure(params.settings)
        else:
            server.start(_pull_settings(server))

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(_: types.DidChangeWorkspaceFoldersParams) -> None:
        server.set_folders()


def _register_documents(server: Server) -> None:
    """What is known of the editor's files."""

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.opened(server.protocol.documents[params.text_document.uri])

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        if document := server.protocol.documents.get(params.text_document.uri):
            server.edits.changed(document)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.saved(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.closed(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def refreshed(_: types.DidChangeWatchedFilesParams) -> None:
        server.refreshed()


def _register_suggestions(server: Server) -> None:
    """The two ways to ask for a suggestion."""

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions(work_done_progress=True))
    async def inline(params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        token = server.protocol.take_partial_token()
        document = server.protocol.documents.get(params.text_document.uri)
        if document is None:
            return None
        automatic = params.context.trigger_kind == types.InlineCompletionTriggerKind.Automatic
        selected, done = params.context.selected_completion_info, params.work_done_token
        asked = Asked(server, document, params.position, automatic, selected, done)
        partial = Partial(server.protocol, token, lambda text: inline_item(document, asked.suggestion(text)))
        text = await asked.text(partial.push)
        items = partial.items(text)
        return types.InlineCompletionList(items) if text else None

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=_TRIGGERS))
    async def ordinary(params: types.CompletionParams) -> types.CompletionList:
        document = server.protocol.documents.get(params.text_document.uri)
        if document is None:
            return types.CompletionList(True, [])
        typed = server.edits.age(document.uri) < _JUST_TYPED
        asked = Asked(server, document, params.position, typed, token=params.work_done_token)
        text = await asked.text()
        formats = get_capability(server.client_capabilities, _FORMATS, [])
        markdown = types.MarkupKind.Markdown in formats
        items = [completion_item(document, asked.suggestion(text), markdown)] if text else []
        return types.CompletionList(True, items)


def _register_commands(server: Server) -> None:
    """What an editor runs once a suggestion was taken or refused; only that it was is counted."""

    @server.command(ACCEPTED)
    def accepted(*arguments: Any) -> None:
        for id in arguments[:1]:
            server.counts.accepted(str(id))

    @server.command(DISMISSED)
    def dismissed(*arguments: Any) -> None:
        for id in arguments[:1]:
            server.counts.dismissed(str(id))


async def _pull_settings(server: Server) -> None:
    """Ask the editor for the settings, if it can be asked."""
    workspace = server.client_capabilities.workspace
    if workspace and workspace.configuration:
        item = types.ConfigurationItem(section=SECTION)
        with contextlib.suppress(JsonRpcException):
            for told in await server.workspace_configuration_async(types.ConfigurationParams([item])):
                server.configure(told)
