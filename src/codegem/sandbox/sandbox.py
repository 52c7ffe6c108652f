"""Run a command that nobody trusts.

    >>> run(["/usr/bin/env", "sh", "-c", "echo hello"]).stdout      # doctest: +SKIP
    'hello\\n'

A program that fails, hangs or grows is a `Finished`; a sandbox that fails is a `SandboxError`.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from codegem.sandbox import bubblewrap
from codegem.sandbox.limits import Finished, SandboxError, SandboxLimits
from codegem.sandbox.supervise import Launch, supervise

_MOST_INPUT = 128 << 10  # bytes that fit into a socket at once


def run(
    command: Sequence[str],
    files: Mapping[str, str | bytes] | None = None,
    limits: SandboxLimits | None = None,
    *,
    read_only: Sequence[Path] = (),
    hidden: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    unprotected: bool = False,
) -> Finished:
    """Run a command to its end, or to the first limit that it passes.

    Args:
        command: the program, by its absolute path or as ./NAME of one of `files`, and its arguments. It starts in
            its work folder.
        files: names in the work folder, and what they hold. All of them may be executed.
        read_only: paths outside /usr that the command needs, such as a toolchain's folder.
        hidden: folders of /usr and of `read_only` that the command finds empty.
        environment: variables besides PATH, HOME, TMPDIR and LANG; nothing of our own is passed on.
        stdin: standard input, up to 128 KiB. Unlike a file it can be read once: what the command has taken, its
            children can't get from anywhere, also not out of the memory of bubblewrap's own process beside them.
        unprotected: without bubblewrap: the program may read and change whatever you may, and use the network.
            Only its clock, output, memory and processes are watched.

    Raises:
        UserError: bubblewrap is not installed.
        SandboxError: the sandbox could not be made, or the program or one of `read_only` is not on this machine.
        ValueError: a file's name leads out of the work folder, or the input is too long.
    """
    limits, files, environment = limits or SandboxLimits(), files or {}, environment or {}
    _check(command, files, read_only)
    if len(stdin) > _MOST_INPUT:
        raise ValueError(f"{len(stdin)} bytes of input are more than {_MOST_INPUT}")
    with ExitStack() as stack:
        if unprotected:
            start, folders = _bare(command, files, limits, environment, stdin, stack), ()
        else:
            start = bubblewrap.launch(command, files, limits, read_only, hidden, environment, stdin, stack)
            folders = bubblewrap.FOLDERS
        return supervise(start, limits, folders)


def _check(command: Sequence[str], files: Mapping[str, str | bytes], read_only: Sequence[Path]) -> None:
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.name or "\0" in name:
            raise ValueError(f"{name!r} is not the name of a file in the work folder")
    own = bool(command) and command[0].startswith("./") and command[0][2:] in files
    if not own and (not command or not Path(command[0]).is_absolute()):
        raise ValueError(
            f"{command[:1]} is not a program by its absolute path, or ./NAME of a file that is handed over"
        )
    for needed in (*(() if own else (Path(command[0]),)), *read_only):
        if not needed.exists():
            raise SandboxError(f"{needed} is not on this machine")


def _bare(
    command: Sequence[str],
    files: Mapping[str, str | bytes],
    limits: SandboxLimits,
    environment: Mapping[str, str],
    stdin: bytes,
    stack: ExitStack,
) -> Launch:
    """The command as it is, in a folder that is deleted afterwards."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="codegem-", ignore_cleanup_errors=True)))
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(0o755)
    own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", **environment}
    return Launch(["prlimit", *bubblewrap.within(limits), *command], folder=folder, environment=own, stdin=stdin)
