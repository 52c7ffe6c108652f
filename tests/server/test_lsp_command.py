"""`codegem lsp` as an editor starts it: a process, its streams and its end; with pytest-lsp's client and nano."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lsprotocol import types

from .lsp_client import message

ROOT = Path(__file__).parents[2]
CODE = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    ret\n"


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "XDG_DATA_HOME": str(folder)}


def test_an_editor_works_with_nano(tmp_path: Path) -> None:
    client_module = pytest.importorskip("pytest_lsp.client")
    uri = (tmp_path / "sums.py").as_uri()
    document, position = types.TextDocumentIdentifier(uri), types.Position(5, 7)

    async def run() -> None:
        client = client_module.make_test_lsp_client()
        await client.start_io(sys.executable, "-m", "codegem", "lsp", "--model", "nano", env=environment(tmp_path))
        able = types.ClientCapabilities(window=types.WindowClientCapabilities(work_done_progress=True))
        root = types.InitializeParams(able, root_uri=tmp_path.as_uri(), initialization_options={"ordinary": "on"})
        told = await client.initialize_session(root)
        assert told.server_info.name == "codegem"
        opened = types.TextDocumentItem(uri, "python", 1, CODE)
        client.text_document_did_open(types.DidOpenTextDocumentParams(opened))
        context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
        found = None
        async with asyncio.timeout(60):
            while found is None:
                params = types.InlineCompletionParams(context, document, position)
                found = await client.text_document_inline_completion_async(params)
        (item,) = found.items
        assert item.insert_text.startswith("ret") and item.range == types.Range(types.Position(5, 4), position)
        (ordinary,) = (await client.text_document_completion_async(types.CompletionParams(document, position))).items
        assert ordinary.text_edit.new_text == ordinary.documentation == item.insert_text
        command = types.ExecuteCommandParams(item.command.command, item.command.arguments)
        await client.workspace_execute_command_async(command)
        assert "codegem-loading" in client.progress_reports and client.error is None
        await client.shutdown_session()
        assert client._server.returncode == 0
        await client.stop()

    asyncio.run(run())
    assert (tmp_path / "codegem" / "acceptance.sqlite").exists()


@pytest.mark.parametrize("goodbye", [True, False])
def test_the_streams_are_for_the_protocol_and_the_end_is_soon(tmp_path: Path, goodbye: bool) -> None:
    """A model that does not exist prints nothing to standard output, and a client may be gone while it is opened."""
    bodies = [message("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)]
    bodies += [message("initialized", {})]
    if goodbye:
        bodies += [message("shutdown", None, 2), message("exit", None)]
    sent = b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies)
    command = [sys.executable, "-m", "codegem", "lsp", "--model", "no-such-model"]
    done = subprocess.run(command, input=sent, capture_output=True, env=environment(tmp_path), timeout=30)
    assert done.returncode == (0 if goodbye else 1), done.stderr
    assert done.stdout.count(b"Content-Length: ") == done.stdout.count(b'"jsonrpc"') >= 1
    assert done.stdout.startswith(b"Content-Length: ") and b"Traceback" not in done.stderr


def test_a_wrong_option_is_told() -> None:
    done = subprocess.run([sys.executable, "-m", "codegem", "lsp", "--tcp", "x"], capture_output=True, timeout=30)
    assert done.returncode == 2
