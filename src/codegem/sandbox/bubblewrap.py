"""The command line of bubblewrap: what a program sees of the machine.

It sees /usr and the toolchain's own paths, read-only; its own /proc and /dev; and a work folder, /tmp and
/dev/shm in memory, which are gone when it ends. It has no network, no environment but what it is given, no
capabilities, another user id, and not all of the kernel's system calls (`seccomp`).

A user who is not root gets this through a user namespace. Root needs none, and would not be held to the
limit on processes in one (the kernel exempts the first user), so there the program changes to a user id that
no other run has.
"""

import itertools
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from codegem.errors import UserError
from codegem.sandbox import seccomp
from codegem.sandbox.limits import SandboxError, SandboxLimits
from codegem.sandbox.supervise import Launch

WORK = "/work"
FOLDERS = (WORK, "/tmp", "/dev/shm")  # what it can write to
_SHIPPED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")  # links into /usr on most systems
_ALSO = ("/etc/alternatives", "/etc/ld.so.cache")
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": WORK, "TMPDIR": "/tmp", "LANG": "C.UTF-8"}
_NOBODY = "65534"
_FIRST_USER = 1 << 30
_runs = itertools.count()


def require() -> str:
    """Where bubblewrap is installed.

    Raises:
        UserError: it is not; the sentence says how to install it.
    """
    found = {name: shutil.which(name) for name in ("bwrap", "prlimit", "setpriv")}
    for name, path in found.items():
        if path is None:
            raise UserError(
                f"Running what a model wrote needs {name}: install bubblewrap and util-linux "
                "(`apt-get install bubblewrap util-linux`), on a Linux system."
            )
    return str(found["bwrap"])


def launch(
    command: Sequence[str],
    files: Mapping[str, str | bytes],
    limits: SandboxLimits,
    read_only: Sequence[Path],
    hidden: Sequence[Path],
    environment: Mapping[str, str],
    stdin: bytes,
    stack: ExitStack,
) -> Launch:
    """How to start a command in a sandbox of its own.

    Args:
        stack: closes the files that are handed over.
    """
    program = require()
    root = os.geteuid() == 0
    handed = [(name, _in_memory(content, stack)) for name, content in files.items()]
    calls = [_in_memory(filtered, stack)] if (filtered := seccomp.program()) else []
    # Memory, not a pipe: bubblewrap's first process would die of a pipe that nobody reads, and leave its child behind.
    status = _in_memory(b"", stack)
    arguments = [
        *(program, "--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"),
        *(_as_root() if root else _as_user()),
        *_machine(),
        *_folders(limits),
        *_shown(read_only, hidden),
        *_files(handed),
        *(word for item in {**_ENVIRONMENT, **environment}.items() for word in ("--setenv", *item)),
        *(word for descriptor in calls for word in ("--seccomp", str(descriptor))),
        *("--json-status-fd", str(status), "--chdir", WORK, "--"),
        *(_other_user() if root else ()),
        *("prlimit", f"--nproc={limits.processes}", *within(limits)),
        *_gate(stdin),
        *command,
    ]
    return Launch(arguments, (status, *(descriptor for _, descriptor in handed), *calls), status, stdin=stdin)


def within(limits: SandboxLimits) -> list[str]:
    """The options of prlimit that hold each process of a command to the kernel's own limits."""
    return [
        f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}",
        f"--fsize={limits.file_bytes}",
        "--nofile=1024",
        "--core=0",
        "--",
    ]


def _gate(stdin: bytes) -> list[str]:
    """What starts the command only while we live.

    Its input is a socket whose other end only we hold. If we are dead it can't write, so the program does not start:
    from then on bubblewrap's processes die with us, but one that starts while we die would not know.
    """
    return ["/bin/sh", "-c", f'echo >&0 && exec "$@"{"" if stdin else " </dev/null"}', "sh"]


def _as_user() -> list[str]:
    return ["--unshare-all", "--cap-drop", "ALL", "--uid", _NOBODY, "--gid", _NOBODY]


def _as_root() -> list[str]:
    own = ("ipc", "pid", "net", "uts", "cgroup-try")
    capabilities = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*(f"--unshare-{name}" for name in own), *capabilities]


def _other_user() -> list[str]:
    number = _FIRST_USER + ((os.getpid() << 8 | next(_runs) & 255) & (_FIRST_USER - 1))
    return ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]


def _machine() -> list[str]:
    words = ["--ro-bind", "/usr", "/usr"]
    for path in _SHIPPED:
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
        else:
            words += ["--ro-bind-try", path, path]
    words += _parents(_ALSO)
    for path in _ALSO:
        words += ["--ro-bind-try", path, path]
    # A user's program has the same user id as bubblewrap's own process, and could read what passed through its memory.
    words += ["--proc", "/proc", "--perms", "0555", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"]
    # /dev/zero gives shared memory of the kind that `seccomp` refuses.
    return [*words, "--dev", "/dev", "--dev-bind", "/dev/null", "/dev/zero"]


def _folders(limits: SandboxLimits) -> list[str]:
    size = str(limits.folder_bytes)
    return [word for path in FOLDERS for word in ("--perms", "1777", "--size", size, "--tmpfs", path)]


def _shown(read_only: Sequence[Path], hidden: Sequence[Path]) -> list[str]:
    """After the folders that can be written to: what is shown may lie in one of the same name."""
    paths = list(map(str, read_only))
    words = _parents(paths)
    for path in paths:
        words += ["--ro-bind", path, path]
    for folder in map(str, hidden):
        words += ["--perms", "0755", "--tmpfs", folder, "--remount-ro", folder]
    return words


def _parents(paths: Sequence[str]) -> list[str]:
    """The folders above paths, else bubblewrap would make them so that only root may look into them."""
    above = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"/", "/usr", *FOLDERS}
    return [word for folder in sorted(above) for word in ("--perms", "0755", "--dir", folder)]


def _files(handed: Sequence[tuple[str, int]]) -> list[str]:
    words: list[str] = []
    for parent in sorted({parent for name, _ in handed for parent in PurePosixPath(name).parents}):
        if parent.name:
            words += ["--perms", "0777", "--dir", f"{WORK}/{parent}"]
    for name, descriptor in handed:
        words += ["--perms", "0777", "--file", str(descriptor), f"{WORK}/{name}"]
    # What is left of the root and of /dev is memory that could be filled.
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/"]


def _in_memory(content: str | bytes, stack: ExitStack) -> int:
    data = content.encode() if isinstance(content, str) else content
    try:
        file = stack.enter_context(os.fdopen(os.memfd_create("file"), "wb"))
        file.write(data)
        file.flush()
    except OSError as error:
        raise SandboxError(f"a file could not be handed over: {error}") from error
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return file.fileno()
