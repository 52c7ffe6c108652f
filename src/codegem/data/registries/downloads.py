"""Running a package manager to download one file: within limits, and with its words told apart.

What `pip_client`, `npm_client` and `debian_client` share.
"""

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from codegem.errors import UserError

# The largest files of plain packages are some tens of MB, the largest unpacked a few hundred. This is only to
# keep a wrong or hostile registry from filling the disk before the hash can be looked at.
MAX_BYTES = 512 * 2**20
STALLED_SECONDS = 900.0  # no file takes this long; a program that does is waiting for nothing


class TransientError(Exception):
    """The network's fault: the same download may succeed in a moment."""


def run(command: Sequence[str], into: Path, what: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a program to its end, in the folder that it downloads to.

    Args:
        what: how to name the file in a sentence.
        environment: in place of this process's.

    Returns:
        Its exit code, and what it wrote to its two outputs.

    Raises:
        UserError: it took more than `MAX_BYTES` of disk.
        TransientError: it took more than `STALLED_SECONDS`.
    """
    with (into / "log").open("w+", errors="replace") as log:
        process = subprocess.Popen(command, cwd=into, stdout=log, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, env=dict(environment))  # fmt: skip
        try:
            _wait_within_limits(process, command[0], what, into)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        log.seek(0)
        return process.returncode, log.read()


def failure(what: str, errors: Sequence[str], output: str, passing: re.Pattern[str]) -> Exception:
    """What a program's words mean for us: once more, or not at all.

    Args:
        errors: the lines that tell why; none if it said nothing.
        passing: the words of a fault that may pass, anywhere in `output`.
    """
    reason = ": ".join(errors).rstrip(".") or "no reason was given"
    if passing.search(output):
        return TransientError(reason)
    return UserError(f"{what} could not be downloaded: {reason}.")


def lines_after(mark: str, output: str) -> list[str]:
    """What stands behind a mark, of the lines that begin with it.

    >>> lines_after("E:", "Reading\\nE: No such file\\n")
    ['No such file']
    """
    return [line.removeprefix(mark).strip() for line in output.splitlines() if line.startswith(mark)]


def _wait_within_limits(process: subprocess.Popen[bytes], program: str, what: str, into: Path) -> None:
    """Wait for a program; give up when it takes too much disk or too much time."""
    deadline = time.monotonic() + STALLED_SECONDS
    while True:
        try:
            process.wait(timeout=0.5)
            return
        except subprocess.TimeoutExpired:
            pass
        if _size(into) > MAX_BYTES:
            raise UserError(f"{what} is larger than {MAX_BYTES // 2**20} MB, the limit.")
        if time.monotonic() > deadline:
            raise TransientError(f"{Path(program).name} did not finish in {STALLED_SECONDS:.0f} seconds")


def _size(folder: Path) -> int:
    """Bytes below a folder that another process is writing: a file may vanish between two looks."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                size += Path(parent, name).lstat().st_size
            except FileNotFoundError:
                continue
    return size
