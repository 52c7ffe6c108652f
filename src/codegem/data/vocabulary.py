"""The tokenizer that a data set trains for itself."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from codegem.data.accounts import Files
from codegem.data.repositories import Source
from codegem.text.tokenizer import Tokenizer, train_tokenizer


def learn(files: Files, most: int, vocab_size: int, report: Callable[[int, int], None]) -> Tokenizer:
    """A tokenizer trained on `most` bytes of the documents, taken in the order of their hashes.

    Args:
        report: called with the bytes read so far and all of them.

    Raises:
        UserError: the vocabulary is too small.
    """
    sample = _sample(files, most)
    total = min(most, sum(sample["size"].to_pylist()))

    def texts() -> Iterator[str]:
        found: dict[str, str] = {}
        for number, source in enumerate(files.sources):
            wanted = sample.filter(pc.field("source") == number)["sha256"]
            if len(wanted):
                found |= _texts(files, source, wanted)
        done = 0
        for digest, size in zip(sample["sha256"].to_pylist(), sample["size"].to_pylist(), strict=True):
            report(min(done, total), total)
            done += size
            yield found[digest]

    return train_tokenizer(texts(), vocab_size)


def _sample(files: Files, most: int) -> pa.Table:
    """sha256, size and source number of the documents with the smallest hashes, `most` bytes of them."""
    schema = pa.schema([("sha256", pa.string()), ("size", pa.int64()), ("source", pa.int64())])
    sample = schema.empty_table()
    for number, source in enumerate(files.sources):
        table = files.kept(source, ["sha256", "size"], late=False).select(["sha256", "size"])
        table = table.append_column("source", pa.array([number] * len(table), pa.int64()))
        sample = pa.concat_tables([sample, table]).sort_by([("sha256", "ascending"), ("source", "ascending")])
        sizes = sample["size"].to_numpy()
        sample = sample.filter(pa.array(np.cumsum(sizes) - sizes < most))
    return sample


def _texts(files: Files, source: Source, wanted: pa.ChunkedArray) -> dict[str, str]:
    table = files.kept(source, ["sha256", "text"], late=False)
    names = set(wanted.to_pylist())
    places = [place for place, name in enumerate(table["sha256"].to_pylist()) if name in names]
    table = table.take(places)
    return dict(zip(table["sha256"].to_pylist(), table["text"].to_pylist(), strict=True))
