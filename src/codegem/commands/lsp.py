"""`codegem lsp`."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, BinaryIO

from tyro.conf import arg

from codegem.commands.arguments import parse


def lsp(words: list[str]) -> None:
    """`codegem lsp`."""

    def run(
        model: str = "nano",
        statistics: bool = True,
        trace: Path | None = None,
        longest_copy: int | None = None,
        tcp: Annotated[int | None, arg(metavar="PORT")] = None,
    ) -> None:
        """Suggest code in an editor that speaks the Language Server Protocol: codegem lsp --model nano

        The editor starts this command and speaks to it over standard input and output (docs/EDITORS.md).

        Args:
            model: nano, a model directory, a .gguf file, a hub id such as google/codegemma-2b, or the address of a
                server such as http://127.0.0.1:8080/v1.
            statistics: count how many suggestions are accepted, on this machine alone (docs/PRIVACY.md).
            trace: an index of a corpus (codegem trace build): what of a suggestion stands in it is told in the log.
            longest_copy: how many tokens of one source of that corpus a suggestion may repeat.
            tcp: listen for one editor on this port of 127.0.0.1 instead, 0 on a free one; for looking into things.
        """
        from codegem.assist.acceptance import Acceptance, default_path
        from codegem.server.lsp.features import make_server
        from codegem.server.lsp.model import open_model
        from codegem.server.lsp.running import serve, serve_once

        logging.getLogger("pygls").setLevel(logging.CRITICAL)
        reader, writer = _take_streams()
        counts = Acceptance(default_path() if statistics else None)
        server = make_server(lambda: open_model(model, trace, longest_copy), counts)
        if tcp is None:
            status = serve(server, reader, writer)
        else:
            status = serve_once(server, tcp, lambda port: print(f"listening on 127.0.0.1:{port}", file=sys.stderr))
        sys.stderr.flush()
        # Threads may be in the middle of a pass, or wait for a server; nothing of theirs is to be kept.
        os._exit(status)

    parse(run, "lsp", words)


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for the protocol alone.

    Whatever else prints, also a library in C, prints to standard error, and finds nothing to read.
    """
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return reader, writer
