"""One repository to rows of a table: every file, kept as text or rejected with its reason."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from codegem.data.archives.raw_files import RawFile
from codegem.data.filters import decode, reject_licence, reject_path, reject_text
from codegem.data.imports.projects import PROJECT_FILES
from codegem.data.jsonl import Line, read_lines
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.data.repositories import Source, find_repositories, open_repository
from codegem.data.rules.filter_rules import FilterRules, Verdict
from codegem.data.rules.licences import file_licence, is_evidence, repository_licence
from codegem.errors import UserError
from codegem.text.languages import language_of

PROJECTS = b"projects"  # in a table's metadata: see `project_texts`
_MAX_PROJECT = 1 << 16  # bytes
FILES = pa.schema(
    [
        ("repository", pa.string()),
        ("path", pa.string()),
        ("size", pa.int64()),
        ("stage", pa.string()),  # of the rejection; null where the file is kept
        ("reason", pa.string()),
        ("rule", pa.string()),  # what in the recipe says so
        ("place", pa.string()),  # where in the file
        ("detail", pa.string()),
        ("text", pa.large_string()),  # null where the file is rejected
        ("language", pa.string()),
        ("licence", pa.string()),
        ("repository_licence", pa.string()),
        ("sha256", pa.string()),
        ("fingerprint", pa.string()),
        ("signature", pa.large_binary()),  # see `near_duplicates.signatures`; null where the file is rejected
        ("findings", pa.list_(pa.struct([("kind", pa.string()), ("line", pa.int32())]))),  # what was redacted
    ]
)


def read_repository(source: Source, recipe: DataRecipe) -> Iterator[dict[str, Any]]:
    """Every file of one repository as a row of `FILES`, kept or rejected; of JSON lines, every line.

    A file that names the project has its text in "project", which is no column.
    """
    if source.kind == "jsonl":
        yield from _read_lines(source, recipe)
        return
    rules = recipe.filters
    files = list(open_repository(source, recipe.limits, lambda path, size: _is_wanted(path, size, rules)))
    evidence = {f.path: f.data for f in files if f.data is not None and is_evidence(f.path, f.size)}
    licence = repository_licence(evidence)
    if not files:
        yield {"repository": source.name, "repository_licence": None}
    files.reverse()
    while files:
        file = files.pop()  # its bytes go when it is judged
        row = {"repository": source.name, "repository_licence": licence, **_judge(file, licence, rules)}
        if file.data is not None and _is_project(file.path, file.size):
            row["project"] = file.data.decode("utf-8", "replace")
        yield row


def read_documents(sources: Sequence[Path], recipe: DataRecipe, *, whole: bool = False) -> list[Document]:
    """The kept files of some repositories, in this process and in the order of (repository, path).

    Exact duplicates are not looked for: this is for looking at files, and `pipeline.build` for learning.

    Args:
        whole: an archive or a line that is damaged is an error; else what could be read is taken.

    Raises:
        UserError: a source is missing or empty, or damaged where all of it is needed.
    """
    repositories = find_repositories(sources, lambda name: language_of(name) in recipe.filters.languages)
    names = ("repository", "path", "text", "language", "licence", "sha256")
    documents = []
    for source in repositories:
        for row in read_repository(source, recipe):
            if whole and (row.get("reason") == "damaged archive" or row.get("rule") == "JSON lines"):
                place = f", {row['place']}" if row["place"] else ""
                raise UserError(f"{source.location}{place}: {row['reason']} ({row['detail']}); get it again.")
            if row.get("text") is not None:
                documents.append(Document(**{name: row[name] for name in names}))
    return sorted(documents, key=lambda document: (document.repository, document.path))


def project_texts(rows: Sequence[Mapping[str, Any]]) -> str:
    """Texts of project files by their path, as JSON for the metadata of a table of `FILES`."""
    return json.dumps({row["path"]: row["project"] for row in rows if "project" in row})


def _is_project(path: str, size: int) -> bool:
    return path.rpartition("/")[2] in PROJECT_FILES and size <= _MAX_PROJECT


def _is_wanted(path: str, size: int, rules: FilterRules) -> bool:
    # By its name alone: the top folder of an archive is not known yet.
    return (
        is_evidence(path, size) or _is_project(path, size) or reject_path(path.rpartition("/")[2], size, rules) is None
    )


def _judge(file: RawFile, licence: str | None, rules: FilterRules) -> dict[str, Any]:
    row: dict[str, Any] = {"path": file.path, "size": file.size, "language": language_of(file.path)}
    if file.problem:
        return row | _rejected(
            "read", Verdict(file.problem, file.detail, "limits" if file.problem == "over the limits" else "archives")
        )
    if verdict := reject_path(file.path, file.size, rules):
        return row | _rejected("filter", verdict)
    if file.data is None:
        return row | _rejected("read", Verdict("over the limits", f"{file.size} bytes", "limits"))
    return _judge_text(row, file.data, licence, rules)


def _judge_text(row: dict[str, Any], data: bytes, licence: str | None, rules: FilterRules) -> dict[str, Any]:
    text, verdict = decode(data)
    verdict = verdict or reject_text(text, rules, row["language"])
    row["licence"] = file_licence(text) or licence
    if verdict:
        return row | _rejected("filter", verdict)
    if verdict := reject_licence(text, licence, rules):
        return row | _rejected("licence", verdict)
    return row | {"text": text, "sha256": hashlib.sha256(data).hexdigest()}


def _read_lines(source: Source, recipe: DataRecipe) -> Iterator[dict[str, Any]]:
    """Every line of a file of JSON lines as a row; lines of different repositories never share one.

    Their names begin with that of the source, which holds neither "#" nor "/": no other source has such a one.
    """
    room, read = recipe.limits.wanted_bytes, set[tuple[str, str]]()
    line = None
    for line in read_lines(source.location, recipe.limits, recipe.filters.max_bytes):
        name = source.name if line.number == 0 else f"{source.name}#{line.number}"
        if line.repository is not None:
            name = f"{source.name}/{line.repository}"
        row = {"repository": name, "repository_licence": None, **_judge_line(line, (name, line.path) in read, recipe)}
        read.add((name, line.path))
        size = len(row["text"]) if "text" in row else 0
        if size > room:
            del row["text"], row["sha256"]
            row |= _rejected("read", Verdict("over the limits", f"{line.size} bytes", "limits"))
        else:
            room -= size
        if "reason" in row and line.number:
            row["place"] = f"line {line.number}" + (f": {row['place']}" if row["place"] else "")
        yield row
    if line is None:
        yield {"repository": source.name, "repository_licence": None}


def _judge_line(line: Line, again: bool, recipe: DataRecipe) -> dict[str, Any]:
    row: dict[str, Any] = {"path": line.path, "size": line.size, "language": None}
    if line.data is None:
        rule = "limits" if line.problem == "over the limits" else "JSON lines"
        return row | _rejected("read", Verdict(line.problem or "", line.detail, rule))
    row["language"] = language_of(line.path)
    if again:
        detail = "an earlier line has this path in the same repository"
        return row | _rejected("read", Verdict("repeated path", detail, "JSON lines"))
    if verdict := reject_path(line.path, line.size, recipe.filters):
        return row | _rejected("filter", verdict)
    return _judge_text(row, line.data, line.licence, recipe.filters)


def _rejected(stage: str, verdict: Verdict) -> dict[str, str]:
    return {"stage": stage, **verdict._asdict()}
