"""Pin the corpus: a list of names and folders of packages in, `corpora/python.toml` out.

    python scripts/pin_corpus.py --download SDISTS [NAME...]
    python scripts/pin_corpus.py FOLDER...

A maintainer's script. The first form asks pip for the source distributions of the packages that the manifest
pins today (or of some of them), at those versions and running none of their code; it goes on where it was
interrupted. The second form asks no registry: FOLDERs hold source distributions and wheels. The newest
stable version of each name in `corpora/python.names.txt` (one `SPLIT NAME` a line, `#` starts a comment) is
pinned by file name and sha256, with the licence that its own metadata states; of one version the source
distribution goes before the wheel.

A package is dropped, and said so, if it is over 40 MB, if its licence is missing or not permissive, if one of
its source files has a copyleft licence, or if it is held out and shares a source file with a train package.
"""

import argparse
import hashlib
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from codegem.data.registries.corpus_manifest import Package, read_manifest
from codegem.data.registries.downloads import TransientError
from codegem.data.registries.pip_client import PipClient
from codegem.errors import UserError

HEADER = """\
# The first corpus: Python packages that permit reuse, each pinned to one file by its sha256.
# Written by scripts/pin_corpus.py from python.names.txt: change that file and run the script again.
"""
CORPORA = Path(__file__).parents[1] / "corpora"
MAX_BYTES = 40 * 2**20
SHARED_BYTES = 200  # a smaller file may well be the same in two packages: an empty __init__.py
PERMISSIVE = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "HPND", "ISC", "MIT", "MIT-0",
              "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib", "NCSA"}  # fmt: skip
SPDX = {"mit license": "MIT", "apache software license": "Apache-2.0", "isc license (iscl)": "ISC",
        "python software foundation license": "PSF-2.0", "the unlicense (unlicense)": "Unlicense",
        "zlib/libpng license": "Zlib", "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0",
        **{name.lower(): name for name in PERMISSIVE}}  # fmt: skip
# In a comment: jsonschema's noxfile.py names licences in a list and is under none of them.
COPYLEFT = re.compile(
    rb"^#.*((Lesser |Affero |GNU )General Public License|Mozilla Public License|Identifier: *(L?GPL|AGPL|MPL))",
    re.MULTILINE,
)


@dataclass
class Contents:
    """What pinning needs to know of a file: never the whole of it at once."""

    licence: str | None  # an SPDX expression; None if the metadata states none that this script knows
    copyleft: str | None  # the first .py file whose opening names a copyleft licence
    sources: set[bytes]  # the sha256 of each .py file that is large enough to be somebody's


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The name and content of each ordinary file in a wheel or source distribution."""
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                if member.isfile() and (stream := archive.extractfile(member)):
                    yield member.name, stream.read()
    else:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)


def contents_of(path: Path) -> Contents:
    """Read a wheel or source distribution once, from its beginning to its end."""
    metadata, legal, copyleft, sources = b"", [], None, set()
    for name, content in members(path):
        if re.fullmatch(r"[^/]+/PKG-INFO|[^/]+\.dist-info/METADATA", name):
            metadata = content
        elif re.search(r"^[^/]+(\.dist-info/.*|/)(LICEN|COPY)[^/]*$", name):
            legal.append(content.decode(errors="replace"))
        elif name.endswith(".py"):
            if COPYLEFT.search(content[:2000]):
                copyleft = copyleft or name
            if len(content) > SHARED_BYTES:
                sources.add(hashlib.sha256(content).digest())
    return Contents(licence_of(metadata, " ".join(" ".join(legal).split()).lower()), copyleft, sources)


def licence_of(metadata: bytes, legal: str) -> str | None:
    """The SPDX expression that core metadata states, with the licence's text where that is not enough."""
    fields = message_from_bytes(metadata)
    if expression := fields.get("License-Expression"):
        return expression
    classifiers = [c for c in fields.get_all("Classifier", []) if c.startswith("License ::")]
    stated = [c.split(" :: ")[-1] for c in classifiers if not c.endswith("OSI Approved")]
    if stated == ["BSD License"]:  # the classifier does not say which: the third clause does
        return bsd_variant(legal)
    if stated:
        return " AND ".join(SPDX.get(s.lower(), s) for s in stated)
    return SPDX.get(str(fields.get("License") or "").strip().lower())


def bsd_variant(text: str) -> str | None:
    if "redistribution and use in source and binary" not in text:
        return None
    third = re.search(r"neither the names? |names? of .{0,80}may not be used", text)
    return "BSD-3-Clause" if third else "BSD-2-Clause"


def fault_of(path: Path, contents: Contents) -> str | None:
    """Why a file may not be in the corpus; None if it may."""
    licence = contents.licence
    if path.stat().st_size > MAX_BYTES:
        return f"{path.name} has {path.stat().st_size >> 20} MB"
    if licence is None or not {part.strip("() ") for part in re.split(r"\b(?:AND|OR)\b", licence)} <= PERMISSIVE:
        return f"its licence is {licence}"
    return f"{contents.copyleft} has a copyleft licence" if contents.copyleft else None


def newest(folders: list[Path]) -> dict[str, tuple[Version, bool, Path]]:
    """The file to pin for each canonical name: its version, whether it is a source distribution, its path."""
    found: dict[str, list[tuple[Version, bool, Path]]] = {}
    for path in (path for folder in folders for path in folder.rglob("*.*")):
        if path.suffix == ".whl":
            name, version, _, _ = parse_wheel_filename(path.name)
        elif path.name.endswith((".tar.gz", ".zip")):
            name, version = parse_sdist_filename(path.name)
        else:
            continue
        if not version.is_prerelease:
            found.setdefault(name, []).append((version, path.suffix != ".whl", path))
    return {name: max(files) for name, files in found.items()}


def pin(folders: list[Path]) -> None:
    """Write the manifest. Packages to train on come first, so that what they hold is known."""
    files, trained, tables = newest(folders), set[bytes](), {}
    lines = [line.split("#")[0].split() for line in (CORPORA / "python.names.txt").open()]
    for split, name in sorted((line for line in lines if line), reverse=True):
        if (file := files.get(canonicalize_name(name))) is None:
            print(f"dropped {name}: no file")
            continue
        version, _, path = file
        contents = contents_of(path)
        fault = fault_of(path, contents)
        if not fault and split == "held-out" and (shared := contents.sources & trained):
            fault = f"it shares {len(shared)} source files with packages to train on"
        if fault:
            print(f"dropped {name}: {fault}")
            continue
        if split == "train":
            trained |= contents.sources
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        values = {"registry": "pypi", "name": name, "version": str(version), "licence": contents.licence,
                  "file": path.name, "sha256": sha256, "split": split}  # fmt: skip
        table = "[[package]]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items())
        tables[split, canonicalize_name(name)] = table
    (CORPORA / "python.toml").write_text(HEADER + "\n" + "\n".join(tables[key] for key in sorted(tables)))


def download(package: Package, folder: Path) -> str:
    """Download the source distribution of a pinned version, unless it is there; say what became of it."""
    place = folder / package.split
    place.mkdir(parents=True, exist_ok=True)
    if any(canonicalize_name(package.name) == parse_sdist_filename(p.name)[0] for p in place.glob("[!.]*.*")):
        return f"{package.name} is there already"
    with tempfile.TemporaryDirectory(prefix=".part-", dir=place) as part:
        try:
            file = PipClient().download_unpinned(package.name, package.version, Path(part))
        except (UserError, TransientError) as error:
            return f"no {package.name}: {error}"
        file.replace(place / file.name)
        return file.name


def main() -> None:
    parser = argparse.ArgumentParser(description="Pin the corpus.")
    parser.add_argument("--download", type=Path, metavar="SDISTS")
    parser.add_argument("rest", nargs="*", metavar="FOLDER or NAME")
    arguments = parser.parse_args()
    if arguments.download is None:
        pin([Path(folder) for folder in arguments.rest])
        return
    packages = read_manifest(CORPORA / "python.toml")
    wanted = [p for p in packages if not arguments.rest or p.name in arguments.rest]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for sentence in pool.map(lambda package: download(package, arguments.download), wanted):
            print(sentence, flush=True)


if __name__ == "__main__":
    main()
