"""Many sequences of token ids, each continued by the likeliest tokens."""

from collections.abc import Iterator, Sequence
from functools import partial

import jax
import numpy as np
from jaxtyping import Array, Int

from codegem.inference import pieces
from codegem.inference.engine import Engine
from codegem.inference.programs import Arrays
from codegem.inference.prompts import check_ids
from codegem.inference.sampling import Greedy
from codegem.model.fused import FusedTransformer
from codegem.model.transformer import Transformer
from codegem.text import fim
from codegem.text.tokenizer import Tokenizer

_STEP = 32  # sequences are read in lengths that are multiples of it: each is a program


class Continuing:
    """Continues sequences with the model of an engine, as many at once as its rows have room for.

    `Engine.generate` does the same for texts, which it encodes, and keeps what it has read.

    >>> list(Continuing(engine).after([[2, 67, 10], [2, 68]], 3))      # doctest: +SKIP
    [[12, 5], [99, 99, 4]]
    """

    def __init__(self, engine: Engine):
        self._engine = engine
        self._ends = fim.stop_ids(engine.tokenizer)

    @property
    def name(self) -> str:
        """What to call the model."""
        return self._engine.name

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's vocabulary."""
        return self._engine.tokenizer

    def after(self, sequences: Sequence[Sequence[int]], count: int) -> Iterator[list[int]]:
        """For each sequence, in their order, at most `count` tokens: fewer where the model ends the text.

        Args:
            sequences: ids as they are; no BOS is added.
            count: at least 1.

        Raises:
            UserError: a sequence is empty, holds an unknown id, or leaves no room for `count` tokens.
        """
        shared, config = self._engine.shared, self._engine.model.config
        for sequence in sequences:
            check_ids(sequence, count, config.vocab_size, config.context_length)
        if not sequences:
            return
        capacity = pieces.capacity(_padded(max(map(len, sequences))) + count + shared.stride)
        rows = pieces.rows(len(sequences), shared.kept.limit // shared.programs.size(capacity))
        cache = shared.programs.cache(capacity, rows)
        for start in range(0, len(sequences), rows):
            part = sequences[start : start + rows]
            made, cache = self._of_rows([*part, *[part[-1]] * (rows - len(part))], count, cache)
            yield from map(self._ended, made[: len(part)].tolist())

    def _of_rows(self, part: Sequence[Sequence[int]], count: int, cache: Arrays) -> tuple[np.ndarray, Arrays]:
        """int32 [B, count], and the cache, of which what stands behind a row's tokens is never seen."""
        programs, stride = self._engine.shared.programs, self._engine.shared.stride
        lengths = np.array([len(sequence) for sequence in part], np.int32)
        tokens = np.full((len(part), _padded(max(lengths))), self._engine.shared.pad, np.int32)
        for row, sequence in zip(tokens, part, strict=True):
            row[: len(sequence)] = sequence
        last, cache = _read(self._engine.model, cache, tokens, lengths - 1)
        made = [last[None]]
        for done in range(0, count - 1, stride):
            steps, last, cache = programs.steps(cache, Greedy(), last, lengths + np.int32(done), stride)
            made.append(steps)
        return np.concatenate(made)[:count].T, cache

    def _ended(self, tokens: list[int]) -> list[int]:
        end = next((place for place, token in enumerate(tokens) if token in self._ends), len(tokens))
        return tokens[:end]


def _padded(length: int) -> int:
    return -(-length // _STEP) * _STEP


@partial(jax.jit, donate_argnames="cache")
def _read(
    model: Transformer | FusedTransformer, cache: Arrays, tokens: Int[Array, "B T"], last: Int[Array, "B"]
) -> tuple[Int[Array, "B"], Arrays]:
    """Read rows from their beginning; the likeliest token after the `last` of each, and the cache."""
    tree = jax.tree.structure(jax.eval_shape(lambda: model.init_cache(1, 1)))
    hidden, extended = model.extend(tokens, jax.tree.unflatten(tree, cache), last * 0, last)
    return Greedy()(model.unembed(hidden)[:, 0], last), jax.tree.leaves(extended)
