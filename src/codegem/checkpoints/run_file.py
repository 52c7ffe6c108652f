"""run.json of a checkpoint, which says what its files must be (`store.py` has the format)."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def write_run(folder: Path, run: dict[str, Any]) -> None:
    """Write run.json, sealed, to the disk."""
    with (folder / "run.json").open("w", encoding="utf-8") as file:
        json.dump({**run, "sha256": _seal(run)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def read_run(folder: Path) -> dict[str, Any]:
    """The values of run.json, once the whole checkpoint is seen to be as it was written."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if run.pop("sha256") != _seal(run):
        raise ValueError("run.json has changed")
    found = hashes(folder)
    for name, digest in run["files"].items():
        if found.get(name) != digest:
            raise ValueError(f"{name} has changed" if name in found else f"{name} is missing")
    return run


def _seal(run: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of the state."""
    found = {}
    for path in sorted((folder / "state").rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
