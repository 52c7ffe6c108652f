"""One run in several processes, on one machine or many: joining them, agreeing, and what is said when one is lost.

JAX's own runtime finds the others and watches over them; when one dies, the rest can't go on and are ended within
`HEARTBEAT_SECONDS`. All of them started again go on from the last checkpoint.
"""

import atexit
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from codegem.errors import UsageError, UserError

HEARTBEAT_SECONDS = 30  # a process that is not heard of for so long is lost
_AGREE_SECONDS = 3600  # the others may be writing a checkpoint

# Nothing can be caught when the runtime ends a process, so another one is at hand to say what happened.
_LAST_WORDS = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if not sys.stdin.buffer.read():
    print(sys.argv[1], file=sys.stderr, flush=True)
"""
_AGAIN = (
    "What it printed says why. Start all of them again with the same command, and the run goes on from its last "
    "checkpoint."
)
_calls = itertools.count()
_words: list[subprocess.Popen[bytes]] = []


def start(
    coordinator: str | None = None, processes: int | None = None, process: int | None = None, seconds: int = 300
) -> None:
    """Join the processes of a run, before anything is computed; each of them calls it, with the same command.

    What is not given is taken from the environment where JAX knows it: a TPU slice, Slurm, Open MPI, a Kubernetes
    JobSet.

    Args:
        coordinator: HOST:PORT of process 0, at which the others find it.
        processes: how many there are.
        process: which of them this is, from 0 on.
        seconds: how long the others are waited for.

    Raises:
        UsageError: what is not given can't be found out either, or makes no sense.
        UserError: nobody answers at `coordinator`.
    """
    import jax

    _check(coordinator, processes, process)
    if coordinator is not None and process:
        _wait_for(coordinator, seconds)
    _last_words(process, processes)
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            process,
            initialization_timeout=seconds,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
        )
    except ValueError as error:
        raise UsageError(
            "The environment does not say which processes the run has (no TPU slice, Slurm or Open MPI step, or "
            f"Kubernetes JobSet: {error}) Give --coordinator HOST:PORT --processes N --process I."
        ) from error
    except RuntimeError as error:
        raise UserError(
            f"The processes of the run did not find each other within {seconds} seconds: {_first_line(error)} "
            "Start all of them, with the same --coordinator and --processes."
        ) from error


@contextmanager
def together() -> Iterator[None]:
    """What is done inside is done by all processes; when one is lost, the others say so and end.

    Raises:
        UserError: another process has died or can't be reached.
    """
    import jax

    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        atexit.register(_leave_at_once)  # what is registered last comes first: nobody is waited for
        raise UserError(
            f"Another process of the run has died or can't be reached: {_first_line(error).split('. ')[0]}. {_AGAIN}"
        ) from error


def is_first() -> bool:
    """Whether this process is the one that prints and writes what only one may write; always, where it is alone."""
    import jax

    return jax.process_index() == 0


def any_process(flag: bool) -> bool:
    """Whether any process says so. All of them must call it equally often: each call waits for the others."""
    import jax

    if jax.process_count() == 1:
        return flag
    from jax._src.distributed import global_state  # no public name for the store that all processes share

    client, name = global_state.client, f"codegem/any/{next(_calls)}"
    assert client is not None
    if flag:
        client.key_value_set(f"{name}/{jax.process_index()}", "yes")
    client.wait_at_barrier(name, _AGREE_SECONDS * 1000)
    return bool(client.key_value_dir_get(name))


def _check(coordinator: str | None, processes: int | None, process: int | None) -> None:
    given = {"--coordinator": coordinator, "--processes": processes, "--process": process}
    if coordinator is None and (processes is not None or process is not None):
        raise UsageError("--processes and --process go with --coordinator HOST:PORT, the address of process 0.")
    if coordinator is None:
        return
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"--coordinator is {coordinator}; it must be HOST:PORT, as in 10.0.0.1:1234.")
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise UsageError(f"--coordinator goes with {' and '.join(missing)}, which say how many processes there are.")
    assert processes is not None and process is not None
    if not 0 <= process < processes:
        raise UsageError(f"--process is {process}; with --processes {processes} it must be 0 to {processes - 1}.")


def _wait_for(coordinator: str, seconds: int) -> None:
    host, _, port = coordinator.rpartition(":")
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise UserError(
                    f"Nobody answers at {coordinator} since {seconds} seconds ({error.strerror or error}): "
                    "start process 0 there, or correct --coordinator."
                ) from error
        time.sleep(0.5)


def _last_words(process: int | None, processes: int | None) -> None:
    """Have it said when this process is ended by force."""
    name = "A process of the run" if process is None else f"Process {process} of {processes}"
    sentence = f"{name} was ended. If nobody stopped it, another one has died or can't be reached. {_AGAIN}"
    words = subprocess.Popen([sys.executable, "-I", "-S", "-c", _LAST_WORDS, sentence], stdin=subprocess.PIPE)
    _words.append(words)
    atexit.register(_leave)


def _leave() -> None:
    """Wait for the others a while, and take the sentence back: what there was to say, this process has said."""
    import jax

    with suppress(RuntimeError):  # the others are gone already
        jax.distributed.shutdown()
    _take_back()


def _leave_at_once() -> None:
    _take_back()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(UserError.exit_code)


def _take_back() -> None:
    for words in _words:
        words.communicate(b"done")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
