"""What a build read, kept and rejected, for its manifest."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from codegem.data.repositories import Source
from codegem.text.tokenizer import Tokenizer


def identity(documents: pa.Table, tokenizer: Tokenizer | None) -> str:
    """SHA-256 over what the data set is made from: the documents, and the tokenizer where one is given."""
    digest = hashlib.sha256((tokenizer.hash if tokenizer else "trained").encode())
    for column in ("repository", "path", "sha256"):
        for value in documents[column].to_pylist():
            digest.update(value.encode() + b"\n")
    return digest.hexdigest()


def counts(files: pa.Table, repositories: Sequence[Source]) -> dict[str, Any]:
    kept = files.filter(pc.field("reason").is_null())
    rejected = files.filter(pc.field("reason").is_valid())
    if len(kept) + len(rejected) != len(files):
        raise RuntimeError(f"{len(files)} files were read, {len(kept)} kept and {len(rejected)} rejected")
    licences = dict(zip(files["repository"].to_pylist(), files["repository_licence"].to_pylist(), strict=True))
    of_repository = Counter(kept["repository"].to_pylist())
    reasons = zip(rejected["stage"].to_pylist(), rejected["reason"].to_pylist(), strict=True)
    return {
        "read": len(files),
        "kept": len(kept),
        "rejected": len(rejected),
        "kept_bytes": sum(kept["size"].to_pylist()),
        "reasons": _sorted(Counter(f"{stage}: {reason}" for stage, reason in reasons)),
        "languages": _sorted(Counter(kept["language"].to_pylist())),
        "licences": _sorted(Counter(name or "unknown" for name in kept["licence"].to_pylist())),
        "repositories": [
            {"name": s.name, "source": s.location.name, "licence": licences.get(s.name), "kept": of_repository[s.name]}
            for s in repositories
        ],
    }


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def main_reasons(files: pa.Table) -> str:
    counts = Counter(files["reason"].to_pylist()).most_common(3)
    return ", ".join(f"{count} {reason}" for reason, count in counts) or "no files"
