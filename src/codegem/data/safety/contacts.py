"""Ways to reach a person or a machine: e-mail and IP addresses, phone numbers."""

import ipaddress
import re
from collections.abc import Iterator

from codegem.data.safety.lines import in_text
from codegem.data.safety.rules import Span

# Domains that end in none of these are attributes and file names: `x@self.weight`, `logo@2x.png`. All of two
# letters are countries'; of the longer ones those with mail are named.
_TLD = (
    r"(?:[a-z]{2}|com|org|net|edu|gov|mil|int|info|biz|name|pro|aero|coop|museum|dev|app|tech|cloud|online|site|xyz|me"
    r"|email|mail|codes|systems|software|solutions|agency|company|studio|design|digital|network|engineering|consulting"
    r"|services|global|world|group|team|today|live|life|space|science|academy|university|institute|foundation|works"
    r"|world|media|page|blog|berlin|london|paris|wien|nyc|tokyo|moscow|москва|рф)"
)
_EMAIL = re.compile(
    rf"(?:(?<![\w.+%/:@-])|(?<=mail:)|(?<=mailto:))(?P<box>[A-Za-z0-9](?:[\w.+-]{{0,62}}\w)?)@(?P<domain>(?:[a-z0-9-]{{1,63}}\.){{1,6}}{_TLD})"
    r"(?![\w-]|\.\w|[(\[=@:/]\w?)",
    re.IGNORECASE,
)
_AT = re.compile(
    r"(?<![\w.])(?P<box>[a-z0-9][\w.+-]{0,62})(?: ?[\[({<] ?at ?[\])}>] ?)"
    r"(?P<domain>[a-z0-9-]{1,63}(?:(?: ?[\[({<] ?dot ?[\])}>] ?|\.)[a-z0-9-]{2,63}){1,4})",
    re.IGNORECASE,
)
_RESERVED = re.compile(
    r"(?:^|\.)(?:example\.\w+|example|test|invalid|localhost|local|localdomain)$"
    r"|^(?:domain|yourdomain|company|email|host|foo|bar|a|b|x)\.\w+$"
)
_NO_PERSON = re.compile(
    r"git|hg|svn|no-?reply|do-?not-?reply|root|nobody|you|your|(?:your)?[._-]?e?mail|name|user(?:name)?|someone|anonymous"
)
_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w-]|\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9a-f]{3}:(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:v|ver|version|release|rel|build|rev|revision|section|sec|chapter|clause|rfc ?\d*|since|oid|firmware"
    r"|driver)s?[\s\"':=(]{0,8}|[\w\])][=~<>!]=\s?|[a-z]/|[~^§])$",
    re.IGNORECASE,
)
_VERSION_LINE = re.compile(r"version|firmware|\boid\b|release", re.IGNORECASE)
_HOST_LINE = re.compile(
    r"host|addr|server|\bips?\b|_ip|ip_|ipv|inet|ping|dns|proxy|client|remote|peer|url|http|connect|socket|subnet|cidr"
    r"|gateway",
    re.IGNORECASE,
)
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")  # of the IETF; Python before 3.12 calls part of it global
# Services that everyone knows tell of no one; those of small numbers are taken for versions anyway.
_RESOLVERS = """208.67.222.222 208.67.220.220 149.112.112.112 2001:4860:4860::8888 2001:4860:4860::8844
    2606:4700:4700::1111 2606:4700:4700::1001 2620:fe::fe 2620:fe::9"""
_OIDS = ([1, 3], [2, 5])  # roots of object identifiers
_SMALL = 32  # four numbers below it are a version or a section; one address in 4096 is such
_PHONE = re.compile(
    r"(?<![\w.+/#-])(?:\+[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,5}\)[ .-]?)?\d{1,5}(?:[ ./-]?\d{2,5}){1,5}"
    r"|(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])[2-9]\d{2}[ .-]\d{4})(?![\w-]|\.\d)"
)
_CALL = re.compile(
    r"(?:tel|phone|mobile|cell|fax|call|whatsapp|sms|text|contact|hotline|dial)\b\W{0,4}(?:\w{1,10}\W{1,3}){0,2}$",
    re.IGNORECASE,
)
_LOCAL = re.compile(
    r"(?i:\b(?:tel|phone|mobile|cell|fax|whatsapp)\b\.?(?: ?no\.?| number)?\s?[:=]\s?[\"']?)"
    r"(?P<phone>\(?0\d{1,5}\)?(?:[ ./-]?\d{2,5}){2,5})(?![\w-])"
)
# RE2; a line without one of these holds nothing that this module finds.
SCREEN = (
    r"[A-Za-z0-9_]@[A-Za-z0-9-]+\.[A-Za-z]{2}|[\[({<] ?(?i:at) ?[\])}>]"
    r"|[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|\b[23][0-9a-fA-F]{3}:[0-9a-fA-F]{0,4}:[0-9a-fA-F:]"
    r"|\+[1-9][0-9 ()./-]{6}|[2-9][0-9]{2}\)?[ .-]{1,2}[2-9][0-9]{2}[ .-][0-9]{4}\b"
    r"|(?i:tel|phone|mobile|cell|fax|whatsapp)[^\n]*[:=] ?[\"']?\(?0[0-9]"
)


def find_contacts(line: str, is_prose: bool) -> Iterator[Span]:
    """E-mail addresses, public IP addresses and phone numbers in one line of bounded length."""
    if "@" in line or "at" in line.lower():
        yield from find_emails(line)
    yield from find_ip_addresses(line)
    yield from find_phones(line, is_prose)


def find_emails(line: str) -> Iterator[Span]:
    """E-mail addresses, also written as `jane at x dot org` in brackets."""
    for pattern in (_EMAIL, _AT):
        for match in pattern.finditer(line):
            box, domain = match["box"].lower(), match["domain"].lower()
            if not _RESERVED.search(domain) and not _NO_PERSON.fullmatch(box):
                yield Span(*match.span(), "email", "email")


def find_ip_addresses(line: str) -> Iterator[Span]:
    """Public addresses; four numbers that are a version, a section or an example are none."""
    for match in _IPV4.finditer(line):
        numbers = [int(number) for number in match[0].split(".")]
        if max(numbers) < _SMALL or numbers[2:] == [0, 0] or max(numbers) > 255 or len(set(numbers)) == 1:
            continue
        is_version = _VERSION_BEFORE.search(line[max(0, match.start() - 30) : match.start()])
        is_version = is_version or (_VERSION_LINE.search(line) and not _HOST_LINE.search(line))
        if not is_version and numbers[:2] not in _OIDS and _is_public(match[0]):
            yield Span(*match.span(), "ip address", "IPv4")
    for match in _IPV6.finditer(line):
        if _is_public(match[0]):
            yield Span(*match.span(), "ip address", "IPv6")


def find_phones(line: str, is_prose: bool) -> Iterator[Span]:
    """Phone numbers in comments, strings and prose: with a country code, as in North America, or after `Tel.:`."""
    for match in _PHONE.finditer(line):
        digits, before = re.sub(r"\D", "", match[0]), line[: match.start()]
        called = _CALL.search(before[-40:]) is not None
        is_plain = len(digits) + match[0].startswith("+") == len(match[0])  # digits alone may be any number
        in_place = called or is_prose or match[0].startswith("+") or in_text(line, match.start())
        is_number = 9 <= len(digits) <= 15 and not _is_fictional(digits)
        if is_number and in_place and (called or not is_plain or before.endswith(("'", '"'))):
            yield Span(*match.span(), "phone", "phone")
    for match in _LOCAL.finditer(line):
        if 7 <= len(re.sub(r"\D", "", match["phone"])) <= 13:
            yield Span(*match.span("phone"), "phone", "phone")


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (
        parsed.is_global
        and not parsed.is_multicast
        and parsed not in _PROTOCOLS
        and str(parsed) not in _RESOLVERS.split()
    )


def _is_fictional(digits: str) -> bool:
    return len(set(digits)) < 4 or digits[-7:-2] == "55501" or digits in "012345678901234567890" or "123456" in digits
