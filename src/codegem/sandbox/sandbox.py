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


def run(
    command: Sequence[str],
    files: Mapping[str, str | bytes] | None = None,
    limits: SandboxLimits | None = None,
    *,
    read_only: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    unprotected: bool = False,
) -> Finished:
    """Run a command to its end, or to the first limit that it passes.

    Args:
        command: the program, by its absolute path, and its arguments. It starts in its work folder.
        files: names in the work folder, and what they hold.
        read_only: paths outside /usr that the command needs, such as a toolchain's folder.
        environment: variables besides PATH, HOME, TMPDIR and LANG; nothing of our own is passed on.
        unprotected: without bubblewrap: the program may read and change whatever you may, and use the network.
            Only its clock, output, memory and processes are watched.

    Raises:
        UserError: bubblewrap is not installed.
        SandboxError: the sandbox could not be made, or the program or one of `read_only` is not on this machine.
        ValueError: a file's name leads out of the work folder.
    """
    limits, files, environment = limits or SandboxLimits(), files or {}, environment or {}
    _check(command, files, read_only)
    with ExitStack() as stack:
        if unprotected:
            start, folders = _bare(command, files, limits, environment, stack), ()
        else:
            start = bubblewrap.launch(command, files, limits, read_only, environment, stack)
            folders = bubblewrap.FOLDERS
        return supervise(start, limits, folders)


def _check(command: Sequence[str], files: Mapping[str, str | bytes], read_only: Sequence[Path]) -> None:
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.name or "\0" in name:
            raise ValueError(f"{name!r} is not the name of a file in the work folder")
    if not command or not Path(command[0]).is_absolute():
        raise ValueError(f"{command[:1]} is not a program by its absolute path")
    for needed in (Path(command[0]), *read_only):
        if not needed.exists():
            raise SandboxError(f"{needed} is not on this machine")


def _bare(
    command: Sequence[str],
    files: Mapping[str, str | bytes],
    limits: SandboxLimits,
    environment: Mapping[str, str],
    stack: ExitStack,
) -> Launch:
    """The command as it is, in a folder that is deleted afterwards."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="codegem-", ignore_cleanup_errors=True)))
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", **environment}
    return Launch(["prlimit", *bubblewrap.within(limits), *command], folder=folder, environment=own)
