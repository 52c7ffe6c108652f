"""Downloads one pinned upstream archive of a Debian source package with apt, running none of its code.

A manifest pins the `.orig.tar` file. Debian gives out the same file with every revision of its own packaging, so
apt's index is asked for a revision that lists this file with this hash, whatever revision was current when the
manifest was written. Format of the index: Debian policy, chapter 5 (`Checksums-Sha256`).
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codegem.data.registries.corpus_manifest import Package
from codegem.data.registries.downloads import failure, lines_after, run
from codegem.errors import UserError

_PASSING = re.compile(
    r"Temporary failure resolving|Could not connect|Connection (failed|timed out|reset)|timed? ?out"
    r"|\b(429|5\d\d) +[A-Z]|Could not get lock|Hash Sum mismatch|Undetermined Error"
)
_ORIGINAL = re.compile(r"\.orig\.tar\.(gz|xz|bz2)$")


@dataclass(frozen=True)
class _Original:
    """An upstream archive, as apt's index lists it for one version."""

    version: str
    file: str
    sha256: str


class DebianClient:
    """Downloads with apt, so that its settings count: which releases, which mirror, a proxy.

    >>> DebianClient().download(package, Path("somewhere"))  # doctest: +SKIP
    PosixPath('somewhere/jansson_2.14.orig.tar.gz')
    """

    def __init__(self) -> None:
        apt, cache = shutil.which("apt-get"), shutil.which("apt-cache")
        if apt is None or cache is None:
            raise UserError(
                "This corpus names Debian source packages, and apt is not installed: "
                "fetch it on a machine with Debian or Ubuntu."
            )
        self._apt, self._cache = apt, cache

    def download(self, package: Package, into: Path) -> Path:
        """Have apt download the pinned archive, and nothing of Debian's own packaging."""
        version = self.version_of(package.name, package.file, package.sha256, into)
        self._fetch(package.name, version, package.file, into)
        return into / package.file

    def version_of(self, name: str, file: str, sha256: str, into: Path) -> str:
        """The first version that apt lists with this very archive.

        Raises:
            UserError: there is none.
        """
        listed = self._originals(name, into)
        for one in listed:
            if (one.file, one.sha256) == (file, sha256):
                return one.version
        versions = ", ".join(sorted({one.version for one in listed}))
        raise UserError(
            f"apt lists {name} in the versions {versions}, and none of them has {file} as pinned: "
            "add a deb-src line for the release that has it."
        )

    def download_unpinned(self, name: str, into: Path) -> Path:
        """Download the archive of the first version that apt lists, in order to pin it."""
        original = self._originals(name, into)[0]
        self._fetch(name, original.version, original.file, into)
        return into / original.file

    def _originals(self, name: str, into: Path) -> list[_Original]:
        command = [self._cache, "showsrc", "--only-source", name]
        _, output = run(command, into, name, os.environ | {"LC_ALL": "C"})
        originals = list(_parse(output, name))
        if not originals:
            raise UserError(
                f"apt lists no upstream archive of {name}: it needs a deb-src line in its sources, "
                "and `apt-get update` after it was added."
            )
        return originals

    def _fetch(self, name: str, version: str, file: str, into: Path) -> None:
        command = [self._apt, "source", "--download-only", "--tar-only", "--only-source", f"{name}={version}"]
        code, output = run(command, into, file, os.environ | {"LC_ALL": "C"})
        if code != 0:
            raise failure(file, lines_after("E:", output)[:1], output, _PASSING)


def _parse(index: str, name: str) -> Iterator[_Original]:
    """The main upstream archive of each version in an excerpt of a `Sources` file.

    >>> index = "Package: a\\nVersion: 1.0-2\\nChecksums-Sha256:\\n 0f 7 a_1.0.orig.tar.gz\\n 0e 9 a_1.0-2.dsc\\n"
    >>> list(_parse(index, "a"))
    [_Original(version='1.0-2', file='a_1.0.orig.tar.gz', sha256='0f')]
    """
    for paragraph in index.split("\n\n"):
        fields: dict[str, list[str]] = {}
        values: list[str] = []
        for line in paragraph.splitlines():
            if line.startswith(" "):
                values.append(line.strip())
            elif ":" in line:
                field, _, first = line.partition(":")
                fields[field] = values = [first.strip()]
        if fields.get("Package", [""])[0] != name:
            continue
        for line in fields.get("Checksums-Sha256", []):
            parts = line.split()
            if len(parts) == 3 and _ORIGINAL.search(parts[2]):
                yield _Original(fields.get("Version", [""])[0], parts[2], parts[0])
