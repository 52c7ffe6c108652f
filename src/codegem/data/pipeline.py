"""The stages in their order: read and filter, deduplicate, learn a tokenizer, pack and draw holes, write.

Daft runs what is done for each repository, in processes of this machine or on a Ray cluster. Whatever
ran where and when, the rows are put into one order before they are used, so that the same sources, recipe
and seed give the same bytes. Every file that was read is kept, or stands in `rejected.parquet` with its
reason.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from codegem.data.counts import counts, identity, main_reasons
from codegem.data.dataframes import flat_map, start
from codegem.data.dedup import mark_duplicates
from codegem.data.examples import CONTEXTS, Rows, load_for_packing, tokenise_repository
from codegem.data.reading import FILES, read_repository
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.data.repositories import Source, find_repositories
from codegem.data.shards import (
    Manifest,
    ShardWriter,
    manifest_hash,
    publish,
    read_manifest,
    write_manifest,
    writing,
)
from codegem.errors import UserError
from codegem.text.languages import language_of
from codegem.text.tokenizer import Tokenizer, load_tokenizer, train_tokenizer

_BY_NAME = [("repository", "ascending"), ("path", "ascending"), ("stage", "ascending"), ("detail", "ascending")]


@dataclass(frozen=True)
class Progress:
    """How far a stage is, for a progress line with its rate and the time left."""

    stage: str
    done: int
    total: int
    unit: str


def build(
    sources: Sequence[Path],
    out: Path,
    recipe: DataRecipe,
    *,
    tokenizer: Path | None = None,
    runner: Literal["local", "ray"] = "local",
    workers: int | None = None,
    progress: Callable[[Progress], None] = lambda event: None,
) -> Manifest:
    """Make a data set of token shards from repositories.

    Args:
        sources: see `repositories.find_repositories`.
        out: the directory to make; a build that was stopped in it goes on.
        tokenizer: a `tokenizer.json`; None trains one on the kept files.
        workers: processes on this machine; 1 works in this one, None takes every core.
        progress: called as the stages go on.

    Raises:
        UserError: a source is missing or empty, nothing is kept, `out` holds another data set, or writing failed.
    """
    _check(out, recipe)
    given = load_tokenizer(tokenizer) if tokenizer else None
    run = _Run(start(runner), recipe, workers or os.cpu_count() or 1, progress)
    repositories, files = _files(run, sources)
    documents = _kept(files)
    made_from = identity(documents, given)
    if (out / "manifest.json").exists():
        return _finished(out, made_from)
    writer = ShardWriter(out, max(1, recipe.shard_tokens // recipe.context_length))
    with writing(out):
        publish(out / "rejected.parquet", lambda path: _write_rejected(files, path))
    learned = given or _learn(run, documents)
    with writing(out):
        publish(out / "tokenizer.json", learned.save)
    rows = Rows(_pack(run, documents, out / "tokenizer.json"), recipe, learned.special.pad)
    totals = _write_rows(run, rows, learned, writer)
    shards = writer.close()
    manifest = Manifest(
        hash=manifest_hash(shards),
        recipe=_plain(recipe),
        input=made_from,
        tokenizer={"file": "tokenizer.json", "hash": learned.hash, "vocab_size": learned.vocab_size},
        context_length=recipe.context_length,
        tokens=totals.pop("tokens"),
        counts=counts(files, repositories) | totals,
        shards=shards,
    )
    write_manifest(out, manifest)
    return manifest


def learn_tokenizer(
    sources: Sequence[Path],
    recipe: DataRecipe,
    *,
    runner: Literal["local", "ray"] = "local",
    workers: int | None = None,
    progress: Callable[[Progress], None] = lambda event: None,
) -> Tokenizer:
    """The tokenizer that `build` would train on these sources.

    Raises:
        UserError: a source is missing or empty, nothing is kept, or the vocabulary is too small.
    """
    recipe.check()
    run = _Run(start(runner), recipe, workers or os.cpu_count() or 1, progress)
    return _learn(run, _kept(_files(run, sources)[1]))


@dataclass(frozen=True)
class _Run:
    """What every stage of one build needs."""

    daft: Any
    recipe: DataRecipe
    workers: int
    progress: Callable[[Progress], None]


def _check(out: Path, recipe: DataRecipe) -> None:
    recipe.check()
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: name a folder for the data set.")
    if (out / "manifest.json").exists() and read_manifest(out).recipe != _plain(recipe):
        raise UserError(f"{out} holds a data set of another recipe: choose another folder, or delete this one.")


def _finished(out: Path, made_from: str) -> Manifest:
    """The finished data set, if it was made from the same documents."""
    manifest = read_manifest(out)
    if manifest.input != made_from:
        raise UserError(
            f"{out} holds a data set of other sources or another tokenizer: choose another folder, or delete this one."
        )
    return manifest


def _plain(recipe: DataRecipe) -> dict[str, Any]:
    """The recipe as JSON holds it."""
    return json.loads(json.dumps(asdict(recipe)))


def _files(run: _Run, sources: Sequence[Path]) -> tuple[list[Source], pa.Table]:
    """The repositories, and every file in them, a table of `FILES`."""
    repositories = find_repositories(sources, lambda name: language_of(name) in run.recipe.filters.languages)
    return repositories, _deduplicate(run, _read(run, repositories))


def _kept(files: pa.Table) -> pa.Table:
    documents = files.filter(pc.field("reason").is_null())
    if not len(documents):
        raise UserError(f"None of the {len(files)} files read is kept ({main_reasons(files)}): nothing to learn from.")
    return documents


def _read(run: _Run, repositories: Sequence[Source]) -> pa.Table:
    """Every file of every repository, a table of `FILES` in the order of (repository, path)."""
    recipe = run.recipe

    def read(name: str, location: str, kind: str) -> Iterator[dict[str, Any]]:
        yield from read_repository(Source(name, Path(location), kind), recipe)

    rows = run.daft.from_pydict(
        {
            "name": [source.name for source in repositories],
            "location": [str(source.location) for source in repositories],
            "kind": [source.kind for source in repositories],
        }
    )
    tables, seen = [], set()
    for table in flat_map(rows, read, ["name", "location", "kind"], FILES, run.workers):
        seen.update(table["repository"].unique().to_pylist())
        run.progress(Progress("reading", len(seen), len(repositories), "repositories"))
        tables.append(table.filter(pc.field("path").is_valid()))
    return pa.concat_tables(tables).sort_by(_BY_NAME)


def _deduplicate(run: _Run, files: pa.Table) -> pa.Table:
    """The same files; one that repeats another is rejected and loses its text."""
    run.progress(Progress("deduplicating", 0, len(files), "files"))
    kept = files.filter(pc.field("reason").is_null())
    names = run.daft.from_arrow(kept.select(["repository", "path", "fingerprint"]))
    marked = mark_duplicates(names).to_arrow().sort_by(_BY_NAME[:2])
    if len(marked) != len(kept):
        raise RuntimeError(f"{len(kept)} files went into deduplication and {len(marked)} came out")
    first = marked["kept_as"].to_pylist()
    own = zip(kept["repository"].to_pylist(), kept["path"].to_pylist(), strict=True)
    originals = [f"{repository}:{path}" == name for (repository, path), name in zip(own, first, strict=True)]
    repeats = kept.filter(pa.array([not original for original in originals], pa.bool_()))
    repeated = [name for name, original in zip(first, originals, strict=True) if not original]
    values = {"stage": "dedup", "reason": "exact duplicate", "text": None}
    columns = {name: [value] * len(repeats) for name, value in values.items()} | {"detail": repeated}
    for name, column in columns.items():
        field = FILES.field(name)
        repeats = repeats.set_column(FILES.get_field_index(name), field, pa.array(column, field.type))
    rejected = files.filter(pc.field("reason").is_valid())
    unique = kept.filter(pa.array(originals, pa.bool_()))
    together = pa.concat_tables([rejected, unique, repeats]).sort_by(_BY_NAME)
    run.progress(Progress("deduplicating", len(files), len(files), "files"))
    return together


def _write_rejected(files: pa.Table, path: Path) -> None:
    rejected = files.filter(pc.field("reason").is_valid())
    pq.write_table(rejected.select(["stage", "repository", "path", "reason", "detail", "size"]), path)


def _learn(run: _Run, documents: pa.Table) -> Tokenizer:
    """A tokenizer trained on the documents, in the order of their hashes, up to the recipe's bytes."""

    def sample() -> Iterator[str]:
        sizes, hashes = documents["size"].to_pylist(), documents["sha256"].to_pylist()
        done, total = 0, min(run.recipe.tokenizer_bytes, sum(sizes))
        for row in sorted(range(len(sizes)), key=hashes.__getitem__):
            if done >= total:
                return
            run.progress(Progress("tokenizer", done, total, "bytes"))
            done += sizes[row]
            yield documents["text"][row].as_py()

    return train_tokenizer(sample(), run.recipe.vocab_size)


def _pack(run: _Run, documents: pa.Table, tokenizer: Path) -> pa.Table:
    """The packed contexts of every repository as tokens, a table of `CONTEXTS` in no order."""
    recipe, location = run.recipe, str(tokenizer)

    def pack(repository: str, names: list[str], texts: list[str]) -> Iterator[dict[str, Any]]:
        files = [Document(repository, path, text, "", None, "") for path, text in zip(names, texts, strict=True)]
        yield from tokenise_repository(files, recipe, *load_for_packing(location))

    col = run.daft.col
    grouped = (
        run.daft.from_arrow(documents.select(["repository", "path", "text", "size"]))
        .groupby("repository")
        .agg(col("path").list_agg(), col("text").list_agg(), col("size").sum().alias("bytes"))
        .sort("bytes", desc=True)  # the largest first, so that no worker is left with it at the end
    )
    totals = documents.group_by("repository").aggregate([("size", "sum")])
    sizes = dict(zip(totals["repository"].to_pylist(), totals["size_sum"].to_pylist(), strict=True))
    tables, seen, total = [], set(), sum(sizes.values())
    run.progress(Progress("packing", 0, total, "bytes"))
    for table in flat_map(grouped, pack, ["repository", "path", "text"], CONTEXTS, run.workers):
        seen.update(table["repository"].unique().to_pylist())
        run.progress(Progress("packing", sum(sizes[name] for name in seen), total, "bytes"))
        tables.append(table)
    if len(seen) != len(sizes):
        raise RuntimeError(f"{len(sizes)} repositories went into packing and {len(seen)} came out")
    return pa.concat_tables(tables)


def _write_rows(run: _Run, rows: Rows, tokenizer: Tokenizer, writer: ShardWriter) -> dict[str, Any]:
    """Hand every row to the writer; totals for the manifest."""
    totals: Counter[str] = Counter()
    for number in range(len(rows)):
        example = rows[number]
        writer.add("validation" if number in rows.validation else "train", example)
        totals["contexts"] += int(example.segment_ids.max())
        totals["file_parts"] += int(np.count_nonzero(example.tokens == tokenizer.special.file_separator))
        totals["holes"] += int(np.count_nonzero(example.tokens == tokenizer.special.fim_middle))
        if number % 256 == 255 or number + 1 == len(rows):
            run.progress(Progress("writing", number + 1, len(rows), "examples"))
    real, space = rows.real_tokens, len(rows) * run.recipe.context_length
    return {
        "tokens": {"real": real, "padding": space - real, "share_real": round(real / space, 5)},
        "examples": {"train": len(rows) - len(rows.validation), "validation": len(rows.validation)},
        "fim_rate": round(totals["holes"] / totals["file_parts"], 5),
        **totals,
    }
