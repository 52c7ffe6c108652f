"""Watching a program to its end: output, clock, memory, processes, and killing all of it."""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from codegem.sandbox.limits import Finished, SandboxError, SandboxLimits, Status
from codegem.sandbox.processes import files_under, held_by, sockets, tree

_TICK = 0.02  # seconds between two looks
_PATIENCE = 5.0  # seconds for bubblewrap to make its first process


@dataclass(frozen=True)
class Launch:
    """How to start a program.

    Attributes:
        descriptors: open files that the new process takes over, `status` among them.
        status: the file where bubblewrap tells the process id and the exit code; None without bubblewrap.
        folder: where it starts, and its environment, without bubblewrap.
        stdin: its standard input.
    """

    arguments: Sequence[str]
    descriptors: tuple[int, ...] = ()
    status: int | None = None
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""


def supervise(launch: Launch, limits: SandboxLimits, folders: Sequence[str]) -> Finished:
    """Run a program to its end or to its first limit.

    Args:
        folders: what it can write to, where the number of files is held to the limit.

    Raises:
        SandboxError: it could not be started, or nobody knows how it ended.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        run = _Run(_started(launch, stack), launch, limits, folders)
        try:
            status = run.watch(started + limits.seconds)
        finally:
            run.kill()
    return run.finished(status, time.monotonic() - started)


def _started(launch: Launch, stack: ExitStack) -> "subprocess.Popen[bytes]":
    gate = None
    if launch.status is not None or launch.stdin:
        # Nobody else holds our end, so the other tells the program's side whether we live: see `_gate`.
        ours, gate = map(stack.enter_context, socket.socketpair())
        _hand_over(ours, launch.stdin)
    try:
        return subprocess.Popen(
            launch.arguments,
            stdin=subprocess.DEVNULL if gate is None else gate.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=launch.descriptors,
            cwd=launch.folder,
            env=dict(launch.environment) or {"PATH": os.defpath},
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxError(f"{launch.arguments[0]} could not be started: {error}") from error
    finally:
        if gate is not None:
            gate.close()


def _hand_over(ours: socket.socket, data: bytes) -> None:
    """Put all of a program's input into the socket, where it can be read once."""
    ours.setblocking(False)
    try:
        sent = ours.send(data) if data else 0
    except BlockingIOError:
        sent = 0
    if sent < len(data):
        raise SandboxError(f"{len(data)} bytes of input could not be handed over at once")
    ours.shutdown(socket.SHUT_WR)


class _Run:
    """A program that runs."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", launch: Launch, limits: SandboxLimits, folders: Sequence[str]
    ):
        self._process, self._limits, self._folders = process, limits, folders
        self._told = launch.status
        self._init: int | None = None if launch.status is not None else process.pid
        self._handle: int | None = None
        self._exit_code: int | None = None
        assert process.stdout and process.stderr
        self._streams = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}

    def watch(self, deadline: float) -> Status:
        """Read what comes until the program ends or passes a limit."""
        with selectors.DefaultSelector() as selector:
            for descriptor in self._streams:
                os.set_blocking(descriptor, False)
                selector.register(descriptor, selectors.EVENT_READ)
            following = 0.0
            while selector.get_map():
                for key, _ in selector.select(_TICK):
                    if not self._read(key.fd):
                        selector.unregister(key.fd)
                if any(len(data) > self._limits.output_bytes for data in self._streams.values()):
                    return Status.OUTPUT
                now = time.monotonic()
                if now >= deadline:
                    return Status.TIME
                if now >= following:
                    following = now + _TICK
                    if status := self._over():
                        return status
                if self._process.poll() is not None:
                    # Whoever still holds the pipes is killed with the rest; what was written is read first.
                    self._drain()
                    return Status.EXITED
        return self._wait(deadline)

    def kill(self) -> None:
        """End every process of the run, and wait for the first."""
        self._hear_all()
        for number in () if self._told is not None else tree(self._process.pid):
            with contextlib.suppress(OSError):
                os.kill(number, signal.SIGKILL)
        if self._handle is not None:
            with contextlib.suppress(OSError):
                # The first process of the namespace: the kernel ends all others with it.
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            os.close(self._handle)
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def finished(self, status: Status, seconds: float) -> Finished:
        """What is known in the end."""
        raw, errors = (bytes(data[: self._limits.output_bytes]) for data in self._streams.values())
        out, err = raw.decode("utf-8", "replace"), errors.decode("utf-8", "replace")
        if status != Status.EXITED:
            return Finished(status, None, out, err, seconds, f"stopped: {status}", raw)
        code = self._exit_code if self._told is not None else self._process.returncode
        if code is None:
            raise SandboxError(f"bubblewrap gave no exit code: {err.strip()[-300:] or 'it said nothing'}")
        code = code if code >= 0 else 128 - code
        return Finished(status, code, out, err, seconds, "" if code == 0 else _reason(code), raw)

    def _wait(self, deadline: float) -> Status:
        """The program closed its output and goes on."""
        while self._process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return Status.TIME
            if status := self._over():
                return status
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(min(_TICK, left))
        return Status.EXITED

    def _read(self, descriptor: int) -> bool:
        """Take what is there; False at the end."""
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return True
        if len(kept := self._streams[descriptor]) <= self._limits.output_bytes:
            kept += data
        return bool(data)

    def _drain(self) -> None:
        for descriptor in self._streams:
            for _ in range(2 + self._limits.output_bytes // (1 << 16)):
                with contextlib.suppress(OSError):
                    if not self._read(descriptor):
                        break

    def _hear(self) -> None:
        """Lines of JSON from bubblewrap: the id of the first process, then the exit code."""
        if self._told is None:
            return
        *lines, _ = os.pread(self._told, 4096, 0).split(b"\n")
        for told in map(json.loads, lines):
            self._exit_code = told.get("exit-code", self._exit_code)
            if self._init is None and "child-pid" in told:
                self._init = int(told["child-pid"])
                with contextlib.suppress(OSError):
                    self._handle = os.pidfd_open(self._init)

    def _hear_all(self) -> None:
        """Before its first process is killed, bubblewrap has to tell of its second, which would wait for ever."""
        self._hear()
        patience = time.monotonic() + _PATIENCE
        while self._init is None and self._process.poll() is None and time.monotonic() < patience:
            time.sleep(_TICK / 10)
            self._hear()

    def _over(self) -> Status | None:
        if self._init is None:
            self._hear()
        if self._init is None:
            return None
        processes = tree(self._init)
        if len(processes) > self._limits.processes + 2:  # bubblewrap's own
            return Status.PROCESSES
        if held_by(processes, self._limits.memory) > self._limits.memory:
            return Status.MEMORY
        if self._told is not None and sockets(self._init) > self._limits.sockets:
            return Status.SOCKETS
        size, most = self._limits.folder_bytes, self._limits.files
        if any(files_under(self._init, folder, size) > most for folder in self._folders):
            return Status.FILES
        return None


def _reason(code: int) -> str:
    if code > 128:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(code - 128).name}"
    return f"exit code {code}"
