"""Training examples as batches of arrays, in a shuffled order that can be taken up anywhere."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import grain
import numpy as np

from codegem.data.records import TrainingExample
from codegem.train.layout import own_rows
from codegem.train.recipe import TrainRecipe

Batch = dict[str, np.ndarray]
"""tokens, targets, positions, segment_ids int32 [B, T] and loss_weights float32 [B, T]; see `to_row`."""


class Source(Protocol):
    """Random access to examples: `data.shards.ExampleSource`, or a list."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> TrainingExample: ...


def to_row(example: TrainingExample) -> Batch:
    """What the loss needs of one example, arrays of shape [T].

    A target is the token after; it counts where it is real and of the same segment, and in a segment that is
    a conversation only where it is of an answer. Positions start again in every segment. Two segments and one
    token of padding (pad 0, eos 1, bos 2):

        tokens       2  5  6  1  2  7  1  0
        segment_ids  1  1  1  1  2  2  2  0
        targets      5  6  1  2  7  1  0  0
        loss_weights 1  1  1  0  1  1  0  0
        positions    0  1  2  3  0  1  2  0
    """
    tokens, segments = example.tokens.astype(np.int32), example.segment_ids.astype(np.int32)
    places = np.arange(len(tokens), dtype=np.int32)
    starts = np.where(np.diff(segments, prepend=-1) != 0, places, 0)
    return {
        "tokens": tokens,
        "targets": np.append(tokens[1:], np.int32(0)),
        "loss_weights": np.append(example.learned[1:], False).astype(np.float32),
        "positions": places - np.maximum.accumulate(starts),
        "segment_ids": segments,
    }


def run_batches(
    recipe: TrainRecipe, train: Source, validation: Source
) -> tuple[grain.DatasetIterator[Batch], list[Batch]]:
    """What a run learns from and is judged by: of every batch, the rows that this process reads."""
    shape = recipe.mesh
    at_once = recipe.micro_batch * shape.row_groups
    rows, judged = own_rows(shape, recipe.batch_size), own_rows(shape, at_once)
    return (
        training_batches(train, recipe.batch_size, recipe.seed, rows=rows),
        list(validation_batches(validation, at_once, recipe.validation_examples, rows=judged)),
    )


def training_batches(
    source: Source, batch_size: int, seed: int, *, rows: Sequence[int] | None = None
) -> grain.DatasetIterator[Batch]:
    """Batches without end: every epoch holds each example once, in an order of its own.

    The iterator's `get_state()` is a dict of plain values, which counts the batches that are done; a new iterator that
    is given it by `set_state` goes on with the batch that would have come next, whatever rows either of them reads.

    Args:
        rows: which rows of every batch are read, as `layout.own_rows` says for a process; default all.
    """
    examples = grain.MapDataset.source(source).shuffle(seed=seed).repeat()  # type: ignore[arg-type]
    if rows is not None and len(rows) < batch_size:
        examples = _some_rows(examples, batch_size, rows)
    size = batch_size if rows is None else len(rows)
    options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)
    batches = examples.map(to_row).batch(size, drop_remainder=True)
    return iter(batches.to_iter_dataset(options))  # type: ignore[return-value]


def _some_rows(examples: Any, batch_size: int, rows: Sequence[int]) -> Any:
    """The examples that stand in some rows of every batch, batch after batch."""

    def example(index: int) -> Any:
        batch, place = divmod(index, len(rows))
        return examples[batch * batch_size + rows[place]]

    return grain.MapDataset.range(sys.maxsize // batch_size * len(rows)).map(example)


def validation_batches(
    source: Source, batch_size: int, limit: int, *, rows: Sequence[int] | None = None
) -> Iterator[Batch]:
    """The first `limit` examples in their order; the last batch is filled up with rows that count nothing.

    Args:
        rows: which rows of every batch are read; default all.
    """
    count = min(limit, len(source))
    for start in range(0, count, batch_size):
        places = [start + row for row in (range(batch_size) if rows is None else rows)]
        made = [to_row(source[place]) if place < count else _nothing(to_row(source[start])) for place in places]
        yield {name: np.stack([row[name] for row in made]) for name in made[0]}


def _nothing(row: Batch) -> Batch:
    return {name: np.zeros_like(value) for name, value in row.items()}
