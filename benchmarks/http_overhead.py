"""What the server itself costs: requests whose text takes no time, and parts of a stream on their way.

    python benchmarks/http_overhead.py [--requests 400] [--llama-server PROGRAM --gguf FILE]

The service behind the server answers at once, so what is measured is reading the request, planning, the way from the
thread that writes to the loop and back, and writing the answer. Each part of the stream carries the time at which it
was made. llama.cpp's server, where it is given, is asked for tokens of a text, which costs it next to nothing too.
"""

import argparse
import json
import multiprocessing
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from typing import Any

from codegem.generate import Chunk, Request, StopReason, Usage
from codegem.text.tokenizer import ByteTokenizer

PARTS, PAUSE = 50, 0.002
CODE = "import os\n\n\ndef join(one, other):\n    return os.path.join(one, other)\n" * 10
VIM = {
    "id_slot": 0, "input_prefix": CODE, "input_suffix": CODE, "prompt": "    return os.", "n_predict": 128, "stop": [],
    "input_extra": [{"text": CODE, "filename": "b.py", "time": [1, 2]}] * 4, "n_indent": 4, "top_k": 40, "top_p": 0.9,
    "samplers": ["top_k", "top_p", "infill"], "t_max_prompt_ms": 500, "t_max_predict_ms": 250,
    "response_fields": ["content", "timings/prompt_n", "truncated", "tokens_cached"],
}  # fmt: skip


class Instant:
    """A service whose texts take no time; with the prompt "slowly" each part says when it was made."""

    name, context_length, tokenizer = "instant", 4096, ByteTokenizer()

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[Request, Callable[[Chunk], object]]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, request: Request, listener: Callable[[Chunk], object]) -> "Instant":
        self._asked.put((request, listener))
        return self

    def cancel(self) -> None:
        """It is done already."""

    def _work(self) -> None:
        while True:
            request, listener = self._asked.get()
            for _ in range(PARTS if request.prompt == "slowly" else 0):
                time.sleep(PAUSE)
                listener(Chunk(0, f"{time.perf_counter_ns()} ", 1))
            listener(Chunk(0, "text", 1))
            listener(Chunk(0, "", 0, StopReason.STOP, usage=Usage(7, 3, 0.0, 0.1, 0.2)))


def serve(told: Connection, loop: str, http: str) -> None:
    """A server in a process of its own."""
    from codegem.server import running
    from codegem.server.app import create_app
    from codegem.server.metrics import Metrics

    if http == "h11":
        import uvicorn.protocols.http.auto as auto
        from uvicorn.protocols.http.h11_impl import H11Protocol

        auto.AutoHTTPProtocol = H11Protocol
    server = running.Server(create_app(Instant(), metrics=Metrics()))  # type: ignore[arg-type]
    server.config.loop = loop
    listening = running.bind("127.0.0.1", 0)
    told.send(listening.getsockname()[1])
    server.run([listening])


def ask(connection: socket.socket, path: str, body: dict[str, Any]) -> tuple[float, list[float]]:
    """Seconds for an answer, and for each part of a stream from where it was made to here."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
    began = time.perf_counter()
    connection.sendall(head.encode() + data)
    got, late = b"", []
    while not whole(got):
        part = connection.recv(1 << 16)
        now = time.perf_counter_ns()
        for event in part.split(b"data: ")[1:]:
            with suppress(ValueError, KeyError, IndexError):
                made = json.loads(event.partition(b"\n")[0])["choices"][0]["text"].split()[0]
                late.append((now - int(made)) / 1e9)
        got += part
    return time.perf_counter() - began, late


def whole(answer: bytes) -> bool:
    """Whether nothing more of an answer comes."""
    head, found, body = answer.partition(b"\r\n\r\n")
    at = head.lower().find(b"content-length: ")
    if at < 0:
        return bool(found) and body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head[at + 16 :].split(b"\r\n")[0])


def shown(seconds: Sequence[float]) -> str:
    """Median and 95th percentile in microseconds."""
    ordered = sorted(seconds)
    return f"{1e6 * ordered[len(ordered) // 2]:6.0f} {1e6 * ordered[int(len(ordered) * 0.95)]:6.0f}"


def row(port: int, kinds: Sequence[tuple[str, dict[str, Any]]], requests: int) -> str:
    """A line of the table."""
    columns, late = [], []
    with closing(socket.create_connection(("127.0.0.1", port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for path, body in kinds:
            count = requests if body.get("prompt") != "slowly" else max(1, requests // PARTS)
            times = [ask(connection, path, body) for _ in range(count + count // 10)][count // 10 :]
            columns.append(shown([seconds for seconds, _ in times]))
            late += [part for _, parts in times for part in parts]
    return " | ".join([*columns[: len(kinds) - bool(late)], *([shown(late)] if late else [])])


def llama(program: str, gguf: str, requests: int) -> str:
    """llama.cpp's server, asked for tokens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [program, "-m", gguf, "--host", "127.0.0.1", "--port", str(port), "-t", "2", "-c", "512"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if b" 200 " in connection.recv(100):
                    break
            time.sleep(0.1)
        return row(port, [("/tokenize", {"content": ""})], requests)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--llama-server")
    parser.add_argument("--gguf")
    options = parser.parse_args()
    kinds = [
        ("/tokenize", {"content": ""}), ("/v1/completions", {"prompt": "x"}), ("/infill", VIM),
        ("/v1/completions", {"prompt": "slowly", "stream": True, "max_tokens": 999}),
    ]  # fmt: skip
    print("microseconds, p50 and p95   | /tokenize     | /v1/completions | /infill (vim) | a part of a stream")
    spawn = multiprocessing.get_context("spawn")
    for loop, http in (("asyncio", "h11"), ("asyncio", "httptools"), ("uvloop", "httptools")):
        here, there = spawn.Pipe()
        process = spawn.Process(target=serve, args=(there, loop, http))
        process.start()
        try:
            print(f"codegem, {loop}, {http:<10} | {row(here.recv(), kinds, options.requests)}", flush=True)
        finally:
            process.terminate()
            process.join()
    if options.llama_server:
        print(f"llama-server               | {llama(options.llama_server, options.gguf, options.requests)}")


if __name__ == "__main__":
    main()
