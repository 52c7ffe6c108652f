"""Values that stand where a secret would, and values that look like one and are none."""

import base64
import binascii
import itertools
import re

_WORDS = re.compile(
    r"example|sample|dummy|fake|placeholder|change[-_ ]?(?:me|it|this)|your|x{4}|\*{3}|redacted|censored|insert"
    r"|replace|todo|fixme|foobar|lorem|undefined|unknown|password|passwd|secret|token|api[-_]?key|\.{3}|123456"
    r"|abcdef|qwerty|letmein|deadbeef|cafebabe|testing|default|hidden|missing|invalid|optional|required|<|\$\{|\{\{"
    r"|%\(|%s|^\$|^%|^env[.:]|^test|test$|^(?:my|some|the|any)[-_]|^xxx"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?[0-9a-f]+(?:[-:][0-9a-f]+)*", re.IGNORECASE)
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"%PDF", b"BM", b"RIFF", b"wOF", b"\0asm")


def is_placeholder(value: str) -> bool:
    """Whether a value says of itself that it is none, or is a pattern such as `aaaa` or `12345678`.

    >>> [is_placeholder(value) for value in ("your-api-key", "<PASSWORD>", "00000000", "abcdefgh", "kX3v9Qz7")]
    [True, True, True, True, False]
    """
    return has_placeholder_word(value) or is_pattern(value)


def has_placeholder_word(value: str) -> bool:
    """Whether a value holds a word that real ones don't."""
    return _WORDS.search(value.lower()) is not None


def is_pattern(value: str) -> bool:
    """Whether a value repeats few characters, or mostly counts up or down."""
    steps = sum(abs(ord(b) - ord(a)) <= 1 for a, b in itertools.pairwise(value.lower()))
    return len(set(value)) < 5 or steps * 2 >= len(value)


def is_uuid(value: str) -> bool:
    """Whether a value is a UUID: a name for a thing, no key to it."""
    return _UUID.fullmatch(value) is not None


def is_hex(value: str) -> bool:
    """Whether a value is hexadecimal, also in groups: a digest, a commit, a UUID, an address."""
    return _HEX.fullmatch(value) is not None


def is_encoded_data(value: str) -> bool:
    """Whether a value is base64 of readable text or of a known file format.

    >>> is_encoded_data("aGVsbG8gd29ybGQsIHRoaXMgaXMgdGV4dA=="), is_encoded_data("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYA")
    (True, True)
    """
    body = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(body[: len(body) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return False
    readable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in data)
    return data.startswith(_MAGIC) or readable >= 0.9 * len(data)
