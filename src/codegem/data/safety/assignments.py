"""Secrets that are known by where they stand: beside a telling name, in a URL, in a connection string."""

import re
import string
from collections.abc import Iterator

from codegem.data.safety.lines import in_text
from codegem.data.safety.placeholders import is_encoded_data, is_placeholder, is_uuid
from codegem.data.safety.randomness import random_bits
from codegem.data.safety.rules import Span

# Names, in small letters. `pass` and `auth` count as words alone.
_NAME = re.compile(
    r"(?P<password>passw(?:or)?ds?|passphrase|pass_?wrd|userpass|pwd|kennwort|passwort|contrase(?:ñ|n)a)"
    r"|(?P<secret>secret|token|credential|(?:api|auth|access|private|account|service|encryption|encrypt|signing|sign"
    r"|master|license|licence|shared|storage|subscription|client|app|consumer|hmac|session|cookie|deploy|webhook|admin"
    r"|aes)[_.-]?key|api[_-]?pass|bearer|authorization|access[_-]?code)"
    r"|(?P<short_password>pass|pw)(?![a-z])|(?P<short_secret>auth)(?![a-z])"
)
_SMALL = {ord(letter): letter.lower() for letter in string.ascii_uppercase}
_PREFIX = r"(?:@|\$@?|[bBrRuUfFL]{1,2}|u8)?"
# What may stand between a name and the quote that opens its value: the rest of the name, a closing quote or
# bracket, a type, an operator, a call around the value.
_GLUE = (
    r"[\w.-]{0,30}+(?:\\?[\"'`])?+\]?+\)?+(?:\[\w{0,8}+\])?+"
    r"(?:\s{0,8}+:\s{0,2}+[&'*\w.<>?\[\] ]{1,40}?|\s{1,4}+\*?+[\w.\[\]]{1,30}+)?"
    r"(?:\s{0,20}(?:=>|:=|={1,3}|!==?|:|,|\(|\{|\|\||\?\?)\s{0,8}+|\s{1,20}+)"
    r"(?:\w[\w.:]{0,30}+!?\(\s{0,2}+)?+"
)
_QUOTED = re.compile(rf"{_GLUE}{_PREFIX}(?P<q>\\?[\"'`]|r#\")(?P<value>[^\s\"'`\\]{{6,256}})(?=(?P=q)|\")")
_COMPARED = re.compile(r"(?P<q>[\"'`])(?P<value>[^\s\"'`\\]{6,256})(?P=q)\s{0,4}[!=]={1,2}\s{0,4}(?P<name>[\w.]{1,60})")
_BARE = re.compile(r"[\w.-]{0,30}+[\"'`]?\s{0,4}+[:=]\s{0,4}+(?P<value>[^\s\"'`\\;,&<>(){}\[\]]{6,256})")
_SCHEME = re.compile(r"(?i)\b(?:bearer|basic|token|apikey)\s{1,4}(?P<value>[A-Za-z0-9+/_=.~-]{16,1024})")
_URL = re.compile(r"://(?P<user>[^\s/:@\"'`<>]{0,64}):(?P<value>[^\s/:\[\]\"'`<>]{1,128}?)@(?=[\w\[{%$])")
_NETRC = re.compile(r"\blogin\s{1,8}\S{1,64}\s{1,8}password\s{1,8}(?P<value>[^\s\"'`\\]{3,128})")
_TEMPLATE = re.compile(r"[{}<>]|\$\(|^\$|%[sdr(]|^[*.x-]+$|^\.\.\.|\(\)|\|\||&&|://|^--|;$")
_CODE = re.compile(r"[A-Za-z_][\w-]*(?:(?:\.|::|->|/)[A-Za-z_][\w-]*)*[(:;,]?")  # an identifier, a path, a call
_SYMBOL = re.compile(r"[!@#$%^&*?+~]")
# Bits that speak for random letters (see `randomness`). A name that says "secret" is evidence by itself, and so less
# is asked for than of text with no name; bare words, which may be code, are asked for more.
_SECRET_BITS, _PASSWORD_BITS, _BARE_BITS = 10.0, 8.0, 14.0
_CERTAIN_BITS = 40.0  # a random text may hold `%s` by chance
# RE2; a line without one of these holds nothing that this module finds.
SCREEN = (
    r"(?i:passw|passphrase|passwort|pwd|pass_|pass\b|\bpw\b|secret|token|credential|contrase|kennwort"
    r"|key|auth|bearer|basic|access.?code)[^\n]*(?:[\"'`][^\s\"'`]{6,}[\"'`]|[:= ,][^\s\"'`(){}<>\[\]]*[0-9])"
    r"|(?i:passw[a-z]*|pwd|pass)[=: ]+[^\s\"'`(){}<>\[\]]{6}|[\"'`] ?[!=]==? |://[^\s/@]*:[^\s/]+@"
)


def find_assigned(line: str) -> Iterator[Span]:
    """Secrets and passwords beside their names, and those of `find_credentials`, in one line of bounded length."""
    for end, kind in _names(line):
        for pattern, quoted in ((_QUOTED, True), (_BARE, False)):
            match = pattern.match(line, end)
            if match and _is_value(match["value"], kind, quoted or in_text(line, end), line[:end]):
                yield Span(*match.span("value"), kind, "assigned")
    for match in _COMPARED.finditer(line):
        for _, kind in _names(match["name"]):
            if _is_value(match["value"], kind, True):
                yield Span(*match.span("value"), kind, "compared")
    yield from find_credentials(line)


def _names(line: str) -> Iterator[tuple[int, str]]:
    for match in _NAME.finditer(line.translate(_SMALL)):
        kind, start = str(match.lastgroup), match.start()
        before = line[start - 1] if start else " "
        is_word = not before.isalpha() or (before.islower() and line[start].isupper())
        if is_word or not kind.startswith("short"):
            yield match.end(), kind.removeprefix("short_")


def find_credentials(line: str) -> Iterator[Span]:
    """Passwords in URLs, .netrc lines and what follows `Bearer` and `Basic`."""
    for match in _URL.finditer(line):
        value = match["value"]
        if not _TEMPLATE.search(value) and not is_placeholder(value) and not _is_word(value, match["user"]):
            yield Span(*match.span("value"), "password", "url")
    for match in _NETRC.finditer(line):
        if not _TEMPLATE.search(match["value"]) and not is_placeholder(match["value"]):
            yield Span(*match.span("value"), "password", "netrc")
    for match in _SCHEME.finditer(line):
        if _is_value(match["value"], "secret", False):
            yield Span(*match.span("value"), "secret", "authorization")


def _is_value(value: str, kind: str, quoted: bool, name: str = "") -> bool:
    bits = random_bits(value)
    if (bits < _CERTAIN_BITS and _TEMPLATE.search(value)) or is_placeholder(value) or value.isdigit():
        return False
    if is_uuid(value) and not name.lower().endswith("key"):
        return False
    if kind == "secret":
        return len(value) >= 8 and bits >= (_SECRET_BITS if quoted else _BARE_BITS) and not is_encoded_data(value)
    digit = any(map(str.isdigit, value))
    if _CODE.fullmatch(value) and bits < _PASSWORD_BITS:
        return quoted and digit and (value.isalnum() or bits > 0)
    symbol = _SYMBOL.search(value)
    return bits >= (_PASSWORD_BITS if quoted else _BARE_BITS) or bool(symbol and digit)


def _is_word(value: str, user: str) -> bool:
    return value == user or len(value) < 5 or (value.isalpha() and random_bits(value) < 0)
