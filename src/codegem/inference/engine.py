"""Text from one model on this machine.

The host decides (prompts, pieces, drafts, stopping) and the device computes (`programs`). A prompt goes on from
the longest beginning that a slot of the `PrefixCache` holds, in pieces of a few sizes; then come passes of one
token each, or of a token and a draft (`lookup`).

Whoever reads decides how long the work goes on: closing the iterator ends it with the pass at hand, and a request
that says it is cancelled ends in the middle of a long one as well. What was read by then is kept for the next request.
A pass is a piece of the prompt or a step of the answer.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import jax
import numpy as np

from codegem.errors import UserError
from codegem.generate import Chunk, Infill, Request, StopReason, never
from codegem.inference import pieces
from codegem.inference.answer import Answer
from codegem.inference.lookup import Lookup
from codegem.inference.prefix_cache import PrefixCache
from codegem.inference.programs import Arrays, Programs
from codegem.inference.rows import Text
from codegem.inference.sampling import Greedy, Sampler, sampler
from codegem.inference.scheduler import Scheduler
from codegem.inference.session import Cancelled, Counts, Session
from codegem.inference.slots import slot_for
from codegem.model.fused import FusedTransformer
from codegem.model.transformer import Transformer
from codegem.text import fim
from codegem.text.tokenizer import Tokenizer

CACHE_BYTES = 1 << 30
# Below this a step takes about as long as the host needs for it, so that the next one is asked for before the
# token is read; a draft can't be made then, and would save nothing.
LOOKUP_PARAMETERS = 100_000_000


class Engine:
    """Fulfils `codegem.generate.TextSource`, and gives token ids and logits.

    Args:
        order: the layout of prompts with a hole.
        cache_bytes: that keys and values of earlier requests may take; 0 keeps none. The slot used last stays
            even if it alone is larger.
        lookup: whether to draft tokens from text at hand; by default where a step is slow enough for it to pay.

    Attributes:
        counts: for whoever watches.

    Example:
        >>> from codegem.model.config import ModelConfig
        >>> from codegem.text.tokenizer import ByteTokenizer
        >>> config = ModelConfig(266, 1, 8, 1, 1, 8, 16, context_length=64)
        >>> engine = Engine(Transformer.init(config, jax.random.key(0)), ByteTokenizer())
        >>> len(list(engine.stream([2, 67, 10], max_tokens=5)))
        5
    """

    def __init__(
        self,
        model: Transformer | FusedTransformer,
        tokenizer: Tokenizer,
        *,
        name: str = "model",
        order: fim.Order = fim.Order.PSM,
        cache_bytes: int = CACHE_BYTES,
        lookup: bool | None = None,
    ):
        self.name = name
        self.order = order
        self.tokenizer = tokenizer
        self.model = jax.device_put(model)
        self.counts = Counts()
        self._programs = Programs(self.model)
        self._kept = PrefixCache[Arrays](cache_bytes)
        self._lookup = model.config.parameters >= LOOKUP_PARAMETERS if lookup is None else lookup
        self._stop_ids = fim.stop_ids(tokenizer)

    @property
    def context_length(self) -> int:
        """How many tokens a prompt and its answer may have together."""
        return self.model.config.context_length

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        """Chunks of each request; `TextSource` says the rest. Several requests are worked on side by side."""
        if len(requests) == 1:
            yield from self._alone(requests[0])
        else:
            yield from self._together(requests)

    def stream(
        self,
        prompt: Sequence[int],
        *,
        max_tokens: int,
        choose: Sampler | None = None,
        stop_ids: frozenset[int] = frozenset(),
        reference: Sequence[int] = (),
    ) -> Generator[int]:
        """Token ids after `prompt` as they are made; closing the iterator ends the work.

        Args:
            prompt: ids as they are; no BOS is added.
            choose: from `sampling.sampler`; greedy by default.
            stop_ids: the stream ends before the first of these.
            reference: other text that the answer may repeat. The model does not read it, and it changes no
                token: it is looked through for drafts.

        Raises:
            UserError: the prompt is empty, holds an unknown id, or leaves no room for `max_tokens`.
        """
        return _flat(self._start(list(prompt), max_tokens, choose or Greedy(), stop_ids, reference))

    def ids(self, prompt: str | Infill) -> list[int]:
        """What the model reads of a prompt."""
        if isinstance(prompt, str):
            return [self.tokenizer.special.bos, *self.tokenizer.encode(prompt)]
        return fim.prompt(
            prompt.prefix, prompt.suffix, self.tokenizer, path=prompt.path, context=prompt.context, order=self.order
        )

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Float32 logits [T, V] of the token after each of T ids."""
        self._check(ids)
        cache = self._programs.cache(pieces.capacity(len(ids)))
        found = np.empty((len(ids), self.model.config.vocab_size), np.float32)
        size = pieces.LARGE[0]
        for start in range(0, len(ids), size):
            part = np.asarray(ids[start : start + size], np.int32)
            padded = np.pad(part, (0, size - len(part)), constant_values=self.tokenizer.special.pad)[None]
            logits, cache = self._programs.logits(cache, padded, start)
            found[start : start + size] = logits[: len(part)]
        return found

    def _alone(self, request: Request) -> Generator[Chunk]:
        choose = sampler(request.temperature, request.top_p, request.seed)
        answer, prompt = Answer(0, request, self.tokenizer), self.ids(request.prompt)
        started = self._start(prompt, request.max_tokens, choose, self._stop_ids, cancelled=request.cancelled)
        try:
            with closing(started) as passes:
                for tokens in passes:
                    if request.cancelled():
                        raise Cancelled
                    if not tokens:
                        yield answer.nothing()
                    for token in tokens:
                        chunk = answer.push(token)
                        yield chunk
                        if chunk.stop_reason:
                            return
        except Cancelled:
            yield answer.end(StopReason.CANCELLED)
            return
        yield answer.end()

    def _together(self, requests: Sequence[Request]) -> Generator[Chunk]:
        texts = [self._text(index, request) for index, request in enumerate(requests)]
        pad = self.tokenizer.special.pad
        scheduler = Scheduler(self._programs, self._kept, pad, self._stop_ids, self.counts)
        for text in texts:
            scheduler.submit(text)
        try:
            while not scheduler.is_idle:
                yield from scheduler.round()
        finally:
            scheduler.close()

    def _text(self, index: int, request: Request) -> Text:
        """A request as the scheduler wants it, once it is checked."""
        choose = sampler(request.temperature, request.top_p, request.seed)
        prompt, answer = self.ids(request.prompt), Answer(index, request, self.tokenizer)
        self._check(prompt, request.max_tokens)
        return Text(prompt, request.max_tokens, choose, answer, request.cancelled)

    def _start(
        self,
        prompt: list[int],
        max_tokens: int,
        choose: Sampler,
        stop_ids: frozenset[int],
        reference: Sequence[int] = (),
        cancelled: Callable[[], bool] = never,
    ) -> Generator[list[int]]:
        """New tokens of each pass over a prompt, once it is checked."""
        self._check(prompt, max_tokens)
        lookup = None
        if self._lookup:
            lookup = Lookup(fim.cursor_last(prompt, self.tokenizer), reference, self._stop_ids)
        return self._passes(prompt, max_tokens, choose, stop_ids, lookup, cancelled)

    def _passes(
        self,
        prompt: list[int],
        max_tokens: int,
        choose: Sampler,
        stop_ids: frozenset[int],
        lookup: Lookup | None,
        cancelled: Callable[[], bool],
    ) -> Generator[list[int]]:
        """The passes of a session; its slot is kept if they end, or nobody wants the rest, and no error came."""
        slot = slot_for(self._programs, self._kept, prompt, pieces.capacity(len(prompt) + max_tokens))
        session = Session(self._programs, slot, choose, self.tokenizer.special.pad, self.counts, cancelled)
        try:
            yield from session.passes(prompt, max_tokens, stop_ids, lookup)
        except (GeneratorExit, Cancelled):
            self._kept.put(slot)
            raise
        self._kept.put(slot)

    def _check(self, prompt: Sequence[int], max_tokens: int | None = None) -> None:
        if max_tokens is not None and max_tokens < 1:
            raise UserError(f"max_tokens is {max_tokens}; it must be at least 1.")
        vocabulary, context = self.model.config.vocab_size, self.context_length
        if not len(prompt):
            raise UserError("The prompt is empty; give at least one token, such as <bos>.")
        if unknown := [token for token in prompt if not 0 <= token < vocabulary]:
            raise UserError(f"The prompt holds the token id {unknown[0]}; the model knows 0 to {vocabulary - 1}.")
        if len(prompt) + (max_tokens or 0) > context:
            raise UserError(
                f"The prompt has {len(prompt)} tokens and {max_tokens or 0} more are asked for; together the model "
                f"takes {context}. Shorten the prompt or ask for fewer."
            )


def _flat(passes: Generator[list[int]]) -> Generator[int]:
    with closing(passes):
        for tokens in passes:
            yield from tokens
