"""Every file that was read, as the stages judged it: what is kept, and what was rejected where and why."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from codegem.data.repositories import Source
from codegem.data.work import Work, write_table
from codegem.errors import UserError

# The stages that may reject a file, in their order.
STAGES = ("read", "filter", "licence", "safety", "contamination", "dedup", "held-out", "mixture", "syntax")

VERDICTS = pa.schema(
    [
        ("repository", pa.string()),
        ("path", pa.string()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("rule", pa.string()),  # what in the recipe says so
        ("place", pa.string()),  # where in the file
        ("detail", pa.string()),
    ]
)
_JUDGED = ("stage", "reason", "rule", "place", "detail")
REJECTED = pa.schema([*VERDICTS, ("language", pa.string()), ("size", pa.int64())])
REDACTED = pa.schema([("repository", pa.string()), ("path", pa.string()), ("kind", pa.string()), ("line", pa.int32())])


@dataclass(frozen=True)
class Files:
    """The files of all sources, on disk.

    Args:
        sources: in the order of their names.
    """

    work: Work
    sources: Sequence[Source]

    def table(self, source: Source, columns: Sequence[str], *, late: bool = True) -> pa.Table:
        """The files of a source in the order of (repository, path), with what every stage so far says of them.

        Args:
            columns: of `reading.FILES`; repository, path and the verdict come too.
            late: whether what the packing stage said counts.
        """
        wanted = list(dict.fromkeys(["repository", "path", *_JUDGED, *columns]))
        table = pq.read_table(self.work.read(source), columns=wanted)
        said = [self.work.duplicates(source), self.work.held_out(source), *([self.work.late(source)] if late else [])]
        for path in said:
            if path.exists():
                table = overlay(table, pq.read_table(path))
        return table

    def kept(self, source: Source, columns: Sequence[str], *, late: bool = True) -> pa.Table:
        """The files of a source that no stage has rejected."""
        table = self.table(source, columns, late=late)
        return table.filter(pc.field("reason").is_null())

    def identity(self, *also: str) -> str:
        """SHA-256 over the documents that packing starts from, and what else decides the data set.

        Raises:
            UserError: there is no document.
        """
        digest = hashlib.sha256("\0".join(also).encode())
        documents = 0
        for source in self.sources:
            table = self.kept(source, ["sha256"], late=False)
            documents += len(table)
            for column in ("repository", "path", "sha256"):
                for value in table[column].to_pylist():
                    digest.update(value.encode() + b"\n")
        if not documents:
            raise UserError(f"None of the {self._reasons()}: nothing to learn from.")
        return digest.hexdigest()

    def sizes(self) -> dict[str, int]:
        """Bytes of each language that packing starts from."""
        totals: Counter[str] = Counter()
        for source in self.sources:
            table = self.kept(source, ["language", "size"], late=False)
            for language, size in zip(table["language"].to_pylist(), table["size"].to_pylist(), strict=True):
                totals[language] += size
        return dict(totals)

    def _reasons(self) -> str:
        """What was read, and why most of it was rejected."""
        counts: Counter[tuple[str, str]] = Counter()
        for source in self.sources:
            table = self.table(source, [])
            counts.update(zip(table["reason"].to_pylist(), table["rule"].to_pylist(), strict=True))
        main = ", ".join(f"{count} {reason}: see {rule}" for (reason, rule), count in counts.most_common(3))
        return f"{counts.total()} files read is kept ({main or 'no files'})"


def overlay(files: pa.Table, verdicts: pa.Table) -> pa.Table:
    """The same files; one of which `verdicts` speak is rejected with them, unless it was before."""
    names = zip(verdicts["repository"].to_pylist(), verdicts["path"].to_pylist(), strict=True)
    at = {name: number for number, name in enumerate(names)}
    keys = zip(*(files[name].to_pylist() for name in ("repository", "path", "reason")), strict=True)
    # An archive may hold a path twice: the verdict is on the one that was kept.
    found = pa.array(
        [at.get((repository, path)) if reason is None else None for repository, path, reason in keys], pa.int64()
    )
    for name in _JUDGED:
        said = verdicts[name].take(found)
        column = pc.call_function("if_else", [found.is_valid(), said, files[name]])
        files = files.set_column(files.schema.get_field_index(name), VERDICTS.field(name), column)
    return files


def close_accounts(files: Files, packed: dict[str, dict[str, Any]], out: Path) -> dict[str, Any]:
    """Write `rejected.parquet` and `redacted.parquet`; the counts for the manifest.

    Args:
        packed: what the packing stage says of each source.
    """
    counts = _Counts()

    def rejected() -> Iterator[pa.Table]:
        for source in files.sources:
            table = files.table(source, ["language", "licence", "repository_licence", "size"])
            counts.add(source, table, packed.get(source.name, {}))
            yield table.filter(pc.field("reason").is_valid()).select(REJECTED.names).cast(REJECTED)

    write_table(out / "rejected.parquet", rejected(), REJECTED)
    write_table(out / "redacted.parquet", (_redactions(files, source, counts) for source in files.sources), REDACTED)
    return counts.result()


def _redactions(files: Files, source: Source, counts: "_Counts") -> pa.Table:
    table = files.kept(source, ["findings"])
    rows = [
        {"repository": repository, "path": path, "kind": finding["kind"], "line": finding["line"]}
        for repository, path, findings in zip(
            *(table[n].to_pylist() for n in ("repository", "path", "findings")), strict=True
        )
        for finding in findings or ()
    ]
    counts.redacted.update(row["kind"] for row in rows)
    return pa.Table.from_pylist(rows, REDACTED)


class _Counts:
    def __init__(self) -> None:
        self.redacted: Counter[str] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._languages: dict[str, Counter[str]] = {}
        self._licences: Counter[str] = Counter()
        self._repositories: list[dict[str, Any]] = []

    def add(self, source: Source, table: pa.Table, packed: dict[str, Any]) -> None:
        names = ("language", "stage", "reason", "licence", "size")
        kept = 0
        for language, stage, reason, licence, size in zip(*(table[name].to_pylist() for name in names), strict=True):
            of_language = self._languages.setdefault(language or "other", Counter())
            of_language["read"] += 1
            of_language["read_bytes"] += size
            if reason is None:
                of_language["kept"] += 1
                of_language["kept_bytes"] += size
                self._licences[licence or "unknown"] += 1
                kept += 1
            else:
                self._reasons[stage, reason] += 1
                of_language[f"{stage}: {reason}"] += 1
        licence = table["repository_licence"][0].as_py() if len(table) else None
        row = {"name": source.name, "source": source.location.name, "licence": licence, "kept": kept}
        self._repositories.append(row | packed)

    def result(self) -> dict[str, Any]:
        read = sum(counts["read"] for counts in self._languages.values())
        kept = sum(counts["kept"] for counts in self._languages.values())
        rejected = sum(self._reasons.values())
        if read != kept + rejected:
            raise RuntimeError(f"{read} files were read, {kept} kept and {rejected} rejected")
        return {
            "read": read,
            "kept": kept,
            "rejected": rejected,
            "kept_bytes": sum(counts["kept_bytes"] for counts in self._languages.values()),
            "stages": self._stages(read),
            "reasons": {f"{stage}: {reason}": n for (stage, reason), n in sorted(self._reasons.items())},
            "languages": {name: c["kept"] for name, c in sorted(self._languages.items()) if c["kept"]},
            "by_language": {name: dict(sorted(c.items())) for name, c in sorted(self._languages.items())},
            "licences": dict(sorted(self._licences.items())),
            "redacted": dict(sorted(self.redacted.items())),
            "repositories": self._repositories,
        }

    def _stages(self, read: int) -> dict[str, dict[str, int]]:
        """What went into each stage, what it kept and rejected."""
        stages, left = {}, read
        for stage in STAGES:
            rejected = sum(count for (of, _), count in self._reasons.items() if of == stage)
            stages[stage] = {"read": left, "kept": left - rejected, "rejected": rejected}
            left -= rejected
        return stages
