"""What a program may use, and how its run ended."""

from dataclasses import dataclass, field
from enum import StrEnum


class SandboxError(Exception):
    """The sandbox itself failed, so nothing is known of the program: never a wrong answer."""


@dataclass(frozen=True)
class SandboxLimits:
    """What a program may use; the whole of it is killed at the first limit it passes.

    Attributes:
        seconds: of wall clock.
        cpu_seconds: of processor time, of each process.
        memory: bytes that its processes hold together. Looked at fifty times a second, so a program that
            fills memory fast may have a few hundred megabytes more for a moment.
        processes: how many at a time, threads included.
        file_bytes: of one file that it writes.
        folder_bytes: of all files in its work folder; /tmp and /dev/shm have as much again. They are memory too.
        files: how many in each of these.
        sockets: how many at a time; what is under way in them is memory of the kernel.
        output_bytes: of standard output and standard error, each.
    """

    seconds: float = 10.0
    cpu_seconds: int = 10
    memory: int = 1 << 30
    processes: int = 128
    file_bytes: int = 16 << 20
    folder_bytes: int = 64 << 20
    files: int = 10_000
    sockets: int = 256
    output_bytes: int = 1 << 20


class Status(StrEnum):
    """How a run ended: by itself, or at a limit."""

    EXITED = "exited"
    TIME = "out of time"
    MEMORY = "over the memory limit"
    PROCESSES = "over the process limit"
    FILES = "over the file limit"
    SOCKETS = "over the socket limit"
    OUTPUT = "over the output limit"


@dataclass(frozen=True)
class Finished:
    """A run that the sandbox saw to its end.

    Attributes:
        exit_code: of a program that ended by itself; 128 + N where signal N ended it, as in a shell. None where
            it was stopped at a limit.
        stdout: what it wrote, up to the limit; bytes that are not UTF-8 become U+FFFD.
        reason: one sentence for a report; "" where it exited with 0.
        raw: `stdout` as the bytes that came.
    """

    status: Status
    exit_code: int | None
    stdout: str
    stderr: str
    seconds: float
    reason: str
    raw: bytes = field(default=b"", repr=False)

    @property
    def passed(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.exit_code == 0
