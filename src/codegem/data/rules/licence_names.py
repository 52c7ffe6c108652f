"""Names and texts of licences to SPDX identifiers."""

import re

# Licences that ask for no more than a notice.
PERMISSIVE = (
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "CNRI-Python",
    "HPND",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "NCSA",
    "PSF-2.0",
    "PostgreSQL",
    "Python-2.0",
    "UPL-1.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "X11",
    "Zlib",
    "curl",
)

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
    (r"blue ?oak", "BlueOak-1.0.0"),
    (r"universal permissive|\bupl", "UPL-1.0"),
    (r"postgresql", "PostgreSQL"),
    (r"\bncsa", "NCSA"),
)
# Phrases of the licences' own texts, white space folded and in lower case. Copyleft is looked for first.
_COPYLEFT = (
    ("gnu affero general public license", "AGPL-3.0-only"),
    ("gnu lesser general public license", "LGPL-3.0-only"),
    ("gnu general public license", "GPL-3.0-only"),
    ("mozilla public license", "MPL-2.0"),
    ("eclipse public license", "EPL-2.0"),
)
_TEXTS = (
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
    ("unicode, inc. license agreement", "Unicode-DFS-2016"),
    ("blue oak model license", "BlueOak-1.0.0"),
    ("universal permissive license", "UPL-1.0"),
)
_COMMENT_SIGNS = re.compile(r"[*#/;!-]+")


def recognise_name(name: str) -> str | None:
    """The SPDX identifier that a free-form name means: "Apache License 2.0" is Apache-2.0."""
    folded = name.strip().lower()
    return next((spdx for pattern, spdx in _SPELLINGS if re.search(pattern, folded)), None)


def recognise_text(text: str) -> str | None:
    """The licence whose own words a text holds."""
    return _recognise(text, _COPYLEFT + _TEXTS)


def recognise_copyleft(text: str) -> str | None:
    """The copyleft licence that a text names in full, also where comment signs stand between the words."""
    return _recognise(_COMMENT_SIGNS.sub(" ", text), _COPYLEFT)


def _recognise(text: str, phrases: tuple[tuple[str, str], ...]) -> str | None:
    folded = " ".join(text.lower().split())
    return next((spdx for phrase, spdx in phrases if phrase in folded), None)


def expression_or_name(stated: str) -> str | None:
    """A stated licence that is an SPDX expression is kept; another is recognised by its name."""
    words = [word for word in re.findall(r"[^\s()]+", stated) if word not in ("AND", "OR", "WITH")]
    if words and all(word in PERMISSIVE for word in words):
        return stated.strip()
    return recognise_name(stated)
