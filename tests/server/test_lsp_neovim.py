"""Neovim itself, as a person uses it, with our client for versions before 0.12; the model is nano."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NVIM = os.environ.get("CODEGEM_NVIM") or shutil.which("nvim")
CODE = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    ret\n"

pytestmark = pytest.mark.skipif(NVIM is None, reason="Neovim is not installed")


class Editor:
    """A running Neovim, driven over its socket."""

    def __init__(self, socket: Path):
        self._socket = str(socket)

    def keys(self, keys: str) -> None:
        """Type keys."""
        self._call("--remote-send", keys)

    def value(self, expression: str) -> str:
        """An expression of Vim's."""
        return self._call("--remote-expr", expression)

    def until(self, holds: Callable[[], bool], again: Callable[[], object] = lambda: None) -> None:
        """Wait for something, doing something else from time to time."""
        for _ in range(60):
            if holds():
                return
            again()
            time.sleep(0.1)
        raise AssertionError(self.value("execute('messages')"), self.lines(), shown(self))

    def lines(self) -> list[str]:
        """The text."""
        return json.loads(self.value("json_encode(getline(1, '$'))"))

    def _call(self, kind: str, text: str) -> str:
        command = [str(NVIM), "--server", self._socket, kind, text]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return (done.stdout or done.stderr).rstrip("\n")


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """Neovim on a file, with our client."""
    folder = tmp_path_factory.mktemp("nvim")
    (folder / "sums.py").write_text(CODE)
    (folder / "init.lua").write_text(
        f"vim.opt.runtimepath:append({str(ROOT / 'editors' / 'neovim')!r})\n"
        f"require('codegem').setup({{ cmd = {{ {sys.executable!r}, '-m', 'codegem', 'lsp' }} }})\n"
        "vim.cmd('filetype on')\nvim.opt.completeopt = 'menuone'\n"
    )
    homes = {f"XDG_{kind}_HOME": str(folder) for kind in ("DATA", "STATE", "CONFIG")}
    environment = os.environ | homes | {"PYTHONPATH": str(ROOT / "src")}
    command = [str(NVIM), "--headless", "-n", "-u", "init.lua", "--listen", str(folder / "socket"), "sums.py"]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as process:
        one = Editor(folder / "socket")
        one.until((folder / "socket").exists)
        yield one
        one.keys("<Esc>:qa!<CR>")
        process.wait(10)


def shown(editor: Editor) -> str:
    return json.loads(editor.value('json_encode(luaeval(\'require("codegem").shown() or ""\'))'))


def test_grey_text_is_shown_and_taken(editor: Editor) -> None:
    editor.keys("6GA")
    editor.until(lambda: shown(editor) != "", lambda: editor.value("luaeval('require(\"codegem\").ask()')"))
    suggestion = shown(editor)
    editor.keys("<Tab>")
    editor.until(lambda: editor.lines()[5:] == ("    ret" + suggestion).split("\n"))
    assert suggestion not in shown(editor)


def test_what_is_typed_asks_by_itself(editor: Editor) -> None:
    editor.keys("<Esc>")
    editor.until(lambda: shown(editor) == "")
    editor.keys("6G0C    ret")
    editor.until(lambda: shown(editor) != "")
    editor.keys("<Esc>")
    editor.until(lambda: shown(editor) == "")


def test_omni_completion(editor: Editor) -> None:
    editor.keys("<Esc>6G0C    ret")
    editor.keys("<C-x><C-o>")
    editor.until(lambda: editor.value("pumvisible()") == "1")
    editor.keys("<C-y>")
    editor.until(lambda: len(editor.lines()[5]) > len("    ret") and editor.lines()[5].startswith("    ret"))
