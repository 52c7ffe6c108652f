"""What project files say about the names by which a repository's own code is imported."""

import json
import re
import tomllib
from collections.abc import Mapping
from posixpath import basename, dirname, join, normpath

PROJECT_FILES = ("go.mod", "Cargo.toml", "package.json")
_GO_MODULE = re.compile(r'^module\s+"?([^\s"]+)', re.MULTILINE)


def read_projects(texts: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Folders by (project file, name of the project); and by ("main", folder) the file that a Node package stands for.

    >>> read_projects({"x/go.mod": "module example.org/m"})
    {('go.mod', 'example.org/m'): 'x'}

    Args:
        texts: project files by their path. One that can't be read says nothing.
    """
    projects: dict[tuple[str, str], str] = {}
    for path in sorted(texts, key=lambda path: (path.count("/"), path)):
        kind = basename(path)
        name = _name(kind, texts[path])
        if name:
            projects.setdefault((kind, name), dirname(path))
        if kind == "package.json" and (main := _field(texts[path], "main")):
            projects["main", dirname(path)] = normpath(join(dirname(path), main))
    return projects


def _field(text: str, name: str) -> str | None:
    try:
        value = json.loads(text)[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return value if isinstance(value, str) and value else None


def _name(kind: str, text: str) -> str | None:
    try:
        if kind == "go.mod":
            match = _GO_MODULE.search(text)
            name = match[1] if match else None
        elif kind == "Cargo.toml":
            name = tomllib.loads(text)["package"]["name"].replace("-", "_")
        else:
            name = _field(text, "name")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return name if isinstance(name, str) and name else None
