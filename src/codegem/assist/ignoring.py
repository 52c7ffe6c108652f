"""Which files git would ignore, by the rules of gitignore(5), without git.

>>> rules = IgnoreRules([("", "*.log\\n/build/\\n!keep.log\\n")])
>>> [rules.ignores(path) for path in ("a/b.log", "keep.log", "build/x.py", "a/build/x.py")]
[True, False, True, False]
"""

import re
from collections.abc import Iterable
from functools import lru_cache

_MOST = 1000  # patterns of one file
_LONGEST = 256  # characters of a pattern
_MOST_DEPTHS = 3  # times `**` in one
_SPACE_AT_END = re.compile(r"(?<![\\ ]) +$")
_TOKEN = re.compile(r"\*+|\[[!^]?\]?(?:\\.|[^\]\\])*\]|\\.|.", re.DOTALL)


class IgnoreRules:
    """The patterns of some `.gitignore` files.

    Args:
        files: (folder, text) of each; the folder relative to the root, with forward slashes, "" for the root.
    """

    def __init__(self, files: Iterable[tuple[str, str]]):
        found = sorted(((folder, _read(text)) for folder, text in files), key=lambda each: each[0].count("/"))
        self._files = {folder: patterns for folder, patterns in found if patterns}
        self._folder = lru_cache(maxsize=4096)(self._ignores_folder)

    def ignores(self, path: str) -> bool:
        """Whether git would ignore a file: it or a folder above it matches, and no later pattern takes that back."""
        folder = path.rpartition("/")[0]
        return bool(folder and self._folder(folder)) or self._matches(path, False)

    def ignores_folder(self, path: str) -> bool:
        """The same of a folder, and so of all that is in it."""
        return self._folder(path)

    def _ignores_folder(self, path: str) -> bool:
        above = path.rpartition("/")[0]
        return bool(above and self._folder(above)) or self._matches(path, True)

    def _matches(self, path: str, is_folder: bool) -> bool:
        """What the last matching pattern of the nearest file says."""
        folder = path.rpartition("/")[0]
        while True:
            for negated, only_folders, pattern in reversed(self._files.get(folder, ())):
                if (is_folder or not only_folders) and pattern.fullmatch(path[len(folder) + 1 if folder else 0 :]):
                    return not negated
            if not folder:
                return False
            folder = folder.rpartition("/")[0]


_Pattern = tuple[bool, bool, re.Pattern[str]]  # is negated, only for folders, of the path from the file's folder


def _read(text: str) -> tuple[_Pattern, ...]:
    found = []
    for line in text.splitlines()[:_MOST]:
        pattern = _SPACE_AT_END.sub("", line)
        if not pattern or pattern.startswith("#") or len(pattern) > _LONGEST:
            continue
        negated = pattern.startswith("!")
        pattern = pattern[1:] if negated else pattern
        only_folders = pattern.endswith("/")
        pattern = pattern.rstrip("/")
        if expression := _expression(pattern):
            found.append((negated, only_folders, expression))
    return tuple(found)


def _expression(pattern: str) -> re.Pattern[str] | None:
    """A pattern as a regular expression; None where it can match nothing."""
    parts = pattern.removeprefix("/").split("/")
    if "/" not in pattern:
        parts = ["**", *parts]
    if parts.count("**") > _MOST_DEPTHS:
        return None
    made = ["(?:[^/]+/)*" if part == "**" else _part(part) + "/" for part in parts[:-1]]
    made.append(".+" if parts[-1] == "**" else _part(parts[-1]))
    try:
        return re.compile("".join(made), re.DOTALL)
    except re.error:
        return None


def _part(pattern: str) -> str:
    """What one component of a path has to be.

    What stands before a star is matched at the first place that there is and never tried again, which is enough within
    a component, so that no pattern takes long.
    """
    fixed = [""]
    for match in _TOKEN.finditer(pattern):
        token = match[0]
        if token.startswith("*"):
            fixed.append("")
        elif token == "?":
            fixed[-1] += "[^/]"
        elif token[0] == "[" and len(token) > 1:
            inner = ("^" + token[2:-1] if token[1] in "!^" else token[1:-1]).replace("[", "\\[")
            fixed[-1] += f"(?!/)[{inner}]"
        else:
            fixed[-1] += re.escape(token[-1])
    if len(fixed) == 1:
        return fixed[0]
    between = "".join(f"(?>[^/]*?{each})" for each in fixed[1:-1] if each)
    return f"{fixed[0]}{between}[^/]*{fixed[-1]}"
