"""Files that training never sees, so that a model can be judged on them; and whatever repeats them.

A file is held out as a whole, by a hash of its repository's name and its path: the same ones in every build of the
same share and seed, whatever else is read. What stays may not hold it under another name: a near-duplicate of a
held-out file goes (`dedup`, in which held-out files come first), and so does a file that has a run of its code,
`contamination.shape` tokens under any names (`decontamination`). Comments and words are not compared: the notice at
the top of a team's files is in most of them.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from codegem.data.accounts import VERDICTS, Files
from codegem.data.benchmarks.benchmark_records import Field
from codegem.data.decontamination import BenchmarkIndex, ContaminationRules
from codegem.data.fim_sampling import generator
from codegem.data.recipe import DataRecipe
from codegem.data.repositories import Source
from codegem.data.rules.filter_rules import FilterRules
from codegem.data.shards import publish, read_manifest
from codegem.data.work import Work, write_table
from codegem.errors import UserError

LIST = "held-out.jsonl"
_STAGE = "held-out"
_RULE = "held_out_share"


@dataclass(frozen=True)
class HeldOut:
    """A file that no training has seen: a line of `held-out.jsonl`."""

    repository: str
    path: str
    sha256: str


def is_held_out(recipe: DataRecipe, repository: str, path: str) -> bool:
    """Whether a file is held out, if it is kept at all.

    >>> names = [f"src/{number}.py" for number in range(1000)]
    >>> sum(is_held_out(DataRecipe(held_out_share=0.1), "shop", name) for name in names)
    110
    """
    draw = generator(recipe.seed, "held out", repository, path)
    return recipe.held_out_share > 0 and draw.random() < recipe.held_out_share


def repeats(duplicate: dict[str, Any], recipe: DataRecipe) -> dict[str, str] | None:
    """The verdict on a duplicate of a held-out file, or None where it is one of another file.

    Args:
        duplicate: a row of `dedup.DUPLICATES`.
    """
    kept = duplicate["kept_as"].partition(":")
    if is_held_out(recipe, duplicate["repository"], duplicate["path"]) or not is_held_out(recipe, kept[0], kept[2]):
        return None
    return {"stage": _STAGE, "reason": "repeats a held-out file", "detail": duplicate["detail"]}


def write_held_out(files: Files, recipe: DataRecipe) -> None:
    """Write the held-out files of all sources, with their code, to `work.held_out_files`.

    Raises:
        UserError: there is none.
    """
    rows = [row for source in files.sources for row in _kept(files, source, held=True, recipe=recipe)]
    if not rows:
        raise UserError(
            f"held_out_share {recipe.held_out_share:g} holds none of the kept files out: set a larger share."
        )
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    publish(files.work.held_out_files, lambda path: path.write_text(lines, "utf-8"))


def hold_out(source: Source, *, work: Work, recipe: DataRecipe) -> None:
    """Write the verdicts on the files of a source that are held out, or have code of one that is."""
    files = Files(work, [source])
    held = [_verdict(row, "held out", _RULE) for row in _kept(files, source, held=True, recipe=recipe)]
    others = list(_kept(files, source, held=False, recipe=recipe))
    hits = _index(work.held_out_files, recipe.contamination).find(
        [row["text"] for row in others], [row["path"] for row in others]
    )
    quoting = [
        _verdict(row, "quotes a held-out file", "contamination.shape", f"line {hit.line}", hit.record)
        for row, hit in zip(others, hits, strict=True)
        if hit
    ]
    write_table(work.held_out(source), iter([pa.RecordBatch.from_pylist(held + quoting, VERDICTS)]), VERDICTS)


def publish_list(work: Work, out: Path) -> None:
    """Write OUT/held-out.jsonl: the held-out files by name and hash, without their code."""
    rows = map(json.loads, work.held_out_files.read_text("utf-8").splitlines())
    lines = [json.dumps(asdict(HeldOut(row["repository"], row["path"], row["sha256"]))) + "\n" for row in rows]
    publish(out / LIST, lambda path: path.write_text("".join(lines), "utf-8"))


def read_held_out(directory: Path) -> tuple[list[HeldOut], FilterRules]:
    """What a data set of `codegem data build` held out, and the filters that chose its files.

    Raises:
        UserError: the directory holds no data set, or one that held nothing out or whose list is damaged.
    """
    manifest = read_manifest(directory)
    try:
        lines = (directory / LIST).read_text("utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(
            f"{directory} holds no file out: build it with --held-out-share 0.1, so that some files are not learned."
        ) from None
    given: dict[str, Any] = manifest.recipe["filters"]
    filters: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    return [_to_held_out(directory / LIST, *row) for row in enumerate(lines, start=1)], FilterRules(**filters)


def _to_held_out(file: Path, number: int, line: str) -> HeldOut:
    try:
        found = HeldOut(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        found = None
    if found is None or not all(isinstance(value, str) for value in asdict(found).values()):
        raise UserError(f"{file}, line {number}: it is no file that was held out; build the data set again.")
    return found


def _kept(files: Files, source: Source, *, held: bool, recipe: DataRecipe) -> Iterator[dict[str, Any]]:
    """The kept files of a source that are held out, or those that are not."""
    table = files.kept(source, ["sha256", "text"], late=False)
    names = zip(table["repository"].to_pylist(), table["path"].to_pylist(), strict=True)
    chosen = table.filter(pa.array([is_held_out(recipe, *name) is held for name in names], pa.bool_()))
    return iter(chosen.select(["repository", "path", "sha256", "text"]).to_pylist())


def _verdict(row: dict[str, Any], reason: str, rule: str, place: str = "", detail: str = "") -> dict[str, str]:
    name = {"repository": row["repository"], "path": row["path"], "stage": _STAGE}
    return {**name, "reason": reason, "rule": rule, "place": place, "detail": detail}


@lru_cache(maxsize=1)
def _index(held_out_files: Path, rules: ContaminationRules) -> BenchmarkIndex:
    """The code of the held-out files, read once in every worker process."""
    rows = map(json.loads, held_out_files.read_text("utf-8").splitlines())
    fields = [Field(LIST, f"{row['repository']}:{row['path']}", "text", row["text"], True) for row in rows]
    return BenchmarkIndex.of(fields, rules, hash="", words=False)
