"""A long siege: right, malformed and abandoned requests on every surface leave the server as it was.

    python benchmarks/soak.py [--requests 50000] [--clients 12] [--seed 1] [--rounds 10]

A server of nano runs in a process of its own, as `codegem serve` does, with a short line of waiting texts. Many clients
ask it at once over plain sockets: whole answers and streams on every surface, streams that are cut, half bodies, wrong
types, bodies too long, broken UTF-8, readers that dawdle, wrong methods and paths. Between them come questions whose
answers are known from the engine itself: each must get that, or 429 where too many ask at once.

After each round, when everything is quiet, a row of the table says what the server has: memory, threads, open files,
texts that are made. What matters is that the last rows are as the second, when every program is compiled and every
cache is full. The exit status says whether they are.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

_SERVER = """
import sys
import codegem
from codegem.assist.acceptance import Acceptance
from codegem.inference.service import Service
from codegem.server.app import create_app
from codegem.server.metrics import Metrics
from codegem.server.running import Server, bind
service = Service(codegem.load("nano").engine, waiting=int(sys.argv[1]))
app = create_app(service, name="nano", metrics=Metrics(), acceptance=Acceptance())
listening = bind("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
Server(app).run([listening])
"""
_PREFIXES = (
    "def add(a, b):\n    return ",
    "import os\n\n\ndef size(path):\n    return os.path.",
    "for name in ",
    "class Box:\n    ",
    "x = max(",
    "with open(path) as file:\n    ",
    "numbers = [1, 2, 3, ",
    "",
    "\tif (x) {\n\t\t",
)
_SUFFIXES = ("", "\n", "\n\n\nprint(add(1, 2))\n", ")\n", ":\n    print(name)\n", "]\n", "\n}\n")
_TOKENS = 16
_TABBYS_TOKENS = 64  # its clients can't ask for others
_STILL = 0.5  # seconds without a change that make a server quiet


@dataclass(frozen=True)
class Ask:
    """One kind of request: its path and body, and how to read the text of an answer."""

    surface: str
    path: str
    body: Callable[[str, str], dict[str, Any]]
    text: Callable[[Any], str]
    stream: bool = False


ASKS = (
    Ask(
        "openai",
        "/v1/completions",
        lambda prefix, suffix: {"prompt": prefix, "suffix": suffix, "max_tokens": _TOKENS},
        lambda answer: answer["choices"][0]["text"],
    ),
    Ask(
        "openai stream",
        "/v1/completions",
        lambda prefix, suffix: {"prompt": prefix, "suffix": suffix, "max_tokens": _TOKENS, "stream": True},
        lambda answer: answer["choices"][0]["text"] if answer["choices"] else "",
        True,
    ),
    Ask(
        "infill",
        "/infill",
        lambda prefix, suffix: {"input_prefix": prefix, "input_suffix": suffix, "n_predict": _TOKENS},
        lambda answer: answer["content"],
    ),
    Ask(
        "ollama",
        "/api/generate",
        lambda prefix, suffix: {
            "prompt": prefix,
            "suffix": suffix,
            "stream": False,
            "options": {"num_predict": _TOKENS},
        },
        lambda answer: answer["response"],
    ),
    Ask(
        "ollama stream",
        "/api/generate",
        lambda prefix, suffix: {"prompt": prefix, "suffix": suffix, "options": {"num_predict": _TOKENS}},
        lambda answer: answer["response"],
        True,
    ),
    Ask(
        "mistral",
        "/v1/fim/completions",
        lambda prefix, suffix: {"prompt": prefix, "suffix": suffix, "max_tokens": _TOKENS},
        lambda answer: answer["choices"][0]["message"]["content"],
    ),
    Ask(
        "mistral stream",
        "/v1/fim/completions",
        lambda prefix, suffix: {"prompt": prefix, "suffix": suffix, "max_tokens": _TOKENS, "stream": True},
        lambda answer: answer["choices"][0]["delta"]["content"],
        True,
    ),
    Ask(
        "tabby",
        "/v1/completions",
        lambda prefix, suffix: {"segments": {"prefix": prefix, "suffix": suffix}},
        lambda answer: answer["choices"][0]["text"],
    ),
)
_LISTS = (
    "/v1/models", "/health", "/v1/health", "/props", "/api/tags", "/api/version", "/api/ps", "/metrics",
    "/openapi.json", "/docs", "/", "/codegem/stats", "/v1beta/server_setting",
)  # fmt: skip
_WRONG: tuple[Any, ...] = (
    None, [], "x", 1, {"prompt": 1}, {"prompt": []}, {"prompt": {}}, {"segments": []}, {"options": 3},
    {"prompt": "x", "max_tokens": "many"}, {"prompt": "x", "max_tokens": 10**9}, {"prompt": "x", "stop": [1]},
    {"prompt": "x", "temperature": -1}, {"prompt": "x", "n": 10**30}, {"input_prefix": 3}, {"input_extra": [3]},
    {"messages": "hi"}, {"messages": [{"role": "user", "content": "hi"}]}, {"type": "view"}, {"tokens": ["x"]},
)  # fmt: skip


Known = dict[tuple[str, str, str], str]
"""What fills a hole, by surface, prefix and suffix."""


def learn() -> Known:
    """The answers of the engine, in this process."""
    import codegem

    model = codegem.load("nano")
    lengths = {ask.surface: _TABBYS_TOKENS if ask.surface == "tabby" else _TOKENS for ask in ASKS}
    return {
        (surface, prefix, suffix): model.complete(prefix, suffix, max_tokens=length).text
        for surface, length in lengths.items()
        for prefix in _PREFIXES[:6]
        for suffix in _SUFFIXES[:3]
    }


@dataclass
class Tally:
    """What came of the requests, counted by several threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, outcome: str) -> None:
        with self.lock:
            self.outcomes[kind, outcome] += 1

    def complain(self, what: str) -> None:
        with self.lock:
            self.wrong.append(what)


@dataclass(frozen=True)
class Standing:
    """What the server has when nothing is asked."""

    resident: float  # MiB
    threads: int
    files: int
    connections: int
    active: int
    waiting: int
    slot_bytes: int


class Siege:
    """A server and those who ask it."""

    def __init__(self, port: int, pid: int, seed: int):
        self.port, self.seed = port, seed
        self.process = psutil.Process(pid)
        self.tally = Tally()
        self.known: Known = {}

    def check(self, known: Known) -> None:
        """Ask for every answer that is known, one at a time."""
        self.known = known
        for (surface, prefix, suffix), text in known.items():
            ask = next(ask for ask in ASKS if ask.surface == surface)
            answer = self.whole(ask, prefix, suffix)
            if answer != (200, text):
                self.tally.complain(f"{surface} {prefix!r} {suffix!r} alone: {answer} for {text!r}")

    def round(self, requests: int, clients: int, number: int) -> None:
        """Ask so often, by several clients at once."""
        counters = [requests // clients + (client < requests % clients) for client in range(clients)]
        threads = [
            threading.Thread(target=self._client, args=(random.Random(f"{self.seed} {number} {client}"), count))
            for client, count in enumerate(counters)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _client(self, dice: random.Random, count: int) -> None:
        kinds: list[tuple[int, str, Callable[[random.Random], str]]] = [
            (34, "right", self._right), (10, "cut", self._cut), (10, "abandoned", self._abandoned),
            (10, "wrong type", self._wrong_type), (6, "half body", self._half_body), (6, "noise", self._noise),
            (5, "bad utf-8", self._bad_text), (8, "get", self._get), (4, "wrong method", self._wrong_method),
            (3, "slow reader", self._slow), (1, "too long", self._too_long), (3, "event", self._event),
            (1, "much code", self._much),
        ]  # fmt: skip
        weights = [weight for weight, _, _ in kinds]
        for _ in range(count):
            _, kind, ask = dice.choices(kinds, weights)[0]
            try:
                self.tally.add(kind, ask(dice))
            except (OSError, ValueError, IndexError, KeyError) as error:
                self.tally.add(kind, type(error).__name__)
                self.tally.complain(f"{kind}: {error!r}")

    def _right(self, dice: random.Random) -> str:
        surface, prefix, suffix = dice.choice(list(self.known))
        ask = next(ask for ask in ASKS if ask.surface == surface)
        status, text = self.whole(ask, prefix, suffix)
        if status == 200 and text != self.known[surface, prefix, suffix]:
            self.tally.complain(
                f"{surface} {prefix!r} {suffix!r}: {text!r} for {self.known[surface, prefix, suffix]!r}"
            )
            return "another answer"
        if status not in (200, 429):
            self.tally.complain(f"{surface}: {status} {text[:200]}")
        return str(status)

    def whole(self, ask: Ask, prefix: str, suffix: str) -> tuple[int, str]:
        """A status, and the text of an answer."""
        status, body = self.exchange("POST", ask.path, json.dumps(ask.body(prefix, suffix)).encode())
        if status != 200:
            return status, body.decode()
        if not ask.stream:
            return status, ask.text(json.loads(body))
        lines = [line.removeprefix("data: ") for line in body.decode().splitlines()]
        return status, "".join(ask.text(json.loads(line)) for line in lines if line and line != "[DONE]")

    def _cut(self, dice: random.Random) -> str:
        """Read a little of a stream, and leave."""
        ask = dice.choice([ask for ask in ASKS if ask.stream])
        body = ask.body(dice.choice(_PREFIXES), dice.choice(_SUFFIXES)) | {"max_tokens": 64}
        with self.ask("POST", ask.path, json.dumps(body).encode()) as connection:
            return "left" if connection.recv(dice.choice((1, 200, 400, 800))) else "nothing came"

    def _abandoned(self, dice: random.Random) -> str:
        """Ask, and leave at once or soon."""
        ask = dice.choice(ASKS)
        body = ask.body(dice.choice(_PREFIXES), dice.choice(_SUFFIXES))
        with self.ask("POST", ask.path, json.dumps(body).encode()):
            time.sleep(dice.choice((0, 0, 0.001, 0.01)))
        return "left"

    def _wrong_type(self, dice: random.Random) -> str:
        path = dice.choice(
            [ask.path for ask in ASKS] + ["/api/chat", "/v1/chat/completions", "/v1/events", "/codegem/fill"]
        )
        status, _ = self.exchange("POST", path, json.dumps(dice.choice(_WRONG)).encode())
        return self._below_500("wrong type", status)

    def _half_body(self, dice: random.Random) -> str:
        body = json.dumps(ASKS[0].body("x", "y")).encode()
        with self.ask("POST", dice.choice(ASKS).path, body[: len(body) // 2], length=len(body)) as connection:
            time.sleep(dice.choice((0, 0.001, 0.02)))
            connection.shutdown(socket.SHUT_WR)
        return "left"

    def _noise(self, dice: random.Random) -> str:
        status, _ = self.exchange("POST", dice.choice(ASKS).path, dice.randbytes(dice.randrange(200)))
        return self._below_500("noise", status)

    def _bad_text(self, dice: random.Random) -> str:
        bad = dice.choice(
            (b"\xff\xfe", b'"\xc3"', b'{"prompt": "\xe9t\xe9"}', b'{"prompt": "\\ud800", "suffix": "\\udfff"}')
        )
        status, _ = self.exchange("POST", dice.choice(ASKS).path, bad)
        return self._below_500("bad utf-8", status)

    def _get(self, dice: random.Random) -> str:
        path = dice.choice(_LISTS)
        status, _ = self.exchange("GET", path)
        if status != 200:
            self.tally.complain(f"GET {path}: {status}")
        return str(status)

    def _wrong_method(self, dice: random.Random) -> str:
        path = dice.choice([ask.path for ask in ASKS] + ["/nowhere", "/v1/../etc/passwd", "/%00", "/api/pull"])
        status, _ = self.exchange(dice.choice(("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW")), path)
        return self._below_500("wrong method", status)

    def _slow(self, dice: random.Random) -> str:
        """Read a few bytes at a time."""
        ask = dice.choice([ask for ask in ASKS if ask.stream])
        with self.ask("POST", ask.path, json.dumps(ask.body("def f(", ")")).encode()) as connection:
            for _ in range(dice.randrange(1, 8)):
                time.sleep(0.005)
                connection.recv(7)
        return "left"

    def _too_long(self, dice: random.Random) -> str:
        length = 9 << 20
        with self.ask("POST", dice.choice(ASKS).path, b'{"prompt": "' + b"x" * 65536, length=length) as connection:
            status = _status(_read(connection))
        return self._below_500("too long", status)

    def _much(self, dice: random.Random) -> str:
        """A file that is far longer than what the model reads."""
        ask = dice.choice(ASKS)
        body = ask.body("x = 1\n" * 50_000, "\ny = 2" * 50_000)
        status, text = self.exchange("POST", ask.path, json.dumps(body).encode())
        if status not in (200, 429):
            self.tally.complain(f"much code, {ask.surface}: {status} {text[:200]!r}")
        return str(status)

    def _event(self, dice: random.Random) -> str:
        event = {"type": dice.choice(("view", "select", "dismiss")), "completion_id": f"c{dice.randrange(10**6)}"}
        status, _ = self.exchange("POST", "/v1/events", json.dumps(event).encode())
        return self._below_500("event", status)

    def _below_500(self, kind: str, status: int) -> str:
        if not 200 <= status < 500:
            self.tally.complain(f"{kind}: {status}")
        return str(status)

    def ask(self, method: str, path: str, body: bytes = b"", length: int | None = None) -> socket.socket:
        """Send a request; the connection is closed after the answer."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        size = len(body) if length is None else length
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return connection

    def exchange(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body of an answer."""
        with self.ask(method, path, body) as connection:
            answer = _read(connection)
        head, _, rest = answer.partition(b"\r\n\r\n")
        return _status(answer), _unchunked(rest) if b"transfer-encoding: chunked" in head.lower() else rest

    def standing(self) -> Standing:
        """What the server has, once nothing is going on."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            before = self._standing()
            time.sleep(_STILL)
            if not (before.active or before.waiting or before.connections) and self._standing().files == before.files:
                break
        return self._standing()

    def _standing(self) -> Standing:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            lines = [
                line.split(" ") for line in answer.read().decode().splitlines() if line.startswith("codegem_engine")
            ]
        engine = {name.removeprefix("codegem_engine_"): float(value) for name, value in lines}
        connections = [one for one in self.process.net_connections("tcp") if one.status == "ESTABLISHED"]
        with self.process.oneshot():
            return Standing(
                self.process.memory_info().rss / 2**20, self.process.num_threads(), self.process.num_fds(),
                len(connections), int(engine["active"]), int(engine["waiting"]), int(engine["slot_bytes"]),
            )  # fmt: skip


def _read(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:  # the server closes what it will not read to the end
        pass
    return b"".join(parts)


def _status(answer: bytes) -> int:
    return int(answer[9:12])


def _unchunked(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(parts)


def _row(number: int, asked: int, seconds: float, now: Standing) -> str:
    return (
        f"{number:5} {asked:8} {seconds:7.0f} {now.resident:8.1f} {now.threads:8} {now.files:6} {now.active:7} "
        f"{now.waiting:8} {now.slot_bytes / 2**20:9.1f}"
    )


def besiege(siege: Siege, requests: int, clients: int, rounds: int) -> list[Standing]:
    """All rounds, with a row of the table after each."""
    print(" round requests seconds  RSS MiB  threads  files  active  waiting  kept MiB", flush=True)
    standings, started = [siege.standing()], time.perf_counter()
    print(_row(0, 0, 0, standings[0]), flush=True)
    for number in range(1, rounds + 1):
        siege.round(requests // rounds, clients, number)
        standings.append(siege.standing())
        asked = number * (requests // rounds)
        print(_row(number, asked, time.perf_counter() - started, standings[-1]), flush=True)
    return standings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--clients", type=int, default=12, help="that ask at the same time")
    parser.add_argument("--waiting", type=int, default=8, help="texts that may wait in the server")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    known = learn()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(asked.waiting)], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert server.stdout
    try:
        siege = Siege(int(server.stdout.readline()), server.pid, asked.seed)
        siege.check(known)
        standings = besiege(siege, asked.requests, asked.clients, asked.rounds)
        siege.check(known)
    finally:
        server.terminate()
        server.wait(30)
    report(siege.tally)
    first, last = standings[min(2, len(standings) - 1)], standings[-1]
    print(f"after round 2 {first.resident:.1f} MiB, at the end {last.resident:.1f} MiB")
    same = (first.threads, first.files, 0, 0) == (last.threads, last.files, last.active, last.waiting)
    return 0 if same and not siege.tally.wrong and server.returncode == 0 else 1


def report(tally: Tally) -> None:
    """What came of each kind of request, and what was wrong."""
    for kind in sorted({kind for kind, _ in tally.outcomes}):
        rows = [f"{outcome}: {count}" for (one, outcome), count in sorted(tally.outcomes.items()) if one == kind]
        print(f"{kind:13}", ", ".join(rows))
    print(*tally.wrong[:20], sep="\n")
    print(f"{len(tally.wrong)} things wrong")


if __name__ == "__main__":
    sys.exit(main())
