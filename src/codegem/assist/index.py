"""What is known of the files of a folder, kept up to date in the background."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from codegem.assist.similar import Windows
from codegem.assist.sources import Limits, Listing, holds_secret, is_wanted, list_folder, read_text
from codegem.data.imports import RepositoryTree
from codegem.data.imports.projects import read_projects
from codegem.text.languages import CODE, language_of

_TEXTS = 256  # texts of files that are kept in memory
_REST = 1.0  # seconds of rest for each second of work in the background


@dataclass(frozen=True)
class Snapshot:
    """The files of a folder at some time.

    Attributes:
        tree: their paths.
        number: another one for every other snapshot.
        listing: what was listed.
    """

    tree: RepositoryTree
    number: int
    listing: Listing


class Index:
    """The files of a folder, and of its open documents, ready for questions.

    A thread of its own lists the folder and reads what changed, resting as long as it works.

    Args:
        root: the folder; None has open documents only.
        windows: is told of every text.
        on_text: called for every file that was read or changed, with its path and its text, None when it is gone.
    """

    def __init__(
        self,
        root: Path | None,
        windows: Windows,
        limits: Limits,
        on_text: Callable[[str, str | None], object],
    ):
        self._root, self._limits, self._windows, self._on_text = root, limits, windows, on_text
        self._lock = threading.RLock()
        self._open: dict[str, str] = {}
        self._digests: dict[str, bytes] = {}
        self._stamps: dict[str, tuple[int, int]] = {}
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._number = 0
        self._snapshot: Snapshot | None = None
        self.listed, self.read = threading.Event(), threading.Event()
        self._wake, self._ended = threading.Event(), False
        self._looked = time.monotonic()
        self._wake.set()

    def start(self) -> None:
        """Begin to read the folder."""
        threading.Thread(target=self._serve, name="codegem-index", daemon=True).start()

    def refresh(self, older: float = 0.0) -> None:
        """Look at the folder again, soon and in the background, if the last look is so many seconds ago."""
        if time.monotonic() - self._looked >= older:
            self._looked = time.monotonic()
            self._wake.set()

    def end(self) -> None:
        """End the thread."""
        self._ended = True
        self._wake.set()

    def snapshot(self) -> Snapshot | None:
        """The files as they are known now; None before the folder was listed."""
        with self._lock:
            return self._snapshot

    def allows(self, path: str) -> bool:
        """Whether a file of this name may be shown: it is code, no secret, and git does not ignore it."""
        with self._lock:
            ignored = self._snapshot.listing.ignored if self._snapshot else None
        return is_wanted(path, 1, self._limits) and not (ignored and ignored.ignores(path))

    def put(self, path: str, text: str) -> None:
        """A document that is open: its text stands before the file's."""
        with self._lock:
            is_new = path not in self._open
            self._open[path] = text
            if is_new and self._snapshot and path not in self._snapshot.tree:
                self._renew(self._snapshot.listing)

    def opened(self, path: str) -> str | None:
        """The text of an open document."""
        with self._lock:
            return self._open.get(path)

    def settle(self, path: str) -> None:
        """Index the text of an open document: it was saved, or is looked at from another one."""
        with self._lock:
            text = self._open.get(path)
        if text is not None and self._may_show(path, text):
            self._take(path, text)

    def close(self, path: str) -> None:
        """A document is open no more."""
        with self._lock:
            self._open.pop(path, None)
            self._stamps.pop(path, None)
        self.refresh()

    def text(self, path: str) -> str | None:
        """The text of a file that may be shown, as it is open or lies on disk."""
        with self._lock:
            text, known = self._open.get(path), self._texts.get(path)
            is_listed = self._snapshot is not None and path in self._snapshot.tree
        if text is not None:
            return text if self._may_show(path, text) else None
        if known is not None or not is_listed:
            return known
        text = read_text(self._root, path, self._limits.file_bytes) if self._root else None
        if text is not None:
            with self._lock:
                self._texts[path] = text
                while len(self._texts) > _TEXTS:
                    self._texts.popitem(last=False)
        return text

    def digest(self, path: str) -> bytes | None:
        """The hash of a file's text as it was indexed."""
        with self._lock:
            return self._digests.get(path)

    def _may_show(self, path: str, text: str) -> bool:
        return len(text) <= self._limits.file_bytes and self.allows(path) and not holds_secret(text)

    def _serve(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ended:
                return
            with suppress(Exception):  # a folder that vanishes, say: what is known stays
                self._look()
            self.listed.set()
            self.read.set()

    def _look(self) -> None:
        until = time.monotonic() + self._limits.seconds
        listing = list_folder(self._root, self._limits) if self._root else Listing()
        with self._lock:
            # A document that was open and never lay on the disk has no stamp.
            closed = self._digests.keys() - self._stamps.keys() - self._open.keys()
            gone = [path for path in [*self._stamps, *closed] if path not in listing.stamps]
            if (
                self._snapshot is None
                or gone
                or set(listing.stamps) - set(self._stamps)
                or listing.projects != self._snapshot.listing.projects
            ):
                self._renew(listing)
        self.listed.set()
        for path in gone:
            self._drop(path)
        for path, stamp in listing.stamps.items():
            if self._ended or time.monotonic() > until:
                return
            if self._stamps.get(path) != stamp:
                began = time.monotonic()
                self._read(path, stamp)
                time.sleep(_REST * (time.monotonic() - began))

    def _read(self, path: str, stamp: tuple[int, int]) -> None:
        with self._lock:
            self._stamps[path] = stamp
            self._texts.pop(path, None)
            text = self._open.get(path)
        if text is None:
            text = read_text(self._root, path, self._limits.file_bytes) if self._root else None
        if text is None or not self._may_show(path, text):
            self._drop(path, keep=True)
        else:
            self._take(path, text)

    def _take(self, path: str, text: str) -> None:
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        with self._lock:
            if self._digests.get(path) == digest:
                return
            self._digests[path] = digest
        self._windows.put(path, text)
        self._on_text(path, text)

    def _drop(self, path: str, keep: bool = False) -> None:
        with self._lock:
            self._digests.pop(path, None)
            self._texts.pop(path, None)
            if not keep:
                self._stamps.pop(path, None)
        self._windows.remove(path)
        self._on_text(path, None)

    def _renew(self, listing: Listing) -> None:
        self._number += 1
        paths = {path for path in listing.stamps if language_of(path) in CODE} | {
            path for path in self._open if self.allows(path)
        }
        self._snapshot = Snapshot(RepositoryTree(paths, read_projects(listing.projects)), self._number, listing)
