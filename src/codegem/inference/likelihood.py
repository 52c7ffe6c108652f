"""How likely continuations are: token sequences in, sums of log-probabilities out.

What begins alike is read once (`families`). A row of the cache holds a head and behind it one item at a time: the next
one, and what differs in each further choice, is written over it, so that no keys or values are copied. Logits are made
of the positions before scored tokens alone, and their rows are gathered from several passes (`scored`), so that no
[tokens, vocabulary] ever stands in memory.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from codegem.errors import UserError
from codegem.inference.families import Asked, Batch, Item, Read, batches, families
from codegem.inference.scored import Sums, Wanted
from codegem.model.fused import FusedTransformer
from codegem.model.linear import PACKED
from codegem.model.transformer import Transformer

Arrays = list[Array]

PASS_TOKENS = (
    512  # that a pass over several rows reads about; 1,024 and 2,048 are no faster for nano, and are padded more
)
PIECE = 512  # of a longer prefix, so that the memory of a pass is bounded
ROWS = 32
CACHE_BYTES = 1 << 30
_LOGITS = 1 << 20  # that stand in memory at a time: those of nano stay in a cache of the processor
# Lengths of passes: each is a program, and a quarter longer than the one before.
_LENGTHS = (1, 4, 8, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 448, 512)


class Likelihood:
    """Scores continuations by one model.

    Args:
        pad: the token that fills rows up.
        cache_bytes: that keys and values may take; one row stands even if it is larger.

    Example:
        >>> from codegem.model.config import ModelConfig
        >>> config = ModelConfig(32, 1, 8, 1, 1, 8, 16, context_length=64)
        >>> likelihood = Likelihood(Transformer.init(config, jax.random.key(0)), pad=0)
        >>> list(likelihood.scores([([2, 5, 6], [7, 8])]))          # doctest: +SKIP
        [(0, -7.1, False)]
    """

    def __init__(self, model: Transformer | FusedTransformer, *, pad: int, cache_bytes: int = CACHE_BYTES):
        self.context_length = model.config.context_length
        self._model, self._pad, self._vocabulary = model, pad, model.config.vocab_size
        # Keys and values in float32 wherever kernels or packed weights give such activations: an evaluation can wait.
        self._dtype = jnp.float32 if isinstance(model.embedding, PACKED) else model.embedding.dtype
        self._weights, tree = jax.tree.flatten(jax.device_put(model))
        cache = jax.eval_shape(lambda: model.init_cache(1, 1, self._dtype))
        self._position = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(cache))  # bytes
        self._cache_bytes = cache_bytes
        self._read, self._score = _compiled(tree, jax.tree.structure(cache))
        self._chunk = max(16, _LOGITS // self._vocabulary)

    def scores(self, asked: Sequence[Asked]) -> Iterator[tuple[int, float, bool]]:
        """(index, logprob, greedy) of each request, as they are known, in any order.

        Args:
            asked: for each request the tokens that stand before, BOS among them, and those that are scored behind.

        Yields:
            The index of a request; the sum of the natural logarithms of its tokens' probabilities; and whether each of
            them is the likeliest at its place.

        Raises:
            UserError: a request has no tokens before or none to score, holds an unknown id, or is too long.
        """
        for prefix, continuation in asked:
            self._check(prefix, continuation)
        longest = max((len(prefix) + len(continuation) for prefix, continuation in asked), default=1)
        rows = max(1, min(ROWS, self._cache_bytes // (self._position * _capacity(longest))))
        rows = 1 << (rows.bit_length() - 1)
        sums = Sums([len(continuation) for _, continuation in asked], self._chunk, self._logprobs)
        for batch in batches(families(asked), PASS_TOKENS, rows):
            cache = self._heads(batch)
            for step in batch.steps:
                for hidden, wanted in self._step(cache, step):
                    yield from sums.take(hidden, wanted)
        yield from sums.rest()

    def _check(self, prefix: Sequence[int], continuation: Sequence[int]) -> None:
        if not len(prefix) or not len(continuation):
            raise UserError("A continuation is scored behind at least one token, such as <bos>, and has at least one.")
        for token in (*prefix, *continuation):
            if not 0 <= token < self._vocabulary:
                raise UserError(f"A request holds the token id {token}; the model knows 0 to {self._vocabulary - 1}.")

    def _heads(self, batch: Batch) -> "_Cache":
        """A cache whose rows hold the heads of a batch."""
        capacity = _capacity(batch.positions)
        lengths = [len(head) for head in batch.heads]
        cache = _Cache(self._empty(len(batch.heads) if len(batch.heads) == 1 else batch.rows, capacity), [])
        for start, piece in _pieces(batch.heads):
            self._pass(cache, piece, [start] * len(piece), last=[0] * len(piece))
        if len(batch.heads) == 1 and batch.rows > 1:
            copied = [np.repeat(np.asarray(leaf), batch.rows, axis=0) for leaf in cache.arrays]
            cache.arrays, lengths = jax.device_put(copied), lengths * batch.rows
        cache.heads = lengths
        return cache

    def _empty(self, rows: int, capacity: int) -> Arrays:
        shapes = jax.eval_shape(lambda: self._model.init_cache(rows, capacity, self._dtype))
        return jax.device_put([np.zeros(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(shapes)])

    def _step(self, cache: "_Cache", step: Sequence[Item | None]) -> Iterator[tuple[Any, Wanted]]:
        """The passes over items side by side: activations of each, and what they are wanted for."""
        # A row that has nothing more to read is padded behind what it holds: its head is needed again.
        lengths = list(cache.heads[: len(step)])
        for number in range(max(len(item.reads) for item in step if item)):
            reads = [item.reads[number] if item and number < len(item.reads) else None for item in step]
            lengths = [read.start if read else length for read, length in zip(reads, lengths, strict=True)]
            yield from self._passes(cache, reads, lengths)
            lengths = [read.end if read else length for read, length in zip(reads, lengths, strict=True)]

    def _passes(
        self, cache: "_Cache", reads: Sequence[Read | None], lengths: Sequence[int]
    ) -> Iterator[tuple[Any, Wanted]]:
        """Read tokens behind `lengths` positions of each row, piece by piece."""
        for start, piece in _pieces([read.tokens if read else [] for read in reads]):
            inside = [
                [(place - start, token, asked) for place, token, asked in read.wants if start <= place < start + PIECE]
                if read
                else []
                for read in reads
            ]
            places = [{place for place, _, _ in wants} for wants in inside]
            # Where one position of each row is wanted, the others are spared the last block's MLP.
            last = [min(found, default=0) for found in places] if all(len(found) < 2 for found in places) else None
            hidden = self._pass(cache, piece, [length + start for length in lengths], last)
            wanted = [(row, *want) for row, wants in enumerate(inside) for want in wants]
            yield hidden, [(row, 0 if last else place, token, asked) for row, place, token, asked in wanted]

    def _pass(
        self, cache: "_Cache", texts: Sequence[Sequence[int]], lengths: Sequence[int], last: Sequence[int] | None
    ) -> Float[Array, "B R D"]:
        """Read tokens behind `lengths` positions of each row; the `last` or all activations."""
        rows, capacity = cache.arrays[0].shape[:2]
        length = next(size for size in _LENGTHS if size >= max(map(len, texts)))
        length = min(length, capacity - max(lengths))
        tokens = np.full((rows, length), self._pad, np.int32)
        for row, text in enumerate(texts):
            tokens[row, : len(text)] = text
        filled = np.zeros(rows, np.int32)
        filled[: len(lengths)] = lengths
        at = None
        if last is not None:
            at = np.zeros(rows, np.int32)
            at[: len(last)] = last
        hidden, cache.arrays = self._read(self._weights, cache.arrays, tokens, filled, at)
        return hidden

    def _logprobs(
        self, hidden: Float[np.ndarray, "R D"], tokens: Int[np.ndarray, "R"]
    ) -> tuple[Float[Array, "R"], Any]:
        return self._score(self._weights, hidden, tokens)


class _Cache:
    """Keys and values of some rows, and how many positions of each their heads take."""

    def __init__(self, arrays: Arrays, heads: Sequence[int]):
        self.arrays, self.heads = arrays, heads


def _pieces(texts: Sequence[Any]) -> Iterator[tuple[int, list[Any]]]:
    """(start, that part of each text), `PIECE` tokens at a time."""
    for start in range(0, max(map(len, texts), default=0), PIECE):
        yield start, [text[start : start + PIECE] for text in texts]


def _capacity(positions: int) -> int:
    """Positions of a cache: few sizes, with room for a padded pass."""
    return max(128, 1 << (positions - 1).bit_length()) if positions <= 512 else -(-positions // 512) * 512


@lru_cache(maxsize=16)
def _compiled(model_tree: Any, cache_tree: Any) -> tuple[Any, Any]:
    """The programs of every model of one form; JAX compiles them for each size that is used."""

    @partial(jax.jit, donate_argnames="cache")
    def read(weights: Arrays, cache: Arrays, tokens: Array, filled: Array, last: Array | None):
        model = jax.tree.unflatten(model_tree, weights)
        hidden, extended = model.extend(tokens, jax.tree.unflatten(cache_tree, cache), filled, last)
        return hidden, jax.tree.leaves(extended)

    @jax.jit
    def score(weights: Arrays, hidden: Array, tokens: Array):
        logits = jax.tree.unflatten(model_tree, weights).unembed(hidden)
        largest = logits.max(axis=-1, keepdims=True)
        total = jnp.log(jnp.exp(logits - largest).sum(axis=-1))
        at = jnp.take_along_axis(logits, tokens[:, None], axis=-1)
        return (at - largest)[:, 0] - total, (at >= largest)[:, 0]

    return read, score
