"""What package managers' files say of a licence.

Formats: Python core metadata and pyproject.toml (packaging.python.org), package.json (docs.npmjs.com), Cargo.toml
(doc.rust-lang.org/cargo), pom.xml (maven.apache.org/pom.html), nuspec (learn.microsoft.com/nuget) and Debian's
machine-readable copyright file (DEP 5). XML is searched and not parsed: what declares entities cannot grow.
"""

import json
import re
import tomllib
from collections.abc import Callable
from email.parser import HeaderParser
from typing import Any

from codegem.data.rules.licence_names import expression_or_name, recognise_name, recognise_text

Reader = Callable[[str], str | None]


def reader_of(path: str) -> Reader | None:
    """What reads the licence from a file of this name, or None where no package manager reads it.

    >>> reader_of("a/package.json")('{"license": "MIT"}')
    'MIT'
    """
    name = path.rpartition("/")[2].lower()
    if name.endswith(".nuspec"):
        return _from_nuspec
    if name == "copyright":
        return _from_debian if path.lower().endswith("debian/copyright") else None
    return _READERS.get(name)


def is_python(path: str) -> bool:
    """Whether it is the metadata of a Python package."""
    return path.rpartition("/")[2].lower() in ("pkg-info", "metadata", "pyproject.toml")


def is_at_top(path: str) -> bool:
    """Whether it speaks for the whole repository."""
    return path.count("/") == (1 if path.lower() == "debian/copyright" else 0)


def _from_python(text: str) -> str | None:
    headers = HeaderParser().parsestr(text)
    if expression := headers["License-Expression"]:
        return expression.strip()
    stated = headers["License"] or ""
    if stated and "\n" not in stated.strip() and (named := expression_or_name(stated)):
        return named
    classifiers = [c for c in headers.get_all("Classifier", []) if c.startswith("License ::")]
    named = sorted({spdx for c in classifiers if (spdx := recognise_name(c.rsplit("::", 1)[-1]))})
    if named:
        return " OR ".join(named)
    return recognise_text(stated)


def _from_pyproject(text: str) -> str | None:
    stated = _table(text, "project").get("license")
    if isinstance(stated, dict):
        stated = stated.get("text")
    if not isinstance(stated, str):
        return None
    return recognise_text(stated) if "\n" in stated.strip() else expression_or_name(stated)


def _from_npm(text: str) -> str | None:
    try:
        package = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(package, dict):
        return None
    stated = package.get("license", package.get("licenses"))
    choices = stated if isinstance(stated, list) else [stated]
    # Older packages have objects, and a list of them means that one may choose.
    return _one_of([choice.get("type") if isinstance(choice, dict) else choice for choice in choices])


def _from_cargo(text: str) -> str | None:
    stated = _table(text, "package").get("license")
    if not isinstance(stated, str):
        workspace = _table(text, "workspace").get("package")
        stated = workspace.get("license") if isinstance(workspace, dict) else None
    # Before there were expressions, a stroke meant "or".
    return expression_or_name(re.sub(r"\s*/\s*", " OR ", stated)) if isinstance(stated, str) else None


def _from_maven(text: str) -> str | None:
    _, _, opened = text.partition("<licenses>")
    inside, closed, _ = opened.partition("</licenses>")
    return _one_of(re.findall(r"<name>\s{0,200}([^<]{1,200})</name>", inside)) if closed else None


def _from_nuspec(text: str) -> str | None:
    stated = re.search(r"<license\s+type=\"expression\"\s*>([^<]{1,200})</license>", text)
    return expression_or_name(stated[1]) if stated else None


def _from_debian(text: str) -> str | None:
    """The licence of `Files: *`."""
    for paragraph in re.split(r"\n\s*\n", text):
        if re.search(r"^Files:\s*\*\s*$", paragraph, re.MULTILINE):
            stated = re.search(r"^License:[ \t]*(\S.*)$", paragraph, re.MULTILINE)
            return recognise_name(stated[1]) if stated else None
    return None


def _one_of(stated: list[Any]) -> str | None:
    """Any of several licences, of which one may choose."""
    named = [expression_or_name(name) for name in stated if isinstance(name, str)]
    known = [name for name in named if name]
    if len(known) == 1:
        return known[0]
    return " OR ".join(f"({name})" if " " in name else name for name in known) or None


def _table(text: str, name: str) -> dict[str, Any]:
    """A table of a TOML file, empty where there is none."""
    try:
        table = tomllib.loads(text).get(name)
    except (ValueError, RecursionError):  # also an integer of too many digits
        return {}
    return table if isinstance(table, dict) else {}


_READERS: dict[str, Reader] = {
    "pkg-info": _from_python,
    "metadata": _from_python,
    "pyproject.toml": _from_pyproject,
    "package.json": _from_npm,
    "cargo.toml": _from_cargo,
    "pom.xml": _from_maven,
}
