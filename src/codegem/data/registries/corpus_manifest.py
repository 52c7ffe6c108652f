"""The manifest of a corpus: a TOML file, one table a package, each pinned to one file by its hash.

Two people who fetch it a year apart train on the same bytes:

    [[package]]
    registry = "pypi"
    name = "flask"
    version = "3.1.3"
    licence = "BSD-3-Clause"
    file = "flask-3.1.3.tar.gz"
    sha256 = "0ef0e52b8a9cd932855379197dd8f94047b359ca0a78695144304cb45f87c9eb"
    split = "train"

`file` is what the registry gives out: of "pypi" a source distribution (`.tar.gz` or `.zip`), which most often
brings the package's tests, or a wheel; of "npm" a package (`.tgz`); of "debian" the upstream archive of a source
package (`.orig.tar.gz`, `.xz` or `.bz2`).
"""

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from codegem.errors import UserError

SPLITS = ("train", "held-out")

# Names, versions and files become paths and arguments of a package manager, so they may hold nothing else.
_SHAPES = {"licence": r"\S.*", "sha256": r"[0-9a-f]{64}"}
_REGISTRY_SHAPES = {
    "pypi": {
        "name": r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?",
        "version": r"[A-Za-z0-9][A-Za-z0-9.!+_]*",
        "file": r"[A-Za-z0-9][A-Za-z0-9._+!]*-[A-Za-z0-9._+!-]*(?:\.tar\.gz|\.zip|-[^-]+-[^-]+-[^-]+\.whl)",
    },
    "npm": {
        "name": r"(?:@[a-z0-9][a-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*",
        "version": r"\d+\.\d+\.\d+(?:[-+][A-Za-z0-9.+-]+)?",
        "file": r"[A-Za-z0-9][A-Za-z0-9._-]*-\d[A-Za-z0-9.+-]*\.tgz",
    },
    "debian": {
        "name": r"[a-z0-9][a-z0-9.+-]+",
        "version": r"(?:\d+:)?\d[A-Za-z0-9.+~-]*",
        "file": r"[a-z0-9][a-z0-9.+-]+_\d[A-Za-z0-9.+~-]*\.orig\.tar\.(?:gz|xz|bz2)",
    },
}
REGISTRIES = tuple(_REGISTRY_SHAPES)


@dataclass(frozen=True)
class Package:
    """One pinned file of one package."""

    registry: str
    name: str
    version: str
    licence: str  # an SPDX expression
    file: str
    sha256: str
    split: str

    @property
    def is_wheel(self) -> bool:
        """Whether the file is a wheel; else it is a source distribution."""
        return self.file.endswith(".whl")


def read_manifest(path: Path) -> list[Package]:
    """Read a manifest and check every entry.

    >>> packages = read_manifest(Path("corpora/python.toml"))
    >>> packages[0].name, packages[0].split
    ('apscheduler', 'held-out')
    """
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"The manifest {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The manifest {path} is not valid TOML: {error}.") from error
    entries = manifest.get("package")
    if not isinstance(entries, list) or not entries:
        raise UserError(f"The manifest {path} lists no package: it needs at least one [[package]] table.")
    packages = [_read_entry(path, number, entry) for number, entry in enumerate(entries, start=1)]
    _refuse_duplicates(path, packages)
    return packages


def _read_entry(path: Path, number: int, entry: object) -> Package:
    """Check one table of the manifest, and say which one it is when something is wrong."""
    if not isinstance(entry, dict):
        raise UserError(f"In {path}, package {number} is not a table.")
    where = f"In {path}, package {number} ({entry.get('name', 'without a name')})"
    wanted = [field.name for field in fields(Package)]
    if missing := [name for name in wanted if name not in entry]:
        raise UserError(f"{where} lacks {', '.join(missing)}.")
    if unknown := [name for name in entry if name not in wanted]:
        raise UserError(f"{where} has fields that no manifest has: {', '.join(unknown)}.")
    if entry["registry"] not in REGISTRIES:
        raise UserError(f"{where} names the registry {entry['registry']!r}: only {', '.join(REGISTRIES)} are known.")
    if entry["split"] not in SPLITS:
        raise UserError(f"{where} has the split {entry['split']!r}: it must be one of {', '.join(SPLITS)}.")
    for name, shape in (_SHAPES | _REGISTRY_SHAPES[entry["registry"]]).items():
        if not isinstance(entry[name], str) or not re.fullmatch(shape, entry[name]):
            raise UserError(
                f"{where} has {name} = {entry[name]!r}, which is not {_described(name, entry['registry'])}."
            )
    return Package(**entry)


_FILES = {
    "pypi": "the name of a source distribution (.tar.gz, .zip) or of a wheel",
    "npm": "the name of an npm package's file (.tgz)",
    "debian": "the name of an upstream archive (.orig.tar.gz, .xz or .bz2)",
}


def _described(name: str, registry: str) -> str:
    """What a field should have been, to end a sentence."""
    described = {
        "sha256": "64 lower-case hexadecimal digits",
        "file": _FILES[registry],
        "licence": "an SPDX expression",
    }
    return described.get(name, f"a {name} that a registry would accept")


def _refuse_duplicates(path: Path, packages: list[Package]) -> None:
    """A package twice would be trained on twice, or be held out and trained on."""
    seen: dict[tuple[str, str], Package] = {}
    for package in packages:
        # PyPI takes "Foo_Bar" and "foo-bar" for one name; two files of one name would overwrite each other.
        name = re.sub(r"[-_.]+", "-", package.name).lower()
        for key in ((package.registry, name), ("file", package.file)):
            if key in seen:
                splits = f"{seen[key].split} and {package.split}"
                raise UserError(f"In {path}, {package.name} is listed twice (splits {splits}): keep one of the two.")
            seen[key] = package
