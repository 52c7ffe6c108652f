"""The stages in their order: read and screen, deduplicate, learn a tokenizer, pack and draw holes, write, index.

Daft runs what is done for each repository, in processes of this machine or on a Ray cluster; every worker
writes what it made to a file of its own (`work`), so that a build that was killed goes on, and memory holds one
repository for each worker, however large the corpus is. Whatever ran where and when, the rows are put into one
order before they are used: the same sources, recipe and seed give the same bytes. Every file that was read is
kept, or stands in `rejected.parquet` with its reason.
"""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from codegem.data.accounts import VERDICTS, Files, close_accounts
from codegem.data.dataframes import start
from codegem.data.dedup import find_duplicates
from codegem.data.held_out import hold_out, is_held_out, publish_list, repeats, write_held_out
from codegem.data.mixture import shares
from codegem.data.preparing import prepare_source, summary
from codegem.data.recipe import DataRecipe
from codegem.data.records import TrainingExample
from codegem.data.repositories import Source, find_repositories
from codegem.data.rows import Contexts, plan_rows, write_rows
from codegem.data.screening import Screens, read_source
from codegem.data.shards import Manifest, ShardWriter, manifest_hash, publish, read_manifest, write_manifest, writing
from codegem.data.tasks import Progress, Report, Workers
from codegem.data.tracing.building import trace_finished, trace_kept
from codegem.data.tracing.layout import FOLDER
from codegem.data.vocabulary import learn
from codegem.data.work import Work, identity, write_table
from codegem.errors import UserError
from codegem.text.fim import Role
from codegem.text.languages import language_of
from codegem.text.tokenizer import Tokenizer, load_tokenizer

Runner = Literal["local", "ray"]
_RULES = {"exact duplicate": "dedup", "near duplicate": "dedup.threshold"}


def build(
    sources: Sequence[Path],
    out: Path,
    recipe: DataRecipe,
    *,
    tokenizer: Path | None = None,
    benchmarks: Sequence[Path] = (),
    blocklists: Sequence[Path] = (),
    runner: Runner = "local",
    workers: int | None = None,
    trace: bool = False,
    trace_megabytes: float | None = None,
    progress: Report = lambda event: None,
) -> Manifest:
    """Make a data set of token shards from repositories.

    Args:
        sources: see `repositories.find_repositories`.
        out: the directory to make; a build that was stopped in it goes on. On a cluster, a folder that every
            machine sees.
        tokenizer: a `tokenizer.json`; None trains one on the kept files.
        benchmarks: files or folders of evaluation sets; a file that quotes them is rejected (`decontamination`).
        blocklists: files of phrases and domains; a file that holds one is rejected (`safety`).
        workers: processes on this machine; 1 works in this one, None takes every core.
        trace: write an index of the kept files to OUT/trace too, which says of any text where it stands in them; a
            data set that is finished gets one as well.
        trace_megabytes: what the index may have; fewer fingerprints are kept where it would be more.
        progress: called as the stages go on.

    Raises:
        UserError: a source is missing or empty, nothing is kept, `out` holds another data set, the index can't be
            made so small, or writing failed.
    """
    _check(out, recipe)
    given = load_tokenizer(tokenizer) if tokenizer else None
    screens = Screens.of(benchmarks, blocklists, recipe.contamination)
    start(runner)
    run = _Run(Workers(workers or os.cpu_count() or 1, progress), recipe, screens, trace, trace_megabytes)
    fresh = not out.exists()
    files = _read(run, sources, out)
    try:
        made_from = files.identity(given.hash if given else "trained", screens.hash)
        if (out / "manifest.json").exists():
            return _finished(run, files, out, made_from)
        with writing(out):
            return _make(run, files, given, out, made_from)
    except UserError:
        if fresh and not (out / "tokenizer.json").exists():
            shutil.rmtree(out)  # nothing came of it
        raise
    finally:
        if (out / "manifest.json").exists():
            files.work.close()


def learn_tokenizer(
    sources: Sequence[Path],
    recipe: DataRecipe,
    folder: Path,
    *,
    runner: Runner = "local",
    workers: int | None = None,
    progress: Report = lambda event: None,
) -> Tokenizer:
    """The tokenizer that `build` would train on these sources.

    Args:
        folder: where work files may lie meanwhile.

    Raises:
        UserError: a source is missing or empty, nothing is kept, or the vocabulary is too small.
    """
    recipe.check()
    start(runner)
    run = _Run(Workers(workers or os.cpu_count() or 1, progress), recipe, Screens())
    files = _read(run, sources, folder)
    files.identity()
    return _learn(run, files)


@dataclass(frozen=True)
class _Run:
    """What every stage of one build needs."""

    workers: Workers
    recipe: DataRecipe
    screens: Screens
    trace: bool = False
    trace_megabytes: float | None = None


def _check(out: Path, recipe: DataRecipe) -> None:
    recipe.check()
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: name a folder for the data set.")
    if (out / "manifest.json").exists() and read_manifest(out).recipe != recipe.plain():
        raise UserError(f"{out} holds a data set of another recipe: choose another folder, or delete this one.")


def _finished(run: _Run, files: Files, out: Path, made_from: str) -> Manifest:
    """The finished data set, if it was made from the same documents; with its index, if that is wanted."""
    manifest = read_manifest(out)
    if manifest.input != made_from:
        raise UserError(
            f"{out} holds a data set of other sources, benchmarks or another tokenizer: choose another folder, or "
            "delete this one."
        )
    if run.trace and not (out / FOLDER / "index.json").exists():
        trace_finished(files, run.workers, out, run.trace_megabytes)
    return manifest


def _read(run: _Run, sources: Sequence[Path], out: Path) -> Files:
    """Read, screen and deduplicate every file of every repository."""
    languages = run.recipe.filters.languages
    repositories = find_repositories(sources, lambda name: language_of(name) in languages)
    work = Work(out / "work")
    work.open(identity(repositories, decisions=[run.recipe.plain(), run.screens.hash]))
    files = Files(work, repositories)
    read = partial(read_source, work=work, recipe=run.recipe, screens=run.screens)
    with writing(out):
        run.workers.do("reading", repositories, work.read, read)
        if not work.deduplicated.exists():
            _deduplicate(run, files)
        if run.recipe.held_out_share:
            _hold_out(run, files)
    return files


def _deduplicate(run: _Run, files: Files) -> None:
    """Find what repeats other files, and leave a table of it beside every source that has any."""
    work = files.work

    def report(done: int, total: int) -> None:
        run.workers.report(Progress("deduplicating", done, total, "files"))

    work_files = [work.read(source) for source in files.sources]
    found = find_duplicates(work_files, run.recipe.dedup, report, partial(is_held_out, run.recipe))
    verdicts = pa.Table.from_pylist([_duplicate(row, run.recipe) for row in found.to_pylist()], VERDICTS)
    owners = {
        repository: source
        for source in files.sources
        for repository in pq.read_table(work.read(source), columns=["repository"])["repository"].unique().to_pylist()
    }
    rows: dict[Source, list[int]] = {}
    for row, repository in enumerate(found["repository"].to_pylist()):
        rows.setdefault(owners[repository], []).append(row)
    for source, numbers in rows.items():
        write_table(work.duplicates(source), iter([verdicts.take(numbers)]), VERDICTS)
    publish(work.deduplicated, lambda path: path.write_bytes(b""))


def _duplicate(row: dict[str, Any], recipe: DataRecipe) -> dict[str, Any]:
    """A row of `dedup.DUPLICATES` as a verdict."""
    verdict = {"stage": "dedup", "rule": _RULES[row["reason"]], "place": ""}
    return {**row, **verdict, **(repeats(row, recipe) or {})}


def _hold_out(run: _Run, files: Files) -> None:
    """Leave a table of what is held out, and of what has code of that, beside every source."""
    work = files.work
    if not work.held_out_files.exists():
        write_held_out(files, run.recipe)
    run.workers.do("holding out", files.sources, work.held_out, partial(hold_out, work=work, recipe=run.recipe))


def _make(run: _Run, files: Files, given: Tokenizer | None, out: Path, made_from: str) -> Manifest:
    """Everything after the documents are known."""
    learned = given or _learn(run, files)
    vocabulary = out / "tokenizer.json"
    publish(vocabulary, learned.save)
    if run.recipe.held_out_share:
        publish_list(files.work, out)
    balance = shares(run.recipe.mixture, files.sizes() if run.recipe.mixture else {})
    prepare = partial(prepare_source, work=files.work, recipe=run.recipe, vocabulary=vocabulary, shares=balance)
    run.workers.do("packing", files.sources, files.work.packed, prepare)
    totals, shards = _write(run, files, learned, out)
    packed = {source.name: summary(files.work.late(source)) for source in files.sources}
    counts = close_accounts(files, packed, out)
    manifest = Manifest(
        hash=manifest_hash(shards),
        recipe=run.recipe.plain(),
        input=made_from,
        tokenizer={"file": vocabulary.name, "hash": learned.hash, "vocab_size": learned.vocab_size},
        context_length=run.recipe.context_length,
        tokens=totals.pop("tokens"),
        counts=counts | totals,
        shards=shards,
    )
    if run.trace:
        trace_kept(files, run.workers, out, manifest.hash, run.trace_megabytes)
    write_manifest(out, manifest)
    return manifest


def _learn(run: _Run, files: Files) -> Tokenizer:
    def report(done: int, total: int) -> None:
        run.workers.report(Progress("tokenizer", done, total, "bytes"))

    return learn(files, run.recipe.tokenizer_bytes, run.recipe.vocab_size, report)


def _write(run: _Run, files: Files, tokenizer: Tokenizer, out: Path) -> tuple[dict[str, Any], Any]:
    """Every row of the data set to the shards; totals for the manifest."""
    recipe, length = run.recipe, run.recipe.context_length
    writer = ShardWriter(out, max(1, recipe.shard_tokens // length))
    contexts = Contexts([files.work.packed(source) for source in files.sources], recipe.seed)
    plan = list(plan_rows(contexts, length, recipe.validation_share, recipe.seed))
    counts: Counter[str] = Counter()

    def seen(number: int, example: TrainingExample) -> None:
        counts.update(_tally(example.tokens, example.roles, tokenizer))
        if number % 256 == 255 or number + 1 == len(plan):
            run.workers.report(Progress("writing", number + 1, len(plan), "examples"))

    totals = write_rows(contexts, writer, plan, length, tokenizer.special.pad, seen)
    fim_rate = round(counts["holes"] / max(1, counts["file_parts"]), 5)
    return {**totals, "contexts": len(contexts), "fim_rate": fim_rate, **counts}, writer.close()


def _tally(tokens: np.ndarray, roles: np.ndarray, tokenizer: Tokenizer) -> dict[str, int]:
    special = tokenizer.special
    control = tokens[roles == Role.CONTROL]
    return {
        "file_parts": int(np.count_nonzero(control == special.file_separator)),
        "holes": int(np.count_nonzero(control == special.fim_middle)),
    }
