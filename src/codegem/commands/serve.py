"""`codegem serve`."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from codegem.commands.arguments import parse
from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.data.tracing.index import TraceIndex
    from codegem.inference.service import Service

PORT = 8012  # where llama.vim and llama.vscode look if they are told nothing


def serve(words: list[str]) -> None:
    """`codegem serve`."""

    def run(
        model: str = "nano",
        host: str = "127.0.0.1",
        port: int = PORT,
        bits: Literal[4, 8] | None = None,
        key_file: Path | None = None,
        allow_origin: tuple[str, ...] = (),
        waiting: int = 64,
        statistics: bool = True,
        trace: Path | None = None,
        longest_copy: int | None = None,
    ) -> None:
        """Serve a model to editors and chat clients, in words that they speak already: codegem serve --model nano

        Ctrl-C ends it.

        Args:
            model: nano, a model directory, a .gguf file, or a hub id such as google/codegemma-2b.
            host: beyond 127.0.0.1 a key is wanted: of --key-file or of the environment variable CODEGEM_API_KEY.
            port: 0 takes a free one.
            bits: quantize the weights on loading.
            key_file: holds the key that requests must carry.
            allow_origin: pages that may ask, such as http://localhost:5173, besides the server's own.
            waiting: how many texts may wait; more are told to come again.
            statistics: count how many suggestions are accepted, on this machine alone (docs/PRIVACY.md).
            trace: an index of a corpus (codegem trace build): requests with "trace": true are told what of an answer
                stands in it.
            longest_copy: how many tokens of one source of that corpus an answer may repeat; it ends before it shows
                more.
        """
        from codegem.assist.attribution import open_index
        from codegem.server import security

        key = security.read_key(key_file)
        security.require_key(host, key)
        if not 0 <= port < 1 << 16:
            raise UserError(f"The port is {port}; it must be from 0 to {(1 << 16) - 1}.")
        if waiting < 1:
            raise UserError(f"{waiting} texts may wait; it must be at least 1.")
        index, _ = open_index(trace, longest_copy)
        load = partial(_load, model, waiting, bits=bits, trace=index, longest_copy=longest_copy)
        _serve(model, host, port, load, statistics, key=key, origins=allow_origin, index=index)

    parse(run, "serve", words)


def _serve(
    model: str,
    host: str,
    port: int,
    load: "Callable[[], tuple[Service, str, bool]]",
    statistics: bool,
    *,
    key: str,
    origins: tuple[str, ...],
    index: "TraceIndex | None",
) -> None:
    from codegem.server.running import Server, bind

    with bind(host, port) as listening:  # before the model, which may take a while
        from codegem.assist.acceptance import Acceptance, default_path
        from codegem.server.app import create_app
        from codegem.server.loading import Loading
        from codegem.server.metrics import Metrics

        acceptance = Acceptance(default_path()) if statistics else None
        app = create_app(key=key, origins=origins, metrics=Metrics(), acceptance=acceptance, index=index)
        server, url = Server(app), address(host, listening.getsockname()[1])
        loading = Loading(
            server,
            app.state.codegem,
            load,
            lambda name, seconds: print(greeting(name, url, bool(key)), flush=True),
        )
        print(f"codegem: loading {model} ...", file=sys.stderr, flush=True)
        loading.start()
        server.run([listening])
        if not loading.finish():
            # A thread that is within compiled code would make the interpreter abort at its end.
            sys.stdout.flush()
            os._exit(0)


def _load(model: str, waiting: int, **settings: Any) -> "tuple[Service, str, bool]":
    """A model, ready to be asked from any thread; `codegem.load` says what its settings are."""
    import codegem
    from codegem.inference.service import Service

    loaded = codegem.load(model, **settings)
    return Service(loaded.engine, waiting=waiting), loaded.name, loaded.can_chat


def address(host: str, port: int) -> str:
    """What a client on this machine calls the server.

    >>> address("0.0.0.0", 8012), address("::1", 80)
    ('http://127.0.0.1:8012', 'http://[::1]:80')
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def greeting(name: str, url: str, key: bool) -> str:
    """What a person reads once the model is there: the address, and a line for each kind of client."""
    rows = {
        "page": f"{url}/",
        "llama.vim": f"let g:llama_config = {{'endpoint_fim': '{url}/infill'}}",
        "OpenAI": f"OPENAI_BASE_URL={url}/v1",
        "Ollama": f"OLLAMA_HOST={url}",
        "Mistral": f"{url} as the address of Codestral's API",
        "Tabby": f"{url} as the endpoint",
        "curl": f"""curl {url}/infill -d '{{"input_prefix": "def add(a, b):\\n    ", "input_suffix": "\\n"}}'""",
    }
    lines = [f"codegem serves {name} at {url}{' with a key' if key else ''}; Ctrl-C ends it."]
    return "\n".join([*lines, *(f"  {client:<10}{line}" for client, line in rows.items())])
