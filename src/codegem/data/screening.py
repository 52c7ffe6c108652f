"""One source to its work file: every file read and judged, made safe, compared with benchmarks, and signed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from codegem.data.decontamination import BenchmarkIndex, ContaminationRules, index_hash
from codegem.data.dedup import fingerprint
from codegem.data.duplicates.near_duplicates import signatures
from codegem.data.reading import FILES, PROJECTS, project_texts, read_repository
from codegem.data.recipe import DataRecipe
from codegem.data.repositories import Source
from codegem.data.safety.blocklist import Blocklist
from codegem.data.safety.safe import make_safe
from codegem.data.work import Work, write_table

_BATCH = 8 << 20  # characters of text that are screened together

FileRow = dict[str, Any]
"""A row of `reading.FILES`; what is not in it is null."""


@dataclass(frozen=True)
class Screens:
    """What the user gives to compare with: benchmarks and blocklists, by their files.

    Attributes:
        hash: SHA-256 over their contents as they count.
    """

    benchmarks: tuple[Path, ...] = ()
    blocklists: tuple[Path, ...] = ()
    hash: str = ""

    @staticmethod
    def of(benchmarks: Sequence[Path], blocklists: Sequence[Path], rules: ContaminationRules) -> "Screens":
        """The files as they are now.

        Raises:
            UserError: a path does not exist, or is not what it should be.
        """
        given = [index_hash(benchmarks, rules)] if benchmarks else []
        given += [Blocklist.load(blocklists).hash] if blocklists else []
        return Screens(tuple(benchmarks), tuple(blocklists), hashlib.sha256("\0".join(given).encode()).hexdigest())


def read_source(source: Source, *, work: Work, recipe: DataRecipe, screens: Screens) -> None:
    """Write the files of a source, kept and rejected, to its place in `work`, in the order of their names.

    Texts of project files (`go.mod` and the like), which the dependency graph asks for, stand in the metadata.
    """
    rows = [row for row in read_repository(source, recipe) if row.get("path") is not None]
    rows.sort(key=lambda row: (row["repository"], row["path"], row.get("stage") or "", row.get("detail") or ""))
    schema = FILES.with_metadata({PROJECTS: project_texts(rows)})
    write_table(work.read(source), (screen(batch, recipe, screens) for batch in _batches(rows)), schema)


def screen(rows: Sequence[FileRow], recipe: DataRecipe, screens: Screens) -> pa.RecordBatch:
    """Rows of files with what safety and contamination say of them, as a batch of `FILES`.

    What becomes of a file depends on it alone, not on the others of the batch.
    """
    index, blocklist = _load(screens, recipe.contamination)
    _redact(_kept(rows), recipe, blocklist)
    if index:
        _decontaminate(_kept(rows), index)
    _sign(_kept(rows), recipe)
    return pa.RecordBatch.from_pylist(list(rows), FILES)


def _kept(rows: Sequence[FileRow]) -> list[FileRow]:
    return [row for row in rows if row.get("text") is not None]


def _redact(rows: Sequence[FileRow], recipe: DataRecipe, blocklist: Blocklist | None) -> None:
    outcomes = make_safe([row["text"] for row in rows], [row["path"] for row in rows], recipe.safety, blocklist)
    for row, outcome in zip(rows, outcomes, strict=True):
        row["text"] = outcome.text
        redacted = [finding for finding in outcome.findings if recipe.safety.policy(finding.kind) == "redact"]
        row["findings"] = [{"kind": finding.kind, "line": finding.line} for finding in redacted]
        if outcome.rejection:
            place = f"line {outcome.findings[0].line}" if outcome.findings else ""
            _reject(row, "safety", *outcome.rejection, rule="safety", place=place)


def _decontaminate(rows: Sequence[FileRow], index: BenchmarkIndex) -> None:
    hits = index.find([row["text"] for row in rows], [row["path"] for row in rows])
    for row, hit in zip(rows, hits, strict=True):
        if hit:
            detail = f"{hit.benchmark} {hit.record}, {hit.field}"
            rule = f"contamination.{hit.kind}"
            _reject(row, "contamination", "quotes a benchmark", detail, rule=rule, place=f"line {hit.line}")


def _sign(rows: Sequence[FileRow], recipe: DataRecipe) -> None:
    for row in rows:
        row["fingerprint"] = fingerprint(row["text"])
    if recipe.dedup.near_duplicates:
        found = signatures(pa.array([row["text"] for row in rows], pa.large_string()), recipe.dedup)
        for row, signature in zip(rows, found, strict=True):
            row["signature"] = signature.tobytes() if signature.any() else None


def _reject(row: FileRow, stage: str, reason: str, detail: str, *, rule: str, place: str) -> None:
    row |= {"stage": stage, "reason": reason, "rule": rule, "place": place, "detail": detail, "text": None}


def _batches(rows: Sequence[FileRow]) -> Iterator[list[FileRow]]:
    batch: list[FileRow] = []
    total = 0
    for row in rows:
        batch.append(row)
        total += len(row.get("text") or "")
        if total >= _BATCH:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


@lru_cache(maxsize=1)
def _load(screens: Screens, rules: ContaminationRules) -> tuple[BenchmarkIndex | None, Blocklist | None]:
    """What the files hold, read once in every worker process."""
    index = BenchmarkIndex.load(screens.benchmarks, rules) if screens.benchmarks else None
    return index, Blocklist.load(screens.blocklists) if screens.blocklists else None
