"""Go: the imports of each file and the files of each package, by `go list`."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from dependencies_truth import Edge, Truth

_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)


def truth(root: Path) -> Truth:
    """An edge from a file to every file of a package that it imports.

    A package is a folder: its files with a build constraint for another system belong to it, its tests do not, and
    nor do programs that are marked to be ignored. Nothing is downloaded: the repository is copied to the place that
    its module path has under a temporary GOPATH, where imports of absent packages stay names.
    """
    found = _MODULE.search((root / "go.mod").read_text(encoding="utf-8"))
    if found is None:
        raise RuntimeError(f"{root}: go.mod names no module")
    with tempfile.TemporaryDirectory() as gopath:
        place = Path(gopath, "src", found[1])
        shutil.copytree(root, place)
        return _read(place, found[1], gopath)


def _read(place: Path, module: str, gopath: str) -> Truth:
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": gopath, "GOFLAGS": "", "GOPROXY": "off"}

    def listed(folder: Path, target: str) -> dict:
        command = ["go", "list", "-e", "-json", target]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)
        return json.loads(done.stdout) if done.stdout else {}

    files = sorted(path for path in place.rglob("*.go") if path.is_file())
    packages = {}
    for folder in sorted({path.parent for path in files}):
        relative = folder.relative_to(place)
        listing = listed(folder, ".")
        names = listing.get("GoFiles", []) + listing.get("CgoFiles", [])
        others = [name for name in listing.get("IgnoredGoFiles", []) if _same_package(listed, folder, name, listing)]
        packages["/".join((module, *relative.parts))] = [(relative / name).as_posix() for name in names + others]
    edges: set[Edge] = set()
    for path in files:
        listing = listed(path.parent, path.name)
        imports = {name for kind in ("Imports", "TestImports", "XTestImports") for name in listing.get(kind, [])}
        importer = path.relative_to(place).as_posix()
        edges |= {
            (importer, imported) for name in imports for imported in packages.get(name, []) if imported != importer
        }
    return Truth(frozenset(edges), frozenset(path.relative_to(place).as_posix() for path in files))


def _same_package(listed, folder: Path, name: str, listing: dict) -> bool:
    """Whether a file that this system leaves out is part of the package elsewhere."""
    if name.endswith("_test.go"):
        return False
    return listed(folder, name).get("Name") == listing.get("Name")
