"""The paths of a repository, looked up by how they end."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from posixpath import dirname, join, normpath

_DEEP = 12  # components of a path's end that are indexed; longer ends are compared
_TIED = 100  # files that are equally near, of which the one with the shortest path is looked for


class RepositoryTree:
    """The files of a repository.

    Args:
        paths: of its files.
        projects: folders by (kind of project file, name of the project), from `projects.read_projects`.
    """

    def __init__(self, paths: Iterable[str], projects: Mapping[tuple[str, str], str] | None = None):
        self.parts = sorted(tuple(path.split("/")) for path in set(paths))
        self.paths = ["/".join(parts) for parts in self.parts]
        self.number = {path: number for number, path in enumerate(self.paths)}
        self.projects = dict(projects or {})
        self._ends: dict[str, list[int]] = {}
        for number, parts in enumerate(self.parts):
            for length in range(1, min(len(parts), _DEEP) + 1):
                self._ends.setdefault("/".join(parts[-length:]), []).append(number)

    def __contains__(self, path: str) -> bool:
        return path in self.number

    def first(self, candidates: Iterable[str]) -> str | None:
        """The first of some paths that is a file here."""
        return next((path for path in candidates if path in self.number), None)

    def ending(self, end: str) -> list[int]:
        """Numbers of the files whose path is `end` or ends with it, component by component."""
        if end.count("/") < _DEEP:
            return self._ends.get(end, [])
        near = self._ends.get("/".join(end.split("/")[-_DEEP:]), [])
        return [number for number in near if ("/" + self.paths[number]).endswith("/" + end)]

    def near(self, end: str, importer: str) -> list[int]:
        """Those of `ending` that stand around the importer in the order of paths, at most 200."""
        numbers = self.ending(end)
        if len(numbers) <= 2 * _TIED:
            return numbers
        place = bisect_left(numbers, tuple(importer.split("/")), key=self.parts.__getitem__)
        return numbers[max(0, place - _TIED) : place + _TIED]

    def nearest(self, numbers: list[int], importer: str) -> str | None:
        """Of some files the one that shares the most leading folders with the importer.

        Ties go to the shorter path, then to the first one in the order of paths.
        """
        if len(numbers) < 2:
            return self.paths[numbers[0]] if numbers else None
        here = tuple(importer.split("/"))
        place = bisect_left(numbers, here, key=self.parts.__getitem__)
        beside = [numbers[i] for i in (place - 1, place) if 0 <= i < len(numbers)]
        shared = max(_shared(self.parts[number], here) for number in beside)
        start = bisect_left(numbers, here[:shared], key=lambda number: self.parts[number][:shared])
        best, length = start, len(self.parts[numbers[start]])
        for i in range(start + 1, min(start + _TIED, len(numbers))):
            parts = self.parts[numbers[i]]
            if parts[:shared] != here[:shared]:
                break
            if len(parts) < length:
                best, length = i, len(parts)
        return self.paths[numbers[best]]


def _shared(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """Leading folders that two paths share."""
    most = min(len(a), len(b)) - 1
    return next((i for i in range(most) if a[i] != b[i]), most)


def beside(path: str, target: str) -> str | None:
    """A path relative to a file's folder, or None where it leaves the repository.

    >>> beside("a/b/c.js", "../d")
    'a/d'
    """
    path = normpath(join(dirname(path), target))
    return None if path.startswith(("..", "/")) else path
