"""Documents of a repository to token contexts, and contexts to the rows of the data set."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from codegem.data.fim_sampling import generator, render_context
from codegem.data.packing import fill_rows, order_documents, pack_repository, piece_widths
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document, TrainingExample
from codegem.text.tokenizer import Tokenizer, load_tokenizer

_WINDOW = 16384  # contexts that are fitted into rows together

CONTEXTS = pa.schema(
    [
        ("repository", pa.string()),
        ("index", pa.int64()),
        ("tokens", pa.large_binary()),  # int32, the machine's byte order
        ("roles", pa.large_binary()),  # uint8
    ]
)


def tokenise_repository(
    documents: Sequence[Document], recipe: DataRecipe, tokenizer: Tokenizer, widths: np.ndarray
) -> Iterator[dict[str, Any]]:
    """The contexts of one repository as rows of `CONTEXTS`.

    Args:
        widths: `packing.piece_widths(tokenizer)`.
    """
    ordered = order_documents(documents, recipe.order, recipe.seed)
    index = 0
    for context in pack_repository(ordered, tokenizer, widths, recipe.context_length):
        for rendered in render_context(context, tokenizer, recipe.fim, recipe.seed, recipe.context_length):
            yield {
                "repository": context.repository,
                "index": index,
                "tokens": np.asarray(rendered.tokens, np.int32).tobytes(),
                "roles": np.asarray(rendered.roles, np.uint8).tobytes(),
            }
            index += 1


@lru_cache(maxsize=1)
def load_for_packing(location: str) -> tuple[Tokenizer, np.ndarray]:
    """A tokenizer and its piece widths, read once in every worker process."""
    tokenizer = load_tokenizer(Path(location))
    return tokenizer, piece_widths(tokenizer)


class Rows:
    """The rows of a data set: which contexts share one, in which order, and which are for validation.

    Args:
        contexts: a table of `CONTEXTS`, in any order: the rows depend on its content alone.
    """

    def __init__(self, contexts: pa.Table, recipe: DataRecipe, pad: int):
        contexts = _in_seeded_order(contexts, recipe.seed)
        names = contexts["repository"].to_pylist()
        self._keys = list(zip(names, contexts["index"].to_pylist(), strict=True))
        self._tokens, self._roles = contexts["tokens"], contexts["roles"]
        self._length, self._pad = recipe.context_length, pad
        lengths = (pc.call_function("binary_length", [self._tokens]).to_numpy() // np.dtype(np.int32).itemsize).tolist()
        self.real_tokens = sum(lengths)
        self._rows = list(_fitted(lengths, recipe))
        self.validation = self._validation(recipe)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> TrainingExample:
        """The contexts of a row one after another, as segments 1, 2, …, then padding."""
        length = self._length
        tokens, segments = np.full(length, self._pad, np.int32), np.zeros(length, np.int32)
        roles = np.zeros(length, np.uint8)
        start = 0
        for segment, index in enumerate(self._rows[number], start=1):
            ids = np.frombuffer(self._tokens[index].as_py(), np.int32)
            end = start + len(ids)
            tokens[start:end], segments[start:end] = ids, segment
            roles[start:end] = np.frombuffer(self._roles[index].as_py(), np.uint8)
            start = end
        return TrainingExample(tokens, segments, roles)

    def _validation(self, recipe: DataRecipe) -> frozenset[int]:
        """A seeded share of the rows, each chosen by the name of its first context; at least one of 20."""
        if recipe.validation_share <= 0:
            return frozenset()
        draws = [generator(recipe.seed, "validation", *self._keys[row[0]]).random() for row in self._rows]
        chosen = {number for number, draw in enumerate(draws) if draw < recipe.validation_share}
        if not chosen and len(draws) >= 20:
            chosen = {draws.index(min(draws))}
        return frozenset(chosen)


def _in_seeded_order(contexts: pa.Table, seed: int) -> pa.Table:
    """Contexts in an order that mixes repositories."""
    names = zip(contexts["repository"].to_pylist(), contexts["index"].to_pylist(), strict=True)
    keys = [generator(seed, "context", *name).random() for name in names]
    keyed = contexts.append_column("key", pa.array(keys, pa.float64()))
    return keyed.sort_by([("key", "ascending"), ("repository", "ascending"), ("index", "ascending")])


def _fitted(lengths: Sequence[int], recipe: DataRecipe) -> Iterator[list[int]]:
    for start in range(0, len(lengths), _WINDOW):
        rows = fill_rows(lengths[start : start + _WINDOW], recipe.context_length)
        generator(recipe.seed, "rows", start).shuffle(rows)
        for row in rows:
            yield [start + index for index in row]
