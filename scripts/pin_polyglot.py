"""Pin the packages of eight languages: `corpora/polyglot.names.txt` in, `corpora/polyglot.toml` out.

    python scripts/pin_polyglot.py --download FOLDER
    python scripts/pin_polyglot.py FOLDER
    python scripts/pin_polyglot.py FOLDER --names afternoon

A maintainer's script. The first form asks each package manager for the newest version of every name that has no
file in FOLDER yet, running none of its code; it goes on where it was interrupted. The second form asks no
registry, except that apt's index on this machine says which version a Debian file is of. It pins every file
by its name and sha256, with the licence that our own reading of a repository finds.

A package is dropped, and said so, if it is over 40 MB, if its licence is missing or not permissive, or if it
is held out and shares a source file with a package to train on, of this manifest or of `python.toml` where
those files lie in a folder given with --beside.
"""

import argparse
import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from codegem.data.archives.raw_files import Limits
from codegem.data.registries.debian_client import DebianClient
from codegem.data.registries.downloads import TransientError
from codegem.data.registries.npm_client import NpmClient
from codegem.data.registries.pip_client import PipClient
from codegem.data.repositories import Source, find_repositories, open_repository
from codegem.data.rules.licences import is_evidence, is_permissive, repository_licence
from codegem.errors import UserError
from codegem.text.languages import CODE, language_of

HEADERS = {
    "polyglot": "Packages of eight languages that permit reuse",
    "afternoon": "Three repositories that nano never saw, for docs/TUTORIAL.md",
}
CORPORA = Path(__file__).parents[1] / "corpora"
MAX_BYTES = 40 * 2**20
SHARED_BYTES = 200  # a smaller file may well be the same in two packages: an empty module

Entry = tuple[str, str, str]  # split, registry, name


def entries(names: str) -> list[Entry]:
    lines = [line.split("#")[0].split() for line in (CORPORA / f"{names}.names.txt").open()]
    return sorted((split, registry, name) for split, registry, name in filter(None, lines))


def file_of(entry: Entry, folder: Path) -> Path | None:
    """The file of a package, by how its registry names files."""
    split, registry, name = entry
    flat = name.lstrip("@").replace("/", "-")
    pattern = {
        "npm": rf"{re.escape(flat)}-\d[^-]*(-[a-z].*)?\.tgz",
        "debian": rf"{re.escape(name)}_.+\.orig\.tar\.(gz|xz|bz2)",
        "pypi": rf"{re.sub('[-_.]+', '[-_.]', name)}-\d[^-]*\.(tar\.gz|zip)",
    }[registry]
    found = sorted(p for p in (folder / split).glob("[!.]*") if re.fullmatch(pattern, p.name, re.IGNORECASE))
    return found[-1] if found else None


def download(entry: Entry, folder: Path) -> str:
    split, registry, name = entry
    if found := file_of(entry, folder):
        return f"{name} is there already: {found.name}"
    (folder / split).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as part:
        try:
            file = newest(registry, name, Path(part))
        except (UserError, TransientError) as error:
            return f"no {name}: {error}"
        shutil.move(file, folder / split / file.name)
        return file.name


def newest(registry: str, name: str, into: Path) -> Path:
    if registry == "npm":
        return NpmClient().download_unpinned(name, into)
    if registry == "debian":
        return DebianClient().download_unpinned(name, into)
    return PipClient().download_unpinned(name, None, into)


def version_of(entry: Entry, file: Path, sha256: str) -> str:
    _, registry, name = entry
    if registry == "debian":
        with tempfile.TemporaryDirectory() as folder:
            return DebianClient().version_of(name, file.name, sha256, Path(folder))
    flat = name.lstrip("@").replace("/", "-")
    return re.sub(r"\.(tgz|tar\.gz|zip)$", "", file.name)[len(flat) + 1 :]


def contents_of(source: Source) -> tuple[str | None, set[bytes]]:
    """The licence of a repository, and the sha256 of each source file that is large enough to be somebody's."""
    evidence, sources = {}, set()
    for file in open_repository(source, Limits(), lambda path, size: True):
        if file.data is not None and is_evidence(file.path, file.size):
            evidence[file.path] = file.data
        if file.data is not None and language_of(file.path) in CODE and file.size > SHARED_BYTES:
            sources.add(hashlib.sha256(file.data).digest())
    return repository_licence(evidence), sources


def pin(folder: Path, beside: list[Path], names: str) -> None:
    """Write the manifest. Packages to train on come first, so that what they hold is known."""
    trained: set[bytes] = set()
    for source in find_repositories(beside, lambda name: False) if beside else []:
        trained |= contents_of(source)[1]
    tables = {}
    for entry in sorted(entries(names), key=lambda entry: entry[0] != "train"):
        split, registry, name = entry
        file = file_of(entry, folder)
        fault, licence = "no file", None
        if file is not None:
            licence, sources = contents_of(find_repositories([file], lambda name: False)[0])
            fault = fault_of(file, licence, split, sources & trained)
        if fault or file is None:
            print(f"dropped {name}: {fault}")
            continue
        if split == "train":
            trained |= sources
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        values = {"registry": registry, "name": name, "version": version_of(entry, file, sha256), "licence": licence,
                  "file": file.name, "sha256": sha256, "split": split}  # fmt: skip
        tables[entry] = "[[package]]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items())
    header = (
        f"# {HEADERS[names]}, each pinned to one file by its sha256.\n"
        f"# Written by scripts/pin_polyglot.py from {names}.names.txt: change that file and run the script again.\n"
    )
    (CORPORA / f"{names}.toml").write_text(header + "\n" + "\n".join(tables[key] for key in sorted(tables)))


def fault_of(file: Path, licence: str | None, split: str, shared: set[bytes]) -> str | None:
    """Why a file may not be in the corpus; None if it may."""
    if file.stat().st_size > MAX_BYTES:
        return f"{file.name} has {file.stat().st_size >> 20} MB"
    if licence is None or not is_permissive(licence):
        return f"its licence is {licence}"
    if split == "held-out" and shared:
        return f"it shares {len(shared)} source files with packages to train on"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Pin the packages of eight languages.")
    parser.add_argument("--download", action="store_true", help="ask the registries for what is missing")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="folders of other packages to train on")
    parser.add_argument("--names", choices=HEADERS, default="polyglot", help="which list")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if not arguments.download:
        pin(arguments.folder, arguments.beside, arguments.names)
        return
    for entry in entries(arguments.names):
        print(download(entry, arguments.folder), flush=True)


if __name__ == "__main__":
    main()
