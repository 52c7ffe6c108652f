"""What a data set holds, gathered for a page to look at (`report_page`)."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from codegem.data.records import TrainingExample
from codegem.data.shards import ExampleSource, Manifest, read_manifest
from codegem.data.show import Shown, show
from codegem.errors import UserError
from codegem.text.fim import Role
from codegem.text.tokenizer import Tokenizer, load_tokenizer

_SAMPLE = 2000  # examples that are measured
_SHOWN = 6  # examples and, of each reason, rejected files that are shown
_ENDS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 1 << 62)


@dataclass(frozen=True)
class Histogram:
    """Counts in bins whose ends double.

    >>> histogram("tokens", [1, 3, 3, 9]).bars
    (('1', 1), ('2–3', 2), ('8–15', 1))
    """

    title: str
    values: int
    median: float
    bars: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class DataReport:
    """Everything on the page.

    Attributes:
        rejected: of each stage and reason, some of the files.
        measured: training examples that the distributions were read from.
    """

    directory: str
    manifest: Manifest
    distributions: tuple[Histogram, ...]
    measured: int
    examples: tuple[Shown, ...]
    rejected: tuple[tuple[str, tuple[dict[str, object], ...]], ...]


def gather(directory: Path, seed: int = 0) -> DataReport:
    """Measure a data set and choose what is shown of it; the same for the same data set and seed.

    Raises:
        UserError: there is no finished data set, or a file of it is missing or damaged.
    """
    manifest = read_manifest(directory)
    source = ExampleSource(directory, "train")
    if not len(source):
        raise UserError(f"{directory} holds no training example: there is nothing to report.")
    chosen = random.Random(seed).sample(range(len(source)), min(_SAMPLE, len(source)))
    tokenizer = load_tokenizer(directory)
    return DataReport(
        directory=directory.name,
        manifest=manifest,
        distributions=tuple(_distributions((source[index] for index in sorted(chosen)), manifest, tokenizer)),
        measured=len(chosen),
        examples=tuple(show(directory, index) for index in chosen[:_SHOWN]),
        rejected=tuple(_rejected(directory / "rejected.parquet", random.Random(seed))),
    )


def histogram(title: str, values: "list[int] | np.ndarray") -> Histogram:
    """Count values that are not negative."""
    counts = np.histogram(values, _ENDS)[0]
    first, last = (np.flatnonzero(counts)[[0, -1]]) if len(values) else (0, -1)
    bars = tuple((_label(number), int(counts[number])) for number in range(first, last + 1) if counts[number])
    return Histogram(title, len(values), float(np.median(values)) if len(values) else 0.0, bars)


def _label(number: int) -> str:
    start, end = _ENDS[number], _ENDS[number + 1]
    if end - start == 1:
        return str(start)
    return f"{start}–{end - 1}" if end < 1 << 62 else f"{start} and more"


def _distributions(
    examples: Iterator[TrainingExample], manifest: Manifest, tokenizer: Tokenizer
) -> Iterator[Histogram]:
    lengths: dict[str, list[int]] = {"contexts": [], "files": [], "prefix": [], "middle": [], "suffix": []}
    separator = tokenizer.special.file_separator
    for example in examples:
        for segment in range(1, int(example.segment_ids.max()) + 1):
            inside = example.segment_ids == segment
            tokens, roles = example.tokens[inside], example.roles[inside]
            lengths["contexts"].append(len(tokens))
            ends = np.flatnonzero((tokens == separator) & (roles == Role.CONTROL))
            lengths["files"].append(len(ends))
            for part in np.split(roles, ends + 1):
                if np.any(part == Role.MIDDLE):
                    for name in ("prefix", "middle", "suffix"):
                        lengths[name].append(int(np.count_nonzero(part == Role[name.upper()])))
    yield histogram("Tokens of a context", lengths["contexts"])
    yield histogram("Files, and parts of files, in a context", lengths["files"])
    for name in ("prefix", "middle", "suffix"):
        yield histogram(f"Tokens of the {name} of a hole", lengths[name])
    repositories = manifest.counts["repositories"]
    yield histogram("Files kept of a repository", [row["kept"] for row in repositories])
    if all("edges" in row for row in repositories):
        yield histogram("Dependencies in a repository", [row["edges"] for row in repositories])
        yield histogram("Dependencies dropped to open cycles", [row["dropped"] for row in repositories])
        yield histogram("Tests beside their source in a repository", [row["tests"] for row in repositories])


def _rejected(file: Path, rng: random.Random) -> Iterator[tuple[str, tuple[dict[str, object], ...]]]:
    """Of each reason, the commonest first, some files by chance."""
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file} cannot be read ({str(error)[:120]}): build the data set again.") from None
    counts = Counter(zip(table["stage"].to_pylist(), table["reason"].to_pylist(), strict=True))
    for (stage, reason), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        rows = table.filter((pc.field("stage") == stage) & (pc.field("reason") == reason))
        chosen = sorted(rng.sample(range(count), min(_SHOWN, count)))
        yield f"{stage}: {reason}", tuple(rows.take(chosen).to_pylist())
