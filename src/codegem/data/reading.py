"""One repository to rows of a table: every file, kept as text or rejected with its reason."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from codegem.data.archives import RawFile
from codegem.data.dedup import fingerprint
from codegem.data.filters import FilterRules, decode, reject_licence, reject_path, reject_text
from codegem.data.licences import file_licence, is_evidence, repository_licence
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.data.repositories import Source, find_repositories, open_repository
from codegem.text.languages import language_of

FILES = pa.schema(
    [
        ("repository", pa.string()),
        ("path", pa.string()),
        ("size", pa.int64()),
        ("stage", pa.string()),  # of the rejection; null where the file is kept
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("text", pa.large_string()),  # null where the file is rejected
        ("language", pa.string()),
        ("licence", pa.string()),
        ("repository_licence", pa.string()),
        ("sha256", pa.string()),
        ("fingerprint", pa.string()),
    ]
)


def read_repository(source: Source, recipe: DataRecipe) -> Iterator[dict[str, Any]]:
    """Every file of one repository as a row of `FILES`, kept or rejected."""
    rules = recipe.filters
    files = list(open_repository(source, recipe.limits, lambda path, size: _is_wanted(path, size, rules)))
    evidence = {f.path: f.data for f in files if f.data is not None and is_evidence(f.path, f.size)}
    licence = repository_licence(evidence)
    for file in files:
        yield {"repository": source.name, "repository_licence": licence, **_judge(file, licence, rules)}
    if not files:
        yield {"repository": source.name, "repository_licence": None}


def read_documents(sources: Sequence[Path], recipe: DataRecipe) -> list[Document]:
    """The kept files of some repositories, in this process and in the order of (repository, path).

    Exact duplicates are not looked for: this is for looking at files, and `pipeline.build` for learning.

    Raises:
        UserError: a source is missing or empty.
    """
    repositories = find_repositories(sources, lambda name: language_of(name) in recipe.filters.languages)
    rows = (row for source in repositories for row in read_repository(source, recipe) if row.get("text") is not None)
    names = ("repository", "path", "text", "language", "licence", "sha256")
    documents = [Document(**{name: row[name] for name in names}) for row in rows]
    return sorted(documents, key=lambda document: (document.repository, document.path))


def _is_wanted(path: str, size: int, rules: FilterRules) -> bool:
    # By its name alone: the top folder of an archive is not known yet.
    return is_evidence(path, size) or reject_path(PurePosixPath(path).name, size, rules) is None


def _judge(file: RawFile, licence: str | None, rules: FilterRules) -> dict[str, Any]:
    row: dict[str, Any] = {"path": file.path, "size": file.size, "language": language_of(file.path)}
    if file.problem:
        return row | {"stage": "read", "reason": file.problem, "detail": file.detail}
    if verdict := reject_path(file.path, file.size, rules):
        return row | {"stage": "filter", "reason": verdict[0], "detail": verdict[1]}
    if file.data is None:
        return row | {"stage": "read", "reason": "over the limits", "detail": f"{file.size} bytes"}
    text, verdict = decode(file.data)
    verdict = verdict or reject_text(text, rules)
    row["licence"] = file_licence(text) or licence
    if verdict:
        return row | {"stage": "filter", "reason": verdict[0], "detail": verdict[1]}
    if verdict := reject_licence(text, licence, rules):
        return row | {"stage": "licence", "reason": verdict[0], "detail": verdict[1]}
    digest = hashlib.sha256(file.data).hexdigest()
    return row | {"text": text, "sha256": digest, "fingerprint": fingerprint(text)}
