"""Names of people, where a line says that a person's name follows."""

import re
from collections.abc import Iterator

from codegem.data.safety.lines import COMMENT
from codegem.data.safety.rules import Span

_WORD = r"(?:[A-ZÀ-ÖØ-ÞĀ-Žİ-ſА-ЯΑ-Ω](?:\.|[^\W\d_A-Z][^\W\d_]*(?:['’-][^\W\d_]+)*|['’][A-Z][a-z]+))"  # Jane, J., O'Neil
_FULL = rf"{_WORD}(?: (?:{_WORD}|(?:van|von|de|der|den|da|dos|di|la|le|el|al|bin|ibn|[A-Z]{{3,12}})\b)){{1,4}}"
_LEAD = r"^[\s#*/;!%-]*"
_TITLES = (
    r"(?:(?:original|main|co-?|module|section|primary|lead) ?)?authors?|maintainers?|contributors?|developers?"
    r"|creators?|contact|owners?"
)
_DONE = (
    r"(?:originally |first |re)?(?:written|created|developed|implemented|coded|programmed|modified|updated|ported"
    r"|contributed|reviewed|maintained|reported|designed|adapted|translated)"
)
_CUE = re.compile(
    rf"{_LEAD}(?i:(?P<title>(?:\.\. )?(?:[:@\\](?:{_TITLES}):{{0,2}}|(?:{_TITLES})(?:\(s\))? ?:))"
    rf"|(?:{_DONE} by|(?:signed-off|co-authored|reported|reviewed|acked|tested|suggested)-by"
    r"|thanks(?: go)? to|credits?(?: to)?|by):?)"
    r"\s{1,20}(?P<rest>\S.{0,200})"
)
_ASSIGNED = re.compile(
    r"(?i:__(?:author|maintainer|credits)s?__\s{0,4}=|[\"']?\b(?:author|maintainer)[\"']?\s{0,4}[:=])"
    r"[\s\[(]{0,4}[\"'](?P<rest>[^\"']{2,100})"
)
_TODO = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|NOTE|BUG)\((?P<name>@?[A-Za-z][\w.]{1,30})(?:[,:@ ][^)\n]{0,40})?\)")
_COPYRIGHT = re.compile(r"(?i:copyright|\(c\)|©)(?P<rest>[^\n]{0,200})")
_NAME = re.compile(_FULL)
_HANDLE = re.compile(r"@?[a-z][\w.-]{1,30}(?=\s*(?:$|[<(,]))|[A-Z][a-z]+(?=\s*(?:$|[<(,\"']))")
_NOT_PEOPLE = re.compile(
    r"\b(?:inc|ltd|llc|gmbh|corp|corporation|company|co|foundation|teams?|project|group|authors|contributors|developers"
    r"|university|institute|software|labs?|laboratory|systems|technologies|organization|community|committee|department"
    r"|services?|association|the|license|licence|public|version|rights|reserved|all|open|source|apache|google|microsoft"
    r"|mozilla|python|linux|gnu|free|this|see|and|code|file|name|email|none|unknown|todo|various|others|api|library"
    r"|module|class|function|test|data|default|new|by|list|limited|ab|ag|sa|bv|derivative|works)\b",
    re.IGNORECASE,
)
_COMPANY = re.compile(r",? (?:inc|ltd|llc|gmbh|corp|co|limited|b\.?v|s\.?a|ag)\b", re.IGNORECASE)
_TOPICS = re.compile(
    r"perf(?:ormance)?|tests?|docs?|api|later|bug|cleanup|refactor|security|ui|ux|(?:py|python|v)\d|next|release|windows"
    r"|linux|macos|mac|ios|android|all|none|now|soon|optimi[sz](?:e|ation)|fixme|todo|typing|types|gh|issue|bpo"
)
# RE2; a line without one of these holds nothing that this module finds.
SCREEN = (
    r"(?i:author|maintainer|contributor|ed by|-by:|thanks|credit|creator|developer|owner|contact)[^\n]*[A-Z]"
    r"|(?i:author)|(?i:written|created|maintained) by|(?:TODO|FIXME|XXX|HACK|NOTE|BUG) ?\("
    r"|(?i:copyright|\(c\)|©)|\bBy:? [A-Z]"
)


def find_names(line: str) -> Iterator[Span]:
    """People named as authors, in `TODO(name)`, and in copyright lines, which are a kind of their own."""
    if copyright_line := _COPYRIGHT.search(line):
        yield from _people(line, *copyright_line.span("rest"), "copyright name", False)
        return
    if cue := _CUE.search(line):
        yield from _people(line, *cue.span("rest"), "name", bool(cue["title"] and COMMENT.match(line)))
    for match in _ASSIGNED.finditer(line):
        yield from _people(line, *match.span("rest"), "name", "__" in match[0])
    for match in _TODO.finditer(line):
        if not _TOPICS.fullmatch(match["name"].lower()) and not re.search(r"\d{2}|^[A-Z]{2,}$", match["name"]):
            yield Span(*match.span("name"), "name", "todo")


def _people(line: str, start: int, end: int, kind: str, single: bool) -> Iterator[Span]:
    found = False
    for match in _NAME.finditer(line, start, end):
        if not _NOT_PEOPLE.search(match[0]) and not _COMPANY.match(line, match.end()):
            found = True
            yield Span(*match.span(), kind, "author")
    handle = _HANDLE.match(line, start, end) if single and not found else None
    if handle and not _NOT_PEOPLE.search(handle[0]):
        yield Span(*handle.span(), kind, "author")
