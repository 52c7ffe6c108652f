"""The engines of `cpu.py`: each a process that loads once and then does one command a line, answered with JSON."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Between two turns, in seconds: threads of the engine that had the last one may wait actively for some time.
REST = 0.05


@dataclass(frozen=True)
class Llama:
    """A llama.cpp: its source tree, its shared-library build, and the settings that are best here."""

    source: Path
    build: Path
    batch: int = 512
    flash: int = -1
    kv: str = "f16"


@dataclass
class Worker:
    """One process.

    Attributes:
        about: its first line: what it loaded.
    """

    name: str
    command: Sequence[str]
    about: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> "Worker":
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(list(self.command), stdin=pipe, stdout=pipe, text=True)
        self.about = self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        if self._process.wait(60):
            raise SystemExit(f"{self.name} ended with status {self._process.returncode}")

    def ask(self, *words: object) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        assert self._process.stdin
        time.sleep(REST)
        print(*words, file=self._process.stdin, flush=True)
        return self._answer()

    def peak_bytes(self) -> int:
        """The largest resident size so far, mapped files included (Linux counts it)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        return cpu_seconds(self._process.pid)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} gave no answer and ended with status {self._process.wait(60)}")
        return json.loads(line)


def cpu_seconds(process: int) -> float:
    """Processor time that a process has used so far, all its threads together."""
    user, system = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def machine_seconds() -> float:
    """Processor time that all processes of this machine have used so far."""
    user, nice, system, _, _, irq, soft, steal = Path("/proc/stat").read_text(encoding="ascii").split()[1:9]
    return sum(map(int, (user, nice, system, irq, soft, steal))) / os.sysconf("SC_CLK_TCK")


def codegem_worker(model: Path | str, context: int) -> Worker:
    """Ours, in this Python."""
    return Worker("codegem", [sys.executable, str(HERE / "cpu_codegem.py"), str(model), str(context)])


def transformers_worker(python: Path, model: Path, threads: int) -> Worker:
    """Hugging Face Transformers, in an environment that has it."""
    return Worker("Transformers bf16", [str(python), str(HERE / "cpu_transformers.py"), str(model), str(threads)])


def llama_worker(llama: Llama, model: Path, context: int, threads: int, scratch: Path) -> Worker:
    """llama.cpp through `llama_worker.cpp`, compiled against the build given."""
    program, source = scratch / "llama_worker", llama.source
    libraries = llama.build / "bin"
    if not program.exists():
        includes = [f"-I{source / folder}" for folder in ("include", "ggml/include", "common")]
        linked = [f"-L{libraries}", "-lllama-common", "-lllama", "-lggml", "-lggml-base", f"-Wl,-rpath,{libraries}"]
        compile_program(HERE / "llama_worker.cpp", program, [*includes, *linked])
    settings = (context, threads, llama.batch, llama.flash, llama.kv)
    return Worker("llama.cpp", [str(program), str(model), *map(str, settings)])


def bandwidth_worker(threads: int, scratch: Path) -> Worker:
    """The yardstick: streaming reads of 1.5 GiB."""
    program = scratch / "memory_bandwidth"
    if not program.exists():
        compile_program(HERE / "memory_bandwidth.cpp", program, ["-march=native", "-pthread"])
    return Worker("memory", [str(program), "1536", str(threads)])


def compile_program(source: Path, program: Path, options: Sequence[str]) -> None:
    """C++17, optimized; libraries stand behind the source."""
    subprocess.run(["g++", "-std=c++17", "-O3", str(source), *options, "-o", str(program)], check=True)
