"""The index of a data set: as the last stage of its build, or later, from its sources read again."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from codegem.data.accounts import REJECTED, VERDICTS, Files
from codegem.data.recipe import DataRecipe
from codegem.data.repositories import Source, find_repositories
from codegem.data.screening import Screens, read_source
from codegem.data.shards import Manifest, read_manifest, writing
from codegem.data.tasks import Progress, Workers
from codegem.data.tracing.layout import FOLDER, Header, read_header
from codegem.data.tracing.merging import merge
from codegem.data.tracing.parts import Part, TracedFile, write_part
from codegem.data.work import Work, identity, write_table
from codegem.errors import UserError
from codegem.text.languages import language_of

_BY_READING = ("read", "filter", "licence")  # the stages whose verdicts reading gives again
_TOGETHER = 64  # files whose text is held at once


def trace_kept(files: Files, workers: Workers, out: Path, dataset: str, megabytes: float | None = None) -> Header:
    """Write the index of the files that are kept to OUT/trace.

    Args:
        files: with every verdict on them.
        out: the folder of the data set.
        dataset: its hash.
        megabytes: see `merging.merge`.

    Raises:
        UserError: it can't be made so small, or writing failed.
    """
    parts = [_part(files.work, source) for source in files.sources]
    with writing(out):
        parts[0].stem.parent.mkdir(parents=True, exist_ok=True)
        done = partial(trace_source, work=files.work)
        workers.do("tracing", files.sources, lambda source: _part(files.work, source).summary, done)

        def report(done: int, total: int) -> None:
            workers.report(Progress("sorting", done, total, "fingerprints"))

        return merge(parts, out / FOLDER, dataset=dataset, megabytes=megabytes, report=report)


def trace_source(source: Source, *, work: Work) -> None:
    """Write the part of a source, its kept files in the order of (repository, path)."""
    write_part(_part(work, source), _kept(Files(work, [source]), source))


def trace_finished(files: Files, workers: Workers, out: Path, megabytes: float | None = None) -> Header:
    """Write the index of a data set that is complete, from its sources read again.

    Args:
        files: its sources as the reading stage left them.

    Raises:
        UserError: as `trace_kept`, or the sources are not those of the data set.
    """
    manifest = read_manifest(out)
    rejected = pq.read_table(out / "rejected.parquet", schema=REJECTED)
    rejected = rejected.filter(~pc.field("stage").isin(_BY_READING)).select(VERDICTS.names)
    rows: dict[str, list[int]] = {}
    for row, repository in enumerate(rejected["repository"].to_pylist()):
        rows.setdefault(re.split("[#/]", repository)[0], []).append(row)  # a source's name holds neither
    for source in files.sources:
        verdicts = rejected.take(pa.array(rows.get(source.name, []), pa.int64()))
        files.work.late(source).parent.mkdir(parents=True, exist_ok=True)
        write_table(files.work.late(source), iter([verdicts]), VERDICTS)
    _compare(files, manifest, out)
    return trace_kept(files, workers, out, manifest.hash, megabytes)


def trace_dataset(
    out: Path, sources: Sequence[Path], workers: Workers, megabytes: float | None = None
) -> tuple[Header, bool]:
    """The index of a data set that exists, and whether it was made now.

    Args:
        out: the folder of the data set.
        sources: what it was built from.

    Raises:
        UserError: there is no data set, the sources are not its, or what `trace_kept` raises.
    """
    manifest = read_manifest(out)
    if (out / FOLDER / "index.json").exists():
        return read_header(out), False
    recipe = _recipe_of(manifest)
    repositories = find_repositories(sources, lambda name: language_of(name) in recipe.filters.languages)
    _same_names(repositories, manifest, out)
    work = Work(out / "work")
    work.open(identity(repositories, decisions=[recipe.plain(), manifest.hash]))
    with writing(out):
        workers.do(
            "reading", repositories, work.read, partial(read_source, work=work, recipe=recipe, screens=Screens())
        )
    header = trace_finished(Files(work, repositories), workers, out, megabytes)
    work.close()
    return header, True


def _part(work: Work, source: Source) -> Part:
    return Part(work.folder / "traced" / work.read(source).stem)


def _kept(files: Files, source: Source) -> Iterator[TracedFile]:
    table = files.kept(source, ["text", "language", "licence"])
    names = ("repository", "path", "licence", "language", "text")
    for batch in table.select(names).to_batches(max_chunksize=_TOGETHER):
        for row in batch.to_pylist():
            yield TracedFile(**row)


def _same_names(repositories: Sequence[Source], manifest: Manifest, out: Path) -> None:
    given = {source.name for source in repositories}
    wanted = {row["name"] for row in manifest.counts["repositories"]}
    if given != wanted:
        first = sorted(given ^ wanted)[0]
        what = f"{first} is not among them" if first in wanted else f"{first} is not in it"
        raise UserError(f"These are not the sources that {out} was built from: {what}. Give all of them, no others.")


def _compare(files: Files, manifest: Manifest, out: Path) -> None:
    wanted = {row["name"]: row["kept"] for row in manifest.counts["repositories"]}
    for source in files.sources:
        kept = len(files.kept(source, []))
        if kept != wanted.get(source.name):
            raise UserError(
                f"{source.location} is not what {out} was built from: {kept} of its files would be kept, and the data "
                f"set has {wanted.get(source.name, 0)}. Give the sources of its build, of the same versions."
            )


def _recipe_of(manifest: Manifest) -> DataRecipe:
    """The recipe that a manifest tells of, without what no index depends on: signatures of near-duplicates."""
    try:
        recipe = _filled(DataRecipe(), manifest.recipe)
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(f"The data set was built by another codegem ({error}): build it again.") from None
    return replace(recipe, dedup=replace(recipe.dedup, near_duplicates=False))


def _filled(value: Any, plain: dict[str, Any]) -> Any:
    """A dataclass with the values that JSON holds of it."""
    changes = {}
    for field in fields(value):
        given, default = plain[field.name], getattr(value, field.name)
        changes[field.name] = _filled(default, given) if is_dataclass(default) else _tuples(given)
    return replace(value, **changes)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
