"""Downloads one pinned package of a corpus with npm, running none of the package's code.

`npm pack NAME@VERSION` writes the package's file as the registry gives it and installs nothing; a package has
scripts that run at other times, and those are switched off as well.
"""

import os
import re
import shutil
from pathlib import Path

from codegem.data.registries.corpus_manifest import Package
from codegem.data.registries.downloads import failure, lines_after, run
from codegem.errors import UserError

_PASSING = re.compile(
    r"\b(E(TIMEDOUT|CONNRESET|CONNREFUSED|AI_AGAIN|PIPE|INTEGRITY)|ERR_SOCKET_TIMEOUT|E429|E5\d\d)\b"
    r"|network timeout|socket hang up"
)


class NpmClient:
    """Downloads with npm, so that its settings count: the registry, a proxy, credentials.

    >>> NpmClient().download(package, Path("somewhere"))  # doctest: +SKIP
    PosixPath('somewhere/express-5.1.0.tgz')
    """

    def __init__(self) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise UserError("This corpus names npm packages, and npm is not installed: install Node.js with npm.")
        self._npm = npm

    def download(self, package: Package, into: Path) -> Path:
        """Have npm download the one file; its cache lies in `into` too, so that all is counted."""
        self._run(f"{package.name}@{package.version}", package.file, into)
        return into / package.file

    def download_unpinned(self, name: str, into: Path) -> Path:
        """Download the newest version, whose hash nobody has written down yet, in order to pin it."""
        self._run(name, name, into)
        return next(into.glob("*.tgz"))

    def _run(self, spec: str, what: str, into: Path) -> None:
        command = [self._npm, "pack", spec, "--ignore-scripts", f"--cache={into / 'cache'}"]
        command += ["--loglevel=error", "--update-notifier=false", "--offline=false"]
        code, output = run(command, into, what, os.environ | {"TMPDIR": str(into)})
        if code != 0:
            raise failure(what, lines_after("npm error", output)[:2], output, _PASSING)
