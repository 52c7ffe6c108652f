"""The safety stage: texts of a repository in, safe texts or reasons out."""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from codegem.data.safety import assignments, contacts, entropy, formats, names
from codegem.data.safety.blocklist import Blocklist
from codegem.data.safety.entropy import ROW, is_table
from codegem.data.safety.private_keys import find_private_key
from codegem.data.safety.redaction import PRIVATE_KEY, Redactor, merge
from codegem.data.safety.rules import Finding, Outcome, SafetyRules, Span
from codegem.data.safety.screening import candidate_lines
from codegem.text.languages import CODE, language_of


class About(NamedTuple):
    """What a finder may know beside the line."""

    is_prose: bool
    min_random_bits: float


# (screen, finder): the finder sees the lines that its screen found.
_FINDERS: tuple[tuple[str, Callable[[str, About], Iterable[Span]]], ...] = (
    (formats.SCREEN, lambda line, _: formats.find_formats(line)),
    (assignments.SCREEN, lambda line, _: assignments.find_assigned(line)),
    (entropy.SCREEN, lambda line, about: entropy.find_random(line, about.min_random_bits)),
    (contacts.SCREEN, lambda line, about: contacts.find_contacts(line, about.is_prose)),
    (names.SCREEN, lambda line, _: names.find_names(line)),
)
_SCREENS = [screen for screen, _ in _FINDERS]
_WINDOW, _OVERLAP = 1000, 300  # characters of a long line that are looked at together
_SPANS_PER_FINDING = 4  # several rules may find one thing; with more the file is dropped
_ROUNDS = 4  # redaction may uncover what it stood beside; each round costs a few files
_BYTES_PER_WINDOW, _FREE_WINDOWS = 64, 4096  # a file with more to look at is no source code

Found = dict[int, list[Span]]  # by line


def make_safe(
    texts: Sequence[str], paths: Sequence[str], rules: SafetyRules, blocklist: Blocklist | None = None
) -> list[Outcome]:
    """Redacts or drops each text by the rules. What is done to a text depends on that text and its path alone.

    Args:
        texts: with "\\n" at line ends.
        paths: of the same length; the language matters to redaction.

    Returns:
        An outcome for each text. A redacted text has no findings but those that are kept by policy.

    >>> make_safe(["# Author: Jane Doe <jane@corp.io>\\n"], ["a.py"], SafetyRules())[0].text
    '# Author: <NAME> <EMAIL>\\n'
    """
    rejections = blocklist.check(texts) if blocklist else [None] * len(texts)
    outcomes = [Outcome(text, rejection) for text, rejection in zip(texts, rejections, strict=True)]
    pending = [i for i, outcome in enumerate(outcomes) if not outcome.rejection]
    candidates = candidate_lines([texts[i] for i in pending], _SCREENS)
    for i, numbers in zip(pending, candidates, strict=True):
        if any(numbers):
            outcomes[i] = _of_one(texts[i], paths[i], numbers, rules)
    return outcomes


def _of_one(text: str, path: str, numbers: Sequence[Sequence[int]], rules: SafetyRules) -> Outcome:
    """Finds and redacts until nothing more is found: a placeholder may uncover what stood beside a secret."""
    lines = text.split("\n")
    windows = sum(1 + len(lines[n]) // _WINDOW for of_finder in numbers for n in of_finder)
    limit = _FREE_WINDOWS + len(text) // _BYTES_PER_WINDOW
    if windows > limit:
        return Outcome(text, ("too much to look at", f"{windows} lines, at most {limit}"))
    findings: tuple[Finding, ...] = ()
    for _ in range(_ROUNDS):
        found = _find(lines, numbers, path, rules)
        if found is None:
            return Outcome(text, ("too many findings", f"more than {rules.max_findings}"), findings)
        findings = findings or _findings(found)
        if rejection := _rejection(findings, found, rules):
            return Outcome(text, rejection, findings[: rules.max_findings])
        redacted, numbers = _redact(lines, found, numbers, path, rules)
        if not numbers:
            return Outcome("\n".join(redacted), None, findings)
        lines = redacted
    return Outcome(text, ("redaction", f"still changing after {_ROUNDS} rounds"), findings)


def _rejection(findings: Sequence[Finding], found: Found, rules: SafetyRules) -> tuple[str, str] | None:
    kinds = Counter(span.kind for spans in found.values() for span in merge(spans))
    if dropped := sorted(kind for kind in kinds if rules.policy(kind) == "drop"):
        return dropped[0], f"{kinds[dropped[0]]} found"
    if len(findings) > rules.max_findings:
        return "too many findings", f"more than {rules.max_findings}"
    return None


def _find(lines: Sequence[str], numbers: Sequence[Sequence[int]], path: str, rules: SafetyRules) -> Found | None:
    """What is found in the lines that each finder is to look at; None where it is far too much."""
    about = About(is_prose=language_of(path) not in CODE, min_random_bits=rules.min_random_bits)
    most = _SPANS_PER_FINDING * rules.max_findings
    found: Found = defaultdict(list)
    for count, (number, span) in enumerate(_spans(lines, numbers, about)):
        if count == most:
            return None
        found[number].append(span)
    for number in numbers[0]:
        for other, span in find_private_key(lines, number):
            found[other].append(span)
    random = {number for number, spans in found.items() if any(span.rule == ROW for span in spans)}
    for number in sorted(random):
        if is_table(random, number):
            found[number] = [span for span in found[number] if span.rule != ROW]
    return {number: sorted(set(found[number])) for number in sorted(found) if found[number]}


def _spans(lines: Sequence[str], numbers: Sequence[Sequence[int]], about: About) -> Iterator[tuple[int, Span]]:
    for (_, finder), of_finder in zip(_FINDERS, numbers, strict=True):
        for number in of_finder:
            for start, window in _windows(lines[number]):
                for span in finder(window, about):
                    yield number, span._replace(start=span.start + start, end=span.end + start)


def _windows(line: str) -> Iterator[tuple[int, str]]:
    for start in range(0, max(1, len(line) - _OVERLAP), _WINDOW - _OVERLAP):
        yield start, line[start : start + _WINDOW]


def _findings(found: Found) -> tuple[Finding, ...]:
    return tuple(
        Finding(span.kind, span.rule, number + 1, span.start + 1, span.end - span.start)
        for number, spans in found.items()
        for span in merge(spans)
    )


def _redact(
    lines: Sequence[str], found: Found, numbers: Sequence[Sequence[int]], path: str, rules: SafetyRules
) -> tuple[list[str], list[list[int]]]:
    """The lines with placeholders, and the lines that each finder is to look at again: those as before, and changed."""
    redactor, after = Redactor(path), list(lines)
    changed, bare = set(), set()  # bare: nothing but a piece of a private key; of such lines in a row one stays
    for number, spans in found.items():
        if redacted := merge([span for span in spans if rules.policy(span.kind) == "redact"]):
            changed.add(number)
            after[number] = redactor.line(lines[number], redacted)
            if after[number].strip() == PRIVATE_KEY:
                bare.add(number)
    if not changed:
        return after, []
    gone = sorted(number for number in bare if number - 1 in bare)
    for number in reversed(gone):
        del after[number]
    again = [sorted(changed.union(of_finder).difference(gone)) for of_finder in numbers]
    return after, [[number - bisect(gone, number) for number in of_finder] for of_finder in again]
