"""What a toolchain is, and the small things that all of them need."""

import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from codegem.sandbox.limits import SandboxError, SandboxLimits

BUILD = SandboxLimits(
    seconds=60.0,
    cpu_seconds=60,
    memory=2 << 30,
    file_bytes=64 << 20,
    folder_bytes=256 << 20,
    output_bytes=64 << 20,
)


@dataclass(frozen=True)
class Toolchain:
    """How to build and run a program of one file.

    Attributes:
        language: as in `text.languages`.
        version: for a report, such as "g++ 12.2.0".
        file: the name that the program's text gets.
        command: what runs it, in the folder where its file lies, or what was built of it.
        read_only: what the sandbox has to show besides /usr.
        hidden: folders that it must not show: packages that hold the answers of a benchmark may lie there.
        heap: the option that holds the run's heap to a number of MiB, with `{}` for it; "" where nothing is needed.
        probe: a program that prints "well".
        build: the commands that make `built` of `file`, in that folder; () where programs run as they are.
        built: the name of what is built; the run gets that file alone.
        tools: what the build has to see besides /usr.
        batch: how many programs one build should take, where that is faster; then `build` is `CompileMany` (`jvm.py`).
        limits: of a run, and of one program's build.
    """

    language: str
    version: str
    file: str
    command: tuple[str, ...]
    read_only: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    heap: str = ""
    probe: str = ""
    build: tuple[tuple[str, ...], ...] = ()
    built: str = ""
    tools: tuple[Path, ...] = ()
    batch: int = 1
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    build_limits: SandboxLimits = BUILD

    def within(self, memory: int) -> tuple[str, ...]:
        """The command for a run that may hold `memory` bytes.

        >>> Toolchain("java", "", "Main.java", ("java", "Main"), heap="-Xmx{}m").within(1 << 30)
        ('java', '-Xmx614m', 'Main')
        """
        if not self.heap:
            return self.command
        # The rest is for the machine itself: code, stacks, what its threads hold.
        return (self.command[0], self.heap.format(memory * 6 // 10 >> 20), *self.command[1:])


def program(name: str) -> Path | None:
    """A program on the PATH, by the file that it is in the end."""
    found = shutil.which(name) or shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
    return Path(os.path.realpath(found)) if found else None


def ask(*command: str | Path, environment: dict[str, str] | None = None, folder: Path | None = None) -> str:
    """What a tool of the machine's own says of itself.

    Raises:
        SandboxError: it fails.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=600,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SandboxError(f"{words[0]} does not work: {error}") from error
    if done.returncode:
        raise SandboxError(f"{words[0]} does not work: {done.stderr.strip()[-300:] or f'exit code {done.returncode}'}")
    return done.stdout.strip()


def outside(file: Path) -> tuple[Path, ...]:
    """What has to be shown so that a program runs: nothing where it lies in /usr, else where it was installed."""
    if file.is_relative_to("/usr"):
        return ()
    prefix = file.parent.parent
    alone = file.parent.name != "bin" or Path.home().is_relative_to(prefix)  # never somebody's home
    return (file,) if alone else (prefix,)


def site_packages() -> tuple[Path, ...]:
    """Where Python packages were installed, as far as programs in the sandbox would see it."""
    own = {Path(sysconfig.get_path(name, vars=_BASE)) for name in ("purelib", "platlib")}
    shared = [*Path("/usr/lib/python3").glob("*-packages"), *Path("/usr/local/lib").glob("python3*/*-packages")]
    return tuple(sorted(path for path in {*own, *shared} if path.is_dir()))


_BASE = {name: sysconfig.get_config_var("installed_base") for name in ("base", "platbase")}
