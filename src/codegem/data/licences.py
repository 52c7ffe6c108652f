"""The licence of a repository and of a file, as SPDX expressions.

A repository is asked in this order: package metadata (`License-Expression`, then `License`, then
classifiers), `pyproject.toml`, and the words of its licence file. A file's own
`SPDX-License-Identifier` stands above all of it.
"""

import re
import tomllib
from collections.abc import Mapping
from email.parser import HeaderParser
from pathlib import PurePosixPath

# Licences that ask for no more than a notice.
PERMISSIVE = (
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CNRI-Python",
    "HPND",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "PSF-2.0",
    "Python-2.0",
    "Unlicense",
    "Zlib",
)
_EVIDENCE = re.compile(r"(^|/)(pkg-info|metadata|pyproject\.toml|(licen[cs]e|copying|unlicense)[^/]*)$", re.IGNORECASE)
_MAX_EVIDENCE = 1 << 20
_SPDX_LINE = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9.+\-() ]+)")

# How people write a licence where no SPDX identifier was asked for, from the most to the least specific.
_SPELLINGS = (
    (r"affero|agpl", "AGPL-3.0-only"),
    (r"lesser general|lgpl", "LGPL-3.0-only"),
    (r"general public|\bgpl|gnu", "GPL-3.0-only"),
    (r"mozilla|\bmpl", "MPL-2.0"),
    (r"apache", "Apache-2.0"),
    (r"mit[ -]?0|mit no attribution", "MIT-0"),
    (r"mit[ -]cmu", "MIT-CMU"),
    (r"\bmit\b|expat", "MIT"),
    (r"bsd.{0,3}2|2.{0,3}clause|simplified bsd|freebsd", "BSD-2-Clause"),
    (r"zero.clause bsd|0bsd", "0BSD"),
    (r"\bbsd", "BSD-3-Clause"),
    (r"\bisc", "ISC"),
    (r"python software|\bpsf", "PSF-2.0"),
    (r"unlicense", "Unlicense"),
    (r"cc0", "CC0-1.0"),
    (r"zlib", "Zlib"),
    (r"boost", "BSL-1.0"),
    (r"historical permission|hpnd", "HPND"),
)
# Phrases of the licences' own texts, white space folded and in lower case. Copyleft stands first.
_TEXTS = (
    ("gnu affero general public license", "AGPL-3.0-only"),
    ("gnu lesser general public license", "LGPL-3.0-only"),
    ("gnu general public license", "GPL-3.0-only"),
    ("mozilla public license", "MPL-2.0"),
    ("eclipse public license", "EPL-2.0"),
    ("apache license version 2.0", "Apache-2.0"),
    ("licensed under the apache license, version 2.0", "Apache-2.0"),
    ("boost software license", "BSL-1.0"),
    ("this is free and unencumbered software released into the public domain", "Unlicense"),
    ("python software foundation license version 2", "PSF-2.0"),
    ("cc0 1.0 universal", "CC0-1.0"),
    ("neither the name", "BSD-3-Clause"),
    ("may not be used to endorse or promote products", "BSD-3-Clause"),
    ("redistributions in binary form must reproduce", "BSD-2-Clause"),
    ("permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"),
    ("permission to use, copy, modify, and/or distribute this software for any", "ISC"),
    ("permission to use, copy, modify, and distribute this software for any", "ISC"),
    ("altered source versions must be plainly marked as such", "Zlib"),
)


def is_evidence(path: str, size: int) -> bool:
    """Whether a file may tell the repository's licence: near the top, and not too large."""
    return size <= _MAX_EVIDENCE and path.count("/") <= 3 and bool(_EVIDENCE.search(path))


def repository_licence(files: Mapping[str, bytes]) -> str | None:
    """The licence that a repository states, from the files that `is_evidence` picked.

    Args:
        files: path -> bytes. The one nearest to the top speaks first.
    """
    texts = {path: files[path].decode("utf-8", "replace") for path in sorted(files, key=_nearness)}
    for path, text in texts.items():
        name = PurePosixPath(path).name.lower()
        licence = None
        if name in ("pkg-info", "metadata"):
            licence = _from_metadata(text)
        elif name == "pyproject.toml":
            licence = _from_pyproject(text)
        if licence:
            return licence
    for path, text in texts.items():
        if PurePosixPath(path).name.lower() not in ("pkg-info", "metadata", "pyproject.toml"):
            licence = recognise_text(text)
            if licence:
                return licence
    return None


def file_licence(text: str) -> str | None:
    """The `SPDX-License-Identifier` in the first 2,000 characters of a file.

    >>> file_licence("# SPDX-License-Identifier: MIT OR Apache-2.0")
    'MIT OR Apache-2.0'
    """
    match = _SPDX_LINE.search(text[:2000])
    return match[1].strip() if match else None


def is_permissive(expression: str, permissive: tuple[str, ...] = PERMISSIVE) -> bool:
    """Whether a SPDX expression leaves a way to use the code under permissive licences alone.

    >>> is_permissive("GPL-2.0-only OR (MIT AND BSD-3-Clause)"), is_permissive("MIT AND GPL-2.0-only")
    (True, False)
    """
    known = {name.lower() for name in permissive}
    tokens = re.findall(r"[()]|[^\s()]+", expression)
    try:
        granted, rest = _either(tokens, known)
    except IndexError:
        return False
    return granted and not rest


def recognise_name(name: str) -> str | None:
    """The SPDX identifier that a free-form name means: "Apache License 2.0" is Apache-2.0."""
    folded = name.strip().lower()
    return next((spdx for pattern, spdx in _SPELLINGS if re.search(pattern, folded)), None)


def recognise_text(text: str) -> str | None:
    """The licence whose own words a text holds."""
    folded = " ".join(text.lower().split())
    return next((spdx for phrase, spdx in _TEXTS if phrase in folded), None)


def _nearness(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _from_metadata(text: str) -> str | None:
    headers = HeaderParser().parsestr(text)
    if expression := headers["License-Expression"]:
        return expression.strip()
    stated = headers["License"] or ""
    if stated and "\n" not in stated.strip() and (named := _expression_or_name(stated)):
        return named
    classifiers = [c for c in headers.get_all("Classifier", []) if c.startswith("License ::")]
    named = sorted({spdx for c in classifiers if (spdx := recognise_name(c.rsplit("::", 1)[-1]))})
    if named:
        return " OR ".join(named)
    return recognise_text(stated)


def _from_pyproject(text: str) -> str | None:
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError:
        return None
    stated = project.get("license") if isinstance(project, dict) else None
    if isinstance(stated, dict):
        stated = stated.get("text")
    if not isinstance(stated, str):
        return None
    return recognise_text(stated) if "\n" in stated.strip() else _expression_or_name(stated)


def _expression_or_name(stated: str) -> str | None:
    """A stated licence that is an SPDX expression is kept; another is recognised by its name."""
    words = [word for word in re.findall(r"[^\s()]+", stated) if word not in ("AND", "OR", "WITH")]
    if words and all(word in PERMISSIVE for word in words):
        return stated.strip()
    return recognise_name(stated)


def _either(tokens: list[str], known: set[str]) -> tuple[bool, list[str]]:
    granted, rest = _both(tokens, known)
    while rest and rest[0].upper() == "OR":
        other, rest = _both(rest[1:], known)
        granted = granted or other
    return granted, rest


def _both(tokens: list[str], known: set[str]) -> tuple[bool, list[str]]:
    granted, rest = _one(tokens, known)
    while rest and rest[0].upper() == "AND":
        other, rest = _one(rest[1:], known)
        granted = granted and other
    return granted, rest


def _one(tokens: list[str], known: set[str]) -> tuple[bool, list[str]]:
    if tokens[0] == "(":
        granted, rest = _either(tokens[1:], known)
        return (granted, rest[1:]) if rest[0] == ")" else (False, rest)
    granted, rest = tokens[0].lower() in known, tokens[1:]
    if len(rest) > 1 and rest[0].upper() == "WITH":  # an exception grants more than the licence alone
        rest = rest[2:]
    return granted, rest
