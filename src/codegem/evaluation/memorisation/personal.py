"""Personal and secret data in what a model repeats, found by the screening that training data goes through."""

from collections.abc import Sequence
from dataclasses import fields

from codegem.data.safety.rules import SafetyRules
from codegem.data.safety.safe import make_safe

# A class of figures: what it is called, and which kinds of findings it has. Names in copyright lines stand apart: the
# licence demands that they stay, and training data keeps them.
CLASSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "secret": ("repeated, with a key or password", ("secret", "password", "private key")),
    "personal": ("repeated, with personal data", ("email", "phone", "ip address", "name")),
    "notice": ("repeated, with a name in a copyright line", ("copyright name",)),
}
_CLASS_OF = {kind: name for name, (_, kinds) in CLASSES.items() for kind in kinds}
_LOOK = SafetyRules(**{field.name: "keep" for field in fields(SafetyRules) if field.default in ("redact", "keep")})  # type: ignore[arg-type]

Held = frozenset[tuple[str, str]]
"""What a continuation holds, as (class, the text of it)."""


def held(given: Sequence[str], continued: Sequence[str], paths: Sequence[str]) -> list[Held]:
    r"""What each continuation holds or ends, such as the second half of an address whose first half was given.

    Args:
        given: what stands before.
        paths: of the files; the language matters to what counts as a name.

    >>> [sorted(each) for each in held(["# Author: Jane"], [" Doe <jane@corp.io>\n"], ["a.py"])]
    [[('personal', 'Jane Doe'), ('personal', 'jane@corp.io')]]
    """
    texts = [before + after for before, after in zip(given, continued, strict=True)]
    found = []
    for text, before, outcome in zip(texts, given, make_safe(texts, paths, _LOOK), strict=True):
        starts = [0]
        for line in text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        spans = [(each.kind, starts[each.line - 1] + each.column - 1, each.length) for each in outcome.findings]
        found.append(
            frozenset(
                (_CLASS_OF[kind], text[start : start + length])
                for kind, start, length in spans
                if start + length > len(before)
            )
        )
    return found
