"""The remote source against llama.cpp's own server: nano behind it writes what nano writes here.

Runs where CODEGEM_LLAMA_SERVER names the program llama-server; is skipped elsewhere.
"""

import argparse
import gzip
import inspect
import json
import os
import socket
import subprocess
import textwrap
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

import codegem
from codegem.errors import SourceError
from codegem.generate import Infill, Output, Request, StopReason, finished, outputs
from codegem.inference.engine import Engine
from codegem.inference.remote import RemoteModel
from codegem.text.fim import Order

NANO = Path(codegem.__file__).parent / "assets" / "nano"
COUNT = 50
STOP = ("\nclass", "\ndef", "\n#", "\nif", "\nprint", "\n@")


class Served:
    """A running llama-server."""

    def __init__(self, program: str, model: Path, log: Path):
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/v1"
        # Keys and values in float32, and special tokens printed, as the engine has them; four texts at once.
        command = [program, "-m", str(model), "--host", "127.0.0.1", "--port", str(port), "-t", "2", "-np", "4"]
        command += ["-c", "1280", "-ctk", "f32", "-ctv", "f32", "-fa", "off", "--special"]
        self.process = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        self._wait(log)

    def _wait(self, log: Path) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.address.replace("/v1", "/health"), timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, log.read_text()[-2000:]
                time.sleep(0.05)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """nano here, in float32."""
    from codegem.checkpoints import huggingface

    return Engine(*huggingface.load(NANO, dtype="float32"), name="nano", order=Order.SPM)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """nano there, in float32."""
    program = os.environ.get("CODEGEM_LLAMA_SERVER")
    if not program:
        pytest.skip("CODEGEM_LLAMA_SERVER names no llama-server")
    from codegem.checkpoints.converting import convert

    folder = tmp_path_factory.mktemp("served")
    convert(NANO, folder / "nano.gguf", to="gguf", type="f32")
    server = Served(program, folder / "nano.gguf", folder / "log")
    yield server
    server.process.kill()
    server.process.wait()


def fitting(engine: Engine, requests: Sequence[Request]) -> list[Request]:
    """The first that nano can hold."""
    held = [request for request in requests if len(engine.ids(request.prompt)) + request.max_tokens <= 320]
    assert len(held) >= COUNT
    return held[:COUNT]


def rows(name: str, shared: Path | None) -> list[dict[str, str]]:
    """Problems of HumanEval where they are at hand, else places in modules of Python's library."""
    if shared is not None:
        with gzip.open(shared / name, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file][:: 7 if "Infilling" in name else 1]
    text = "".join(inspect.getsource(module) for module in (argparse, textwrap))
    lines = text.splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if line.strip()][10 :: len(lines) // 100]
    return [
        {"prompt": "".join(lines[max(0, at - 10) : at]), "suffix": "".join(lines[at + 1 : at + 8])} for at in places
    ]


@pytest.fixture(scope="module")
def shared() -> Path | None:
    """The folder of the benchmarks' data, or None."""
    folder = Path(os.environ.get("CODEGEM_BENCHMARK_DATA") or Path(__file__).parents[3] / "shared" / "data")
    return folder if (folder / "humaneval").exists() else None


def compare(engine: Engine, served: Served, requests: Sequence[Request], layout: str = "spm") -> int:
    """How many answers are the same in text, tokens and stop reason."""
    remote = RemoteModel(served.address, layout=layout)  # type: ignore[arg-type]
    there = dict(finished(remote, requests))
    here = dict(finished(engine, requests))
    assert there.keys() == here.keys() == set(range(len(requests)))
    assert sum(bool(output.text) for output in there.values()) > len(requests) // 3
    return sum(there[index] == here[index] for index in here)


def test_continued_prompts(engine: Engine, served: Served, shared: Path | None) -> None:
    requests = [Request(row["prompt"], 64, STOP) for row in rows("humaneval/HumanEval.jsonl.gz", shared)]
    assert compare(engine, served, fitting(engine, requests)) >= COUNT - 1


def test_filled_holes(engine: Engine, served: Served, shared: Path | None) -> None:
    found = rows("humaneval_infilling/HumanEval-SingleLineInfilling.jsonl.gz", shared)
    requests = [Request(Infill(row["prompt"], row["suffix"], "solution.py"), 48) for row in found]
    assert compare(engine, served, fitting(engine, requests)) >= COUNT - 1


def test_other_files_and_psm(engine: Engine, served: Served) -> None:
    hole = Infill("from a import", "\n\nprint(1)\n", "b.py", (("a.py", "def area(width):\n    return width\n"),))
    engine.order = Order.PSM
    try:
        assert compare(engine, served, [Request(hole, 24)] * 3, "psm") == 3
    finally:
        engine.order = Order.SPM


def test_a_prompt_that_is_too_long_is_lost_alone(served: Served) -> None:
    remote, found = RemoteModel(served.address), {}
    requests = [Request("x = 1\n" * 400, 8), Request("def f(", 8)]
    with pytest.raises(SourceError) as caught:
        for index, output in finished(remote, requests):
            found[index] = output
    assert list(found) == [1]
    assert list(caught.value.failed) == [0] and "400" in caught.value.failed[0]


def test_cancelling_frees_the_server(served: Served) -> None:
    remote = RemoteModel(served.address)
    with closing(remote.generate([Request("def f(", 300)] * 4)) as chunks:
        next(chunks)
    (output,) = outputs(remote, [Request("import", 4, temperature=0.8, top_p=0.9, seed=3)])
    assert isinstance(output, Output) and output.tokens <= 4


def test_a_server_that_is_killed(served: Served) -> None:
    """The last test of the module: half an answer is none."""
    remote, whole = RemoteModel(served.address, retries=0), []
    with pytest.raises(SourceError, match="answers did not come"):
        for chunk in remote.generate([Request(f"def f{number}(", 300) for number in range(4)]):
            served.process.kill()
            whole += [chunk] if chunk.stop_reason == StopReason.LENGTH else []
    assert not whole
