"""Which workspace an open file belongs to."""

import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from codegem.assist.context import Window
from codegem.assist.cursor import find_root
from codegem.assist.workspace import Workspace

_MOST_FOUND = 8  # repositories outside of an editor's folders that are looked at


class Roots:
    """The folders of an editor's window, each with what is known of its files; used from any thread.

    A file outside of them belongs to its repository; where it has none, it gets what else is open and no files of the
    disk, since its folder may be somebody's home.
    """

    def __init__(self, window: Window, folders: Iterable[Path] = ()):
        self._window = window
        self._lock = threading.Lock()
        self._folders: set[Path] = set()
        self._workspaces: dict[Path, Workspace] = {}
        self._outside = Workspace(None, window)
        self.set_folders(folders)

    def set_folders(self, folders: Iterable[Path]) -> None:
        """These are the folders now; what is open has to be told to a new one."""
        wanted = set(folders)
        with self._lock:
            for folder in self._folders - wanted:
                self._workspaces.pop(folder).shut()
            for folder in wanted - self._workspaces.keys():
                self._workspaces[folder] = Workspace(folder, self._window)
            self._folders = wanted

    def of(self, file: Path) -> Workspace:
        """The workspace of a file: that of the innermost folder that holds it."""
        return self._find(file)[1]

    def path(self, file: Path) -> str:
        """A file's path as the model saw paths in training: below the root of its workspace, else its name alone."""
        root, workspace = self._find(file)
        return (workspace.relative(file) if root else None) or file.name.replace("\n", " ")

    def refresh(self) -> None:
        """Files changed on the disk."""
        for workspace in self._all():
            workspace.refresh()

    def shut(self) -> None:
        """End the threads of all workspaces."""
        for workspace in self._all():
            workspace.shut()

    def _find(self, file: Path) -> tuple[Path | None, Workspace]:
        with self._lock:
            holding = [folder for folder in self._folders if file.is_relative_to(folder)]
            root = max(holding, key=lambda folder: len(folder.parts)) if holding else _repository(file)
            if root is not None and root not in self._workspaces:
                if len(self._workspaces) - len(self._folders) >= _MOST_FOUND:
                    root = None
                else:
                    self._workspaces[root] = Workspace(root, self._window)
            return (None, self._outside) if root is None else (root, self._workspaces[root])

    def _all(self) -> list[Workspace]:
        with self._lock:
            return [*self._workspaces.values(), self._outside]


_repository = lru_cache(256)(find_root)  # it looks for the marks of a root in all folders above a file
