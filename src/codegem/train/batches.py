"""Training examples as batches of arrays, in a shuffled order that can be taken up anywhere."""

from collections.abc import Iterator
from typing import Protocol

import grain
import numpy as np

from codegem.data.records import TrainingExample

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


def training_batches(source: Source, batch_size: int, seed: int) -> grain.DatasetIterator[Batch]:
    """Batches without end: every epoch holds each example once, in an order of its own.

    The iterator's `get_state()` is a dict of plain values; a new iterator that is given it by `set_state`
    goes on with the batch that would have come next.
    """
    rows = grain.MapDataset.source(source)  # type: ignore[arg-type]
    rows = rows.shuffle(seed=seed).repeat().map(to_row)
    options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=2 * batch_size)
    return iter(rows.batch(batch_size, drop_remainder=True).to_iter_dataset(options))  # type: ignore[return-value]


def validation_batches(source: Source, batch_size: int, limit: int) -> Iterator[Batch]:
    """The first `limit` examples in their order; the last batch is filled up with rows that count nothing."""
    rows = [to_row(source[index]) for index in range(min(limit, len(source)))]
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        empty = {name: np.zeros_like(value) for name, value in part[0].items()}
        part = part + [empty] * (batch_size - len(part))
        yield {name: np.stack([row[name] for row in part]) for name in empty}
