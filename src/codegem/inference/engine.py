"""Text from one model on this machine.

The host decides (prompts, sizes, stopping) and the device computes (`_extend`, the one compiled program).
A prompt goes through it in pieces of a few sizes and each new token as a piece of one, over a cache whose
capacity also has a few sizes, so that compiling is done once for each pair and found on disk afterwards.
"""

from collections.abc import Generator, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from codegem.errors import UserError
from codegem.generate import Chunk, Infill, Request, StopReason
from codegem.inference.sampling import Greedy, Sampler, StopStrings, sampler
from codegem.model.attention import LayerCache
from codegem.model.transformer import Transformer
from codegem.text import fim
from codegem.text.tokenizer import Detokenizer, Tokenizer

# A longer prompt takes several pieces of the largest size: no slower than one piece, and the memory of
# attention stays bounded by PIECES[-1] · capacity logits a head. Each further size would save some padding
# and cost a tenth of a second in every process that uses it, for tracing and loading its program.
PIECES = (64, 256)
SMALLEST_CAPACITY = 256


class Engine:
    """Fulfils `codegem.generate.TextSource`, and gives token ids and logits.

    Example:
        >>> from codegem.model.config import ModelConfig
        >>> from codegem.text.tokenizer import ByteTokenizer
        >>> config = ModelConfig(266, 1, 8, 1, 1, 8, 16, context_length=64)
        >>> engine = Engine(Transformer.init(config, jax.random.key(0)), ByteTokenizer())
        >>> len(list(engine.stream([2, 67, 10], max_tokens=5)))
        5
    """

    def __init__(
        self, model: Transformer, tokenizer: Tokenizer, *, name: str = "model", order: fim.Order = fim.Order.PSM
    ):
        self.name = name
        self.order = order
        self.tokenizer = tokenizer
        self.model = jax.device_put(model)
        self._stop_ids = fim.stop_ids(tokenizer)

    @property
    def context_length(self) -> int:
        """How many tokens a prompt and its answer may have together."""
        return self.model.config.context_length

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        """Chunks of each request, one request after the other; `TextSource` says the rest."""
        for index, request in enumerate(requests):
            yield from self._generate(index, request)

    def stream(
        self,
        prompt: Sequence[int],
        *,
        max_tokens: int,
        choose: Sampler | None = None,
        stop_ids: frozenset[int] = frozenset(),
    ) -> Generator[int]:
        """Token ids after `prompt` as they are made; closing the iterator ends the work.

        Args:
            prompt: ids as they are; no BOS is added.
            choose: from `sampling.sampler`; greedy by default.
            stop_ids: the stream ends before the first of these.

        Raises:
            UserError: the prompt is empty, holds an unknown id, or leaves no room for `max_tokens`.
        """
        if max_tokens < 1:
            raise UserError(f"max_tokens is {max_tokens}; it must be at least 1.")
        self._check(prompt, max_tokens)
        return self._stream(np.asarray(prompt, np.int32), max_tokens, choose or Greedy(), stop_ids)

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Float32 logits [T, V] of the token after each of T ids, by one full forward pass."""
        self._check(ids, 0)
        tokens = np.full((1, _capacity(len(ids))), self.tokenizer.special.pad, np.int32)
        tokens[0, : len(ids)] = ids
        return np.asarray(_forward(self.model, tokens)[0, : len(ids)])

    def _generate(self, index: int, request: Request) -> Generator[Chunk]:
        choose = sampler(request.temperature, request.top_p, request.seed)
        text, stops = Detokenizer(self.tokenizer), StopStrings(request.stop)
        made = 0
        prompt = self._tokens(request.prompt)
        for token in self.stream(prompt, max_tokens=request.max_tokens, choose=choose, stop_ids=self._stop_ids):
            made += 1
            sure = stops.push(text.push(token))
            if stops.found:
                yield Chunk(index, sure, 1, StopReason.STOP)
                return
            yield Chunk(index, sure, 1)
        # Bytes of an unfinished character are left out: half a character is of no use to anybody.
        reason = StopReason.LENGTH if made == request.max_tokens else StopReason.STOP
        yield Chunk(index, stops.flush(), 0, reason)

    def _tokens(self, prompt: str | Infill) -> list[int]:
        if isinstance(prompt, str):
            return [self.tokenizer.special.bos, *self.tokenizer.encode(prompt)]
        return fim.prompt(
            prompt.prefix, prompt.suffix, self.tokenizer, path=prompt.path, context=prompt.context, order=self.order
        )

    def _stream(self, prompt: np.ndarray, max_tokens: int, choose: Sampler, stop_ids: frozenset[int]) -> Generator[int]:
        pieces = _pieces(len(prompt))
        cache = _empty_cache(self.model, _capacity(max(sum(pieces), len(prompt) + max_tokens)))
        extend = partial(_extend, self.model, choose)
        filled, token = 0, None
        for size in pieces:
            real = prompt[filled : filled + size]
            padded = np.pad(real, (0, size - len(real)), constant_values=self.tokenizer.special.pad)[None]
            token, cache = extend(padded, cache, _one(filled), _one(len(real)))
            filled += len(real)
        for left in reversed(range(max_tokens)):
            following = None
            if left:  # asked for before this token is read, so that the device does not wait for the host
                following, cache = extend(token, cache, _one(filled), _one(1))
                filled += 1
            made = int(np.asarray(token)[0, 0])
            if made in stop_ids:
                return
            yield made
            token = following

    def _check(self, prompt: Sequence[int], max_tokens: int) -> None:
        vocabulary, context = self.model.config.vocab_size, self.context_length
        if not len(prompt):
            raise UserError("The prompt is empty; give at least one token, such as <bos>.")
        if unknown := [token for token in prompt if not 0 <= token < vocabulary]:
            raise UserError(f"The prompt holds the token id {unknown[0]}; the model knows 0 to {vocabulary - 1}.")
        if len(prompt) + max_tokens > context:
            raise UserError(
                f"The prompt has {len(prompt)} tokens and {max_tokens} more are asked for; together the model "
                f"takes {context}. Shorten the prompt or ask for fewer."
            )


def _pieces(length: int) -> list[int]:
    """The sizes in which a prompt of `length` tokens is read; only the last one may be padded.

    >>> _pieces(5), _pieces(256), _pieces(600)
    ([64], [256], [256, 256, 256])
    """
    whole, rest = divmod(length, PIECES[-1])
    return [PIECES[-1]] * whole + ([next(size for size in PIECES if size >= rest)] if rest else [])


def _capacity(slots: int) -> int:
    """The cache size that holds `slots` positions: a power of two.

    >>> _capacity(5), _capacity(512), _capacity(513)
    (256, 512, 1024)
    """
    return max(SMALLEST_CAPACITY, 1 << (slots - 1).bit_length())


def _one(number: int) -> np.ndarray:
    return np.array([number], np.int32)


def _empty_cache(model: Transformer, capacity: int) -> tuple[LayerCache, ...]:
    """Zeros from the host: `jnp.zeros` would compile a program in every process."""
    shapes = jax.eval_shape(lambda: model.init_cache(1, capacity))
    return jax.device_put(jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes))


@partial(jax.jit, donate_argnames="cache")
def _extend(
    model: Transformer,
    choose: Sampler,
    tokens: Int[Array, "1 T"],
    cache: tuple[LayerCache, ...],
    filled: Int[Array, "1"],
    real: Int[Array, "1"],
) -> tuple[Int[Array, "1 1"], tuple[LayerCache, ...]]:
    """Read `real` tokens (padded to T) behind `filled` slots; the token after them, and the cache."""
    hidden, cache = model.extend(tokens, cache, filled)
    last = jnp.take_along_axis(hidden, (real - 1)[:, None, None], axis=1)
    return choose(model.unembed(last)[:, 0], filled + real)[:, None], cache


@jax.jit
def _forward(model: Transformer, tokens: Int[Array, "1 T"]) -> Array:
    return model(tokens)
