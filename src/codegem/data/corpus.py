"""A corpus named file by file: fetch what its manifest names (`corpus_manifest` has the format)."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from codegem.data.registries.corpus_manifest import SPLITS, Package, read_manifest
from codegem.data.registries.debian_client import DebianClient
from codegem.data.registries.downloads import TransientError
from codegem.data.registries.npm_client import NpmClient
from codegem.data.registries.pip_client import PipClient
from codegem.errors import UserError

TRIES = 4
BACKOFF_SECONDS = 2.0  # doubled at each further try: 2, 4, 8


@dataclass(frozen=True)
class FetchEvent:
    """What became of one package; `done` of `total` are through."""

    package: Package
    outcome: Literal["fetched", "kept", "failed"]
    reason: str | None
    done: int
    total: int


@dataclass(frozen=True)
class FetchReport:
    """How many files were downloaded, how many were there already, and the bytes of both together."""

    fetched: int
    kept: int
    bytes: int


class Client(Protocol):
    """Whatever can bring one package's file: a client of each registry in earnest, a small fake in the tests."""

    def download(self, package: Package, into: Path) -> Path:
        """Download into the folder and return the file. Raises TransientError, or UserError for good."""
        ...


class Registries:
    """The client of each registry that a manifest may name; one is made when it is first needed."""

    def __init__(self) -> None:
        self._made: dict[str, Client] = {}

    def download(self, package: Package, into: Path) -> Path:
        """Download by the client of the package's registry.

        Raises:
            TransientError: it may succeed in a moment.
            UserError: the client is not installed, or there is no such file.
        """
        if package.registry not in self._made:
            self._made[package.registry] = _CLIENTS[package.registry]()
        return self._made[package.registry].download(package, into)


_CLIENTS: dict[str, Callable[[], Client]] = {"pypi": PipClient, "npm": NpmClient, "debian": DebianClient}


def fetch(
    manifest: Path,
    out: Path,
    *,
    split: str | None = None,
    workers: int = 4,
    progress: Callable[[FetchEvent], None] | None = None,
    client: Client | None = None,
) -> FetchReport:
    """Download what a manifest names into `out/<split>/`, checking every hash.

    Run it again after an interruption: files that are there with the right hash are kept. One package's
    failure does not stop the others; if any failed, a UserError at the end counts and names them.

        report = fetch(Path("corpora/python.toml"), Path("corpus"), split="held-out")
        print(report.fetched, "new,", report.bytes, "bytes")
    """
    if split is not None and split not in SPLITS:
        raise UserError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
    if workers < 1:
        raise UserError(f"Fetching needs at least 1 worker, not {workers}.")
    packages = [package for package in read_manifest(manifest) if split in (None, package.split)]
    client = client or Registries()
    failures: list[str] = []
    fetched = kept = size = 0
    for event in _fetch_all(packages, out, client, workers):
        fetched += event.outcome == "fetched"
        kept += event.outcome == "kept"
        if event.reason is not None:
            failures.append(event.reason)
        else:
            size += _place(event.package, out).stat().st_size
        if progress is not None:
            progress(event)
    if failures:
        raise UserError(_failure_sentence(failures, len(packages), out))
    return FetchReport(fetched=fetched, kept=kept, bytes=size)


def _fetch_all(packages: list[Package], out: Path, client: Client, workers: int) -> Iterator[FetchEvent]:
    """One event for each package, as they finish."""
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        futures = {pool.submit(_fetch_one, package, out, client): package for package in packages}
        for done, future in enumerate(as_completed(futures), start=1):
            outcome, reason = future.result()
            yield FetchEvent(futures[future], outcome, reason, done, len(packages))
    finally:
        # On an interruption the downloads that have not begun never begin.
        pool.shutdown(cancel_futures=True)


def _fetch_one(package: Package, out: Path, client: Client) -> tuple[Literal["fetched", "kept", "failed"], str | None]:
    """Bring one package's file to its place, unless it lies there already."""
    place = _place(package, out)
    try:
        if place.is_file() and _sha256(place) == package.sha256:
            return "kept", None
        place.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that the last step is a rename inside one file system, which is atomic.
        with tempfile.TemporaryDirectory(prefix=".part-", dir=place.parent) as part:
            _download_checked(package, Path(part), place, client)
    except UserError as error:
        return "failed", str(error)
    except OSError as error:
        return "failed", f"{package.name} could not be written below {out}: {error.strerror or error}."
    return "fetched", None


def _download_checked(package: Package, part: Path, place: Path, client: Client) -> None:
    """Download, compare the hash, and only then give the file its name."""
    file = _download_with_retries(package, part, client)
    if not file.is_file():
        raise UserError(f"{package.name} {package.version} came without the file {package.file}.")
    found = _sha256(file)
    if found != package.sha256:
        # Whatever lay at the place before had the wrong hash too, and would be taken for good.
        place.unlink(missing_ok=True)
        raise UserError(f"{package.file} has the hash {found[:12]}…, not {package.sha256[:12]}… as pinned: removed.")
    file.replace(place)


def _download_with_retries(package: Package, part: Path, client: Client) -> Path:
    """Networks fail for a moment; ask again, each time after a longer pause."""
    last = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
        into = part / str(attempt)
        into.mkdir()
        try:
            return client.download(package, into)
        except TransientError as error:
            last = str(error).rstrip(".")
            shutil.rmtree(into, ignore_errors=True)
    raise UserError(f"{package.name} {package.version} could not be downloaded in {TRIES} tries: {last}.")


def _failure_sentence(failures: list[str], total: int, out: Path) -> str:
    """The count, the first few reasons, and what to do."""
    shown = " ".join(failures[:3])
    more = f" (and {len(failures) - 3} more)" if len(failures) > 3 else ""
    return (
        f"{len(failures)} of {total} packages could not be fetched: {shown}{more} "
        f"The others are in {out}; run it again for the rest."
    )


def _place(package: Package, out: Path) -> Path:
    return out / package.split / package.file


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
