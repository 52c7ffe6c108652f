"""Data sets of a few rows, and a model that has some of them by heart."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codegem.data.records import TrainingExample
from codegem.data.shards import Manifest, ShardWriter, Split, manifest_hash, write_manifest
from codegem.evaluation.memorisation.windows import GIVEN, WANTED
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

BYTES = ByteTokenizer()
Write = Callable[[Path, dict[Split, Sequence[TrainingExample]]], Path]


@pytest.fixture(scope="session")
def write_rows() -> Write:
    """A function of (folder, rows by split): the folder, as a data set of bytes."""

    def write(folder: Path, rows: dict[Split, Sequence[TrainingExample]]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        BYTES.save(folder / "tokenizer.json")
        writer = ShardWriter(folder, shard_examples=1000)
        for split, examples in rows.items():
            for example in examples:
                writer.add(split, example)
        shards = writer.close()
        length = len(rows["train"][0].tokens)
        write_manifest(folder, Manifest(manifest_hash(shards), {}, "", {}, length, {}, {}, shards))
        return folder

    return write


@dataclass
class ByHeart:
    """Goes on as the rows do that it knows, wherever their tokens stand; with line ends after others."""

    rows: Sequence[Sequence[int]]
    slip: Callable[[list[int]], list[int]] = list
    name: str = "parrot"
    tokenizer: Tokenizer = BYTES
    dies_after: int | None = None
    asked: list[Sequence[int]] = field(default_factory=list)

    def after(self, sequences: Sequence[Sequence[int]], count: int) -> Iterator[list[int]]:
        for sequence in sequences:
            if len(self.asked) == self.dies_after:
                raise KeyboardInterrupt
            self.asked.append(sequence)
            yield self.slip(self._following(list(sequence[-GIVEN:]))[:count])

    def _following(self, given: list[int]) -> list[int]:
        for row in self.rows:
            for start in range(len(row) - GIVEN):
                if list(row[start : start + GIVEN]) == given:
                    return list(row[start + GIVEN :])
        return BYTES.encode("\n") * WANTED


@pytest.fixture
def by_heart() -> type[ByHeart]:
    """The class of such models."""
    return ByHeart
