"""How often suggestions are taken: counts by day, client and language, in a SQLite file of the person's own.

No code is kept, no path and no time of day: a row says how many suggestions were shown, taken and put away, and how
many characters and lines were taken. Nothing is sent anywhere. docs/PRIVACY.md says where the file is and how to be rid
of it.

Whatever is wrong with the file, the counting goes on in memory or not at all; it never stands in a suggestion's way.
"""

import os
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from threading import Lock

_DAYS = 400  # older rows are removed
_REMEMBERED = 1024  # suggestions of which more may be told
_MOST_GROUPS = 64  # pairs of client and language in a day; further ones are counted as "other"
_PATIENCE = 0.2  # seconds for another program that writes
_WORD = re.compile(r"[a-z0-9+#._-]{1,24}")
_NUMBERS = ("shown", "accepted", "dismissed", "characters", "lines")
_TABLE = """
CREATE TABLE IF NOT EXISTS suggestions (
    day TEXT NOT NULL, client TEXT NOT NULL, language TEXT NOT NULL,
    shown INTEGER NOT NULL DEFAULT 0, accepted INTEGER NOT NULL DEFAULT 0, dismissed INTEGER NOT NULL DEFAULT 0,
    characters INTEGER NOT NULL DEFAULT 0, lines INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, client, language)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Counts:
    """What became of suggestions, on one day in one client and language or over many.

    Attributes:
        accepted: those of `shown` that were taken, whole or in part; `dismissed` those that were put away.
        characters: that were taken, and `lines` likewise.
    """

    day: str = ""
    client: str = ""
    language: str = ""
    shown: int = 0
    accepted: int = 0
    dismissed: int = 0
    characters: int = 0
    lines: int = 0


@dataclass
class _Suggestion:
    """What is remembered of a suggestion: sizes, and what was counted already."""

    client: str = "other"
    language: str = "other"
    characters: int = 0
    first_line: int = 0
    lines: int = 0
    counted: set[str] = field(default_factory=set)


def default_path() -> Path:
    """Where the counts are: `codegem/acceptance.sqlite` in `$XDG_DATA_HOME` or `~/.local/share`."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "codegem" / "acceptance.sqlite"


class Acceptance:
    """Counts of suggestions; any thread may call it, and nothing in it raises.

    Args:
        path: of the file, made at the first count; None counts in memory.

    Attributes:
        is_kept: whether counts are in the file; False before the first, and where it can't be used.

    Example:
        >>> counts = Acceptance()
        >>> counts.offered("cmpl-1", "return a + b\\n", client="lsp", language="python")
        >>> counts.shown("cmpl-1"), counts.accepted("cmpl-1"), counts.accepted("cmpl-1")
        (True, True, False)
        >>> counts.total().accepted, counts.total().characters, counts.total().lines
        (1, 13, 1)
    """

    def __init__(self, path: Path | None = None):
        self.path = path
        self.is_kept = False
        self._today: Callable[[], date] = date.today
        self._lock = Lock()
        self._suggestions: OrderedDict[str, _Suggestion] = OrderedDict()
        self._connection: sqlite3.Connection | None = None

    def offered(self, id: str, text: str, *, client: str = "", language: str = "") -> None:
        """A suggestion was made, and may be shown; only its sizes are remembered.

        Args:
            id: by which more is told of it; any text.
        """
        lines = text.count("\n") + (text[-1:] not in ("", "\n"))
        first = len(text) if lines < 2 else text.index("\n") + 1
        with self._lock:
            self._remember(id, _Suggestion(_word(client), _word(language), len(text), first, lines))

    def shown(self, id: str) -> bool:
        """A person saw it; whether that was new."""
        return self._count(id, "shown")

    def accepted(self, id: str, *, line_only: bool = False) -> bool:
        """A person took it, or its first line only; whether that was new. It counts as shown as well."""
        with self._lock:
            suggestion = self._suggestions.get(id) or _Suggestion()
        characters = suggestion.first_line if line_only else suggestion.characters
        self._count(id, "shown")
        return self._count(id, "accepted", characters, min(1, suggestion.lines) if line_only else suggestion.lines)

    def dismissed(self, id: str) -> bool:
        """A person put it away, or typed something else; whether that was new."""
        return self._count(id, "dismissed")

    def rows(self, days: int = 30) -> list[Counts]:
        """Counts of the last `days` days, today's first."""
        since = (self._today() - timedelta(days=max(0, min(days, _DAYS) - 1))).isoformat()
        query = "SELECT * FROM suggestions WHERE day >= ? ORDER BY day DESC, client, language"
        with self._lock:
            try:
                return [Counts(*row) for row in self._opened().execute(query, (since,))]
            except (sqlite3.Error, OSError, TypeError):
                return []

    def total(self, days: int = 30) -> Counts:
        """Sums of the last `days` days."""
        sums = [0] * len(_NUMBERS)
        for row in self.rows(days):
            sums = [so_far + getattr(row, name) for so_far, name in zip(sums, _NUMBERS, strict=True)]
        return Counts("", "", "", *sums)

    def close(self) -> None:
        """Let go of the file; a later count opens it again."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection, self.is_kept = None, False

    def _count(self, id: str, what: str, characters: int = 0, lines: int = 0) -> bool:
        """Count something of a suggestion once."""
        with self._lock:
            suggestion = self._suggestions.get(id) or self._remember(id, _Suggestion())
            if what in suggestion.counted:
                return False
            suggestion.counted.add(what)
            with suppress(sqlite3.Error, OSError):  # the file is locked, full or gone: this count is lost
                self._write(suggestion, what, characters, lines)
            return True

    def _remember(self, id: str, suggestion: _Suggestion) -> _Suggestion:
        self._suggestions[id] = suggestion
        while len(self._suggestions) > _REMEMBERED:
            self._suggestions.popitem(last=False)
        return suggestion

    def _write(self, suggestion: _Suggestion, what: str, characters: int, lines: int) -> None:
        connection, day = self._opened(), self._today().isoformat()
        key = (day, suggestion.client, suggestion.language)
        with connection:
            known = "SELECT 1 FROM suggestions WHERE day = ? AND client = ? AND language = ?"
            if not connection.execute(known, key).fetchone():
                groups = connection.execute("SELECT count(*) FROM suggestions WHERE day = ?", (day,)).fetchone()[0]
                key = key if groups < _MOST_GROUPS else (day, "other", "other")
                oldest = (self._today() - timedelta(days=_DAYS)).isoformat()
                connection.execute("DELETE FROM suggestions WHERE day < ?", (oldest,))
                connection.execute("INSERT OR IGNORE INTO suggestions (day, client, language) VALUES (?, ?, ?)", key)
            # `what` is one of three words of this module.
            connection.execute(
                f"UPDATE suggestions SET {what} = {what} + 1, characters = characters + ?, lines = lines + ? "
                "WHERE day = ? AND client = ? AND language = ?",
                (characters, lines, *key),
            )

    def _opened(self) -> sqlite3.Connection:
        """The file, or memory where it can't be used."""
        if self._connection is None and self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.path.touch(mode=0o600)
                self._connection = _connect(str(self.path))
                self.is_kept = True
            except (sqlite3.Error, OSError):
                self._connection = None
        if self._connection is None:
            self._connection = _connect(":memory:")
        return self._connection


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=_PATIENCE, check_same_thread=False)
    try:
        # Nothing waits for the disk; what a power cut takes is the last counts, never the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        with connection:
            connection.execute(_TABLE)
            connection.execute("DELETE FROM suggestions WHERE 0")  # a file that is read-only says so now
        return connection
    except sqlite3.Error:
        connection.close()
        raise


def _word(name: str) -> str:
    """A client or language as it is kept: a short word, so that nothing else gets into the file.

    >>> _word("TypeScript"), _word("secret = 1"), _word("")
    ('typescript', 'other', 'other')
    """
    word = name.strip().lower()
    return word if _WORD.fullmatch(word) else "other"
