"""A repository's own tests, run in the sandbox with a model's answer in one of its files."""

import shlex
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codegem.errors import UserError
from codegem.evaluation.repository.places import Place
from codegem.sandbox.limits import Finished, SandboxLimits
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchains import find

# The repository lies beside the work folder, read-only; each run gets a copy of it in memory, with one file changed.
_START = """\
import os, shutil, sys
folder, path, *command = sys.argv[1:]
shutil.copytree(folder, "tree", symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__"))
if path:
    shutil.copyfile("changed", os.path.join("tree", path))
os.chdir("tree")
os.execv(command[0], command)
"""
LIMITS = SandboxLimits(
    seconds=120,
    cpu_seconds=120,
    memory=2 << 30,
    processes=256,
    file_bytes=256 << 20,
    folder_bytes=1 << 30,
    files=100_000,
)
_TAIL = 500  # characters of a failed run that are shown


@dataclass
class OwnTests:
    """The tests of one repository, a folder.

    Args:
        command: what runs them in the repository's folder, as a person would type it, without a shell's own signs;
            it must exit with 0 where they pass.
        read_only: folders besides /usr that the command needs, such as a virtual environment.

    Raises:
        UserError: the folder or the program is not there, or the tests don't pass as the repository stands.
    """

    folder: Path
    command: str
    read_only: Sequence[Path] = ()
    limits: SandboxLimits = LIMITS
    _noticed: dict[str, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        if not self.folder.is_dir():
            raise UserError(f"{self.folder} is not a folder; a repository's tests are run from one.")
        words = shlex.split(self.command)
        program = shutil.which(words[0]) if words else None
        if program is None:
            raise UserError(f"{self.command!r} names no program of this machine; give the command of the tests.")
        self._words = [str(Path(program).absolute()), *words[1:]]
        for path in self.read_only:
            if not path.exists():
                raise UserError(f"{path} is not there; name folders that the tests need.")
        done = self._run("", "")
        if not done.passed:
            said = (done.stdout + done.stderr).strip()[-_TAIL:]
            raise UserError(
                f"`{self.command}` does not pass in the sandbox as the repository stands ({done.reason}); mend that, "
                f"or name the folders that it needs as read-only ones. It said: {said}"
            )

    @property
    def shown(self) -> str:
        """The command, for a report."""
        return self.command

    def pass_with(self, place: Place, answer: str) -> bool | None:
        """Whether the tests pass with an answer at a place; None where they pass with nothing there as well.

        Raises:
            SandboxError: the sandbox failed.
        """
        if not self._notice(place):
            return None
        if answer.rstrip() == place.middle.rstrip():
            return True
        return self._passes(place, answer)

    def _notice(self, place: Place) -> bool:
        with self._lock:
            known = self._noticed.get(place.name)
        if known is None:
            known = not self._passes(place, "")
            with self._lock:
                self._noticed[place.name] = known
        return known

    def _passes(self, place: Place, answer: str) -> bool:
        return self._run(place.document.path, place.prefix + answer + place.suffix).passed

    def _run(self, path: str, text: str) -> Finished:
        python = find("python")
        assert python is not None
        program, read_only = python.command[0], [*python.read_only, self.folder, *self.read_only]
        command = [program, "-I", "-S", "-B", "start.py", str(self.folder), path, *self._words]
        files = {"start.py": _START, "changed": text.encode(errors="replace")}
        return run(command, files, self.limits, read_only=read_only)
