"""Secrets that no name and no format tells of: text in quotes that no one would write by hand."""

import re
from collections.abc import Iterator

from codegem.data.safety.placeholders import is_encoded_data, is_hex, is_placeholder
from codegem.data.safety.randomness import random_bits
from codegem.data.safety.rules import Span

_QUOTED = re.compile(r"(?P<q>[\"'`])(?P<value>[A-Za-z0-9+/_=.~-]{20,128})(?=(?P=q))")
# A name that tells of a digest, an identifier or a fixture: random, and yet no secret.
_OTHER_THINGS = re.compile(
    r"(?i)sha-?\d|md5|digest|checksum|integrity|fingerprint|hash|crc|etag|commit|revision|uuid|guid|fixture"
    r"|base-?(?:16|32|58|62|64|85)|b64|png|jpe?g|gif|icon|image|font|alphabet|charset|nonce|salt|snapshot|expected"
    r"|assert|public[_-]?key|pubkey|ssh-rsa|certificate|signature|encoded|sample|vector|blob|url|path|import|require|include|(?<![\w-])id[\"']?\s?[:=]"
)
_DIGEST = re.compile(r"[0-9a-f]{16,}")  # as in `sum-cbb1eca3bafafbb3e8b2419c4eebb387`: what stands beside it is judged
_DIGEST_BITS = 10.0
_JOINTS = re.compile(r"[-.~]")
_LONG_PIECE = 16  # characters; names that machines make, such as those of containers, are joined of shorter pieces
_NAME = re.compile(r"[A-Za-z]")
_LITERAL = re.compile(r"([\"'`])[^\"'`]{0,200}\1(?!\s{0,4}(?::|=>))")  # but for the key of a mapping
ROW = "entropy, no name"  # the rule of a text with nothing but texts and numbers before it in its line
_DATA_LINES = 2  # so many lines in a row, each with such a text, are a table or one encoded value
# RE2; a line without one of these holds nothing that this module finds.
SCREEN = r"[\"'`][A-Za-z+/_=.~-]{0,24}[0-9][A-Za-z0-9+/_=.~-]{10,}[\"'`]"


def find_random(line: str, min_bits: float) -> Iterator[Span]:
    """Random text in quotes in one line of bounded length, unless what precedes it or its prefix says what it is."""
    for match in _QUOTED.finditer(line):
        value = match["value"]
        if (
            _is_token(value)
            and random_bits(value) >= min_bits
            and not _OTHER_THINGS.search(line, max(0, match.start() - 80), match.start() + 8)
        ):
            rule = "entropy" if _NAME.search(_LITERAL.sub("", line[: max(0, match.start() - 1)])) else ROW
            yield Span(*match.span("value"), "secret", rule)


def is_table(lines: set[int], line: int) -> bool:
    """Whether a line is one of at least two in a row with random text and no name.

    >>> [is_table({1, 4, 5}, line) for line in (1, 5)]
    [False, True]
    """
    first = last = line
    while first - 1 in lines and last - first < _DATA_LINES:
        first -= 1
    while last + 1 in lines and last - first < _DATA_LINES:
        last += 1
    return last - first + 1 >= _DATA_LINES


def _is_token(value: str) -> bool:
    digits = sum(map(str.isdigit, value))
    if max(map(len, _JOINTS.split(value))) < _LONG_PIECE:
        return False
    if not digits or digits == len(value) or is_hex(value) or is_placeholder(value):
        return False
    if _DIGEST.search(value) and random_bits(_DIGEST.sub("", value)) < _DIGEST_BITS:
        return False
    return not is_encoded_data(value)
