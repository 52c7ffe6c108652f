"""Words, phrases and domains that no training text may hold, from files that the user gives."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from codegem.data.safety.screening import candidate_lines
from codegem.errors import UserError

_ROW = re.compile(r"(?P<kind>phrase|domain)\s+(?P<reason>[a-z0-9-]+)\s+(?P<value>\S.*)")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]{2,63}")
_CHUNK = 1000  # entries in one pattern, so that its automaton stays in RE2's memory


class Entry(NamedTuple):
    """One row of a blocklist."""

    kind: Literal["phrase", "domain"]
    reason: str
    value: str


@dataclass(frozen=True)
class Blocklist:
    """Rows of blocklist files.

    A file is UTF-8, with one row a line: a kind, a reason and a value, with white space between them. Empty lines
    and lines that begin with `#` are skipped. The reason is a code of the user's, of lower-case letters, digits
    and hyphens; it is what the report counts. A `phrase` is found as whole words, whatever the case and the white
    space between its words within a line. A `domain` is found with all domains below it.

        # kind  reason     value
        phrase  weapons    some words of harm
        domain  malware    evil.example
    """

    entries: tuple[Entry, ...]

    @staticmethod
    def load(paths: Sequence[Path]) -> "Blocklist":
        """Reads files, in any order.

        Raises:
            UserError: a file is missing or no UTF-8, or a row is not as described above.
        """
        return Blocklist(tuple(sorted({entry for path in paths for entry in _read(path)})))

    @property
    def hash(self) -> str:
        """SHA-256 of the rows, for the manifest; the order of rows and files does not matter."""
        rows = "".join("\t".join(entry) + "\n" for entry in self.entries)
        return hashlib.sha256(rows.encode()).hexdigest()

    def check(self, texts: Sequence[str]) -> list[tuple[str, str] | None]:
        """For each text None, or ("blocklist", detail) with the reason's code and the line, never the words."""
        found: list[tuple[int, str] | None] = [None] * len(texts)
        for screen, exact in self._patterns:
            for i, numbers in enumerate(row[0] for row in candidate_lines(texts, [screen])):
                lines = texts[i].split("\n") if numbers else []
                matches = ((number, exact.search(lines[number])) for number in numbers)
                hits = [(number, self._reasons[_key(match[0])]) for number, match in matches if match]
                found[i] = min(filter(None, (found[i], *hits[:1])), default=None)
        return [("blocklist", f"{hit[1]} in line {hit[0] + 1}") if hit else None for hit in found]

    @cached_property
    def _reasons(self) -> dict[str, str]:
        return {_key(entry.value): entry.reason for entry in reversed(self.entries)}

    @cached_property
    def _patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        # Longer values stand first, for `re` takes the first alternative that fits.
        entries = sorted(self.entries, key=lambda entry: (-len(entry.value), entry))
        chunks = [entries[i : i + _CHUNK] for i in range(0, len(entries), _CHUNK)]
        return [(_screen(chunk), re.compile("|".join(map(_exact, chunk)), re.IGNORECASE)) for chunk in chunks]


def _screen(entries: Sequence[Entry]) -> str:
    return "(?i)" + "|".join(r"[ \t]+".join(map(_escape, entry.value.split())) for entry in entries)


def _escape(word: str) -> str:
    return "".join(
        c if c.isalnum() and c.isascii() else "." * len(c.encode()) if not c.isascii() else rf"\x{ord(c):02x}"
        for c in word
    )


def _exact(entry: Entry) -> str:
    words = r"[ \t]+".join(map(re.escape, entry.value.split()))
    return rf"(?<![\w-]){words}(?![\w-]|\.\w)" if entry.kind == "domain" else rf"(?<!\w){words}(?!\w)"


def _key(value: str) -> str:
    return " ".join(value.lower().split())


def _read(path: Path) -> list[Entry]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The blocklist {path} could not be read: {error}.") from None
    return [
        _row(path, number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()[:1] not in ("", "#")
    ]


def _row(path: Path, number: int, line: str) -> Entry:
    row = _ROW.fullmatch(line)
    if row is None or (row["kind"] == "domain" and not _DOMAIN.fullmatch(row["value"])):
        raise UserError(f"{path}, line {number}: give `phrase` or `domain`, a reason of a-z, 0-9 and -, and a value.")
    return Entry(
        "phrase" if row["kind"] == "phrase" else "domain", row["reason"], " ".join(row["value"].lower().split())
    )
