"""The licence of a repository and of a file, as SPDX expressions.

A repository is asked in this order: a Python package's metadata, what other package managers read at its top
(`package_metadata` has both), the words of its licence files, and metadata further down. A file's own
`SPDX-License-Identifier`, or a copyleft licence that its header names, stands above all of it.
"""

import re
from collections.abc import Mapping

from codegem.data.rules import package_metadata
from codegem.data.rules.licence_names import PERMISSIVE, recognise_copyleft, recognise_text
from codegem.text.languages import CODE, language_of

_LEGAL = re.compile(r"(^|/)(licen[cs]e|copying|unlicense|copyright)[^/]*$", re.IGNORECASE)
_MAX_EVIDENCE = 1 << 20
# One is in the name of every copyleft licence that is looked for in headers.
_COPYLEFT_WORDS = ("General", "Mozilla", "Eclipse", "GENERAL", "MOZILLA", "ECLIPSE")
_MAX_EXPRESSION = 500  # characters; it stands in the row of every file
_WORDS = ("AND", "OR", "WITH", "(", ")")
_ENDS = ("name", ")", "exception")  # after these an operator may follow, and nothing else
_SPDX_LINE = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9.+\-() ]+)")


def is_evidence(path: str, size: int) -> bool:
    """Whether a file may tell the repository's licence: near the top, and not too large."""
    if size > _MAX_EVIDENCE or path.count("/") > 3:
        return False
    if package_metadata.reader_of(path) is not None:
        return True
    return bool(_LEGAL.search(path)) and language_of(path) not in CODE


def repository_licence(files: Mapping[str, bytes]) -> str | None:
    """The licence that a repository states, from the files that `is_evidence` picked.

    Args:
        files: path -> bytes. The one nearest to the top speaks first.
    """
    for path in sorted(files, key=_rank):
        text = files[path].decode("utf-8", "replace")
        reader = package_metadata.reader_of(path)
        licence = (reader or recognise_text)(text)
        if licence and len(licence) <= _MAX_EXPRESSION and licence.isprintable():
            return licence
    return None


def _rank(path: str) -> tuple[int, int, str]:
    """Whose word counts first, and of those who are alike the one nearest to the top."""
    depth = path.count("/")
    if package_metadata.is_python(path):
        rank = 0
    elif package_metadata.reader_of(path) is None:
        rank = 2
    else:
        # Further down it is that of an example or a test, or of one part of many.
        rank = 1 if package_metadata.is_at_top(path) else 3
    return rank, depth, path


def file_licence(text: str) -> str | None:
    """What the first 2,000 characters of a file say of its licence, or None.

    That is its `SPDX-License-Identifier`; else a copyleft licence that is named in full, since it need not be the
    repository's.

    >>> file_licence("# SPDX-License-Identifier: MIT OR Apache-2.0")
    'MIT OR Apache-2.0'
    """
    head = text[:2000]
    if match := _SPDX_LINE.search(head):
        return match[1].strip()[: _MAX_EXPRESSION + 1]
    if not any(word in head for word in _COPYLEFT_WORDS):
        return None
    return recognise_copyleft(head)


def is_permissive(expression: str, permissive: tuple[str, ...] = PERMISSIVE) -> bool:
    """Whether a SPDX expression leaves a way to use the code under permissive licences alone.

    >>> is_permissive("GPL-2.0-only OR (MIT AND BSD-3-Clause)"), is_permissive("MIT AND GPL-2.0-only")
    (True, False)
    """
    if len(expression) > _MAX_EXPRESSION:
        return False
    known = {name.lower() for name in permissive}
    # The shunting-yard method, and no recursion: what is read may nest as deep as it likes.
    granted: list[bool] = []
    waiting: list[str] = []
    before = "AND"
    for token in re.findall(r"[()]|[^\s()]+", expression):
        word = token.upper() if token.upper() in _WORDS else "name"
        if (before in _ENDS) != (word not in ("name", "(")):
            return False
        if before == "WITH":  # an exception grants more than the licence alone
            word = "exception"
        elif word == "name":
            granted.append(token.lower() in known)
        elif word == "(":
            waiting.append(word)
        elif word == ")":
            _settle(granted, waiting, "(")
            if not waiting:
                return False
            waiting.pop()
        elif word in ("AND", "OR"):
            _settle(granted, waiting, word)
            waiting.append(word)
        before = word
    if before not in _ENDS:
        return False
    _settle(granted, waiting, "(")
    return not waiting and granted == [True]


def _settle(granted: list[bool], waiting: list[str], until: str) -> None:
    """Carry out the operators that bind more tightly than the next one, back to the last open parenthesis."""
    while waiting and waiting[-1] != "(" and not (until == "AND" and waiting[-1] == "OR"):
        right = granted.pop()
        granted[-1] = (granted[-1] and right) if waiting.pop() == "AND" else (granted[-1] or right)
