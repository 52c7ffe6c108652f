"""Text from one model on this machine.

The host decides (prompts, pieces, drafts, stopping) and the device computes (`programs`). A prompt goes on from
the longest beginning that a slot of the `PrefixCache` holds, in pieces of a few sizes; then come passes of one
token each, or of a token and a draft (`lookup`).

Whoever reads decides how long the work goes on: closing the iterator ends it with the pass at hand, and a request
that says it is cancelled ends in the middle of a long one as well. What was read by then is kept for the next request.
A pass is a piece of the prompt or a step of the answer.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import jax
import numpy as np

from codegem.errors import UserError
from codegem.generate import Chunk, Conversation, Infill, Request, StopReason
from codegem.inference import pieces, solo
from codegem.inference.answer import Answer
from codegem.inference.prefix_cache import PrefixCache
from codegem.inference.programs import Arrays, Programs
from codegem.inference.prompts import check_ids, prompt_ids
from codegem.inference.sampling import Greedy, Sampler, sampler
from codegem.inference.scheduler import Scheduler
from codegem.inference.session import Cancelled, Counts
from codegem.inference.shared import Shared
from codegem.inference.texts import Text
from codegem.model.fused import FusedTransformer
from codegem.model.transformer import Transformer
from codegem.text import chat, fim
from codegem.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from codegem.inference.copies import CopyLimit

CACHE_BYTES = 1 << 30
# Below this a step takes about as long as the host needs for it, so that the next one is asked for before the
# token is read; a draft can't be made then, and would save nothing.
LOOKUP_PARAMETERS = 100_000_000
# The host takes a tenth of a millisecond to ask for a step, which shows where a step takes half of one. So `Service`
# asks for some at once; not for more, because a text ends within them and others wait.
STRIDE = 4
STRIDE_PARAMETERS = 40_000_000
MOST_LIKELIEST = 100  # tokens that are named beside each one


class Engine:
    """Fulfils `codegem.generate.TextSource`, and gives token ids and logits.

    Args:
        order: the layout of prompts with a hole.
        cache_bytes: that keys and values of earlier requests may take; 0 keeps none. The slot used last stays
            even if it alone is larger.
        lookup: whether to draft tokens from text at hand; by default where a step is slow enough for it to pay.
        copies: how much of one source a text may repeat; it ends with `StopReason.COPIED` before it shows more. Token
            ids that `stream` gives are held to nothing.

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
        copies: "CopyLimit | None" = None,
    ):
        self.name = name
        self.copies = copies
        self.order = order
        self.tokenizer = tokenizer
        self.model = jax.device_put(model)
        self.counts = Counts()
        self._stop_ids, self._chat_stop_ids = fim.stop_ids(tokenizer), chat.stop_ids(tokenizer)
        parameters = model.config.parameters
        self.shared = Shared(
            Programs(self.model),
            PrefixCache[Arrays](cache_bytes),
            tokenizer,
            self.counts,
            parameters >= LOOKUP_PARAMETERS if lookup is None else lookup,
            max(1, min(STRIDE, STRIDE_PARAMETERS // parameters)),
            model.config.vocab_size,
        )

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
        return _flat(self._passes(list(prompt), max_tokens, choose or Greedy(), stop_ids, reference))

    def ids(self, prompt: str | Infill | Conversation) -> list[int]:
        """What the model reads of a prompt.

        Raises:
            UserError: a path of several lines; a conversation whose turns do not alternate, or that does not end with
                a question.
        """
        return prompt_ids(prompt, self.tokenizer, self.order)

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Float32 logits [T, V] of the token after each of T ids."""
        self._check(ids)
        cache = self.shared.programs.cache(pieces.capacity(len(ids)))
        found = np.empty((len(ids), self.model.config.vocab_size), np.float32)
        size = pieces.LARGE[0]
        for start in range(0, len(ids), size):
            part = np.asarray(ids[start : start + size], np.int32)
            padded = np.pad(part, (0, size - len(part)), constant_values=self.tokenizer.special.pad)[None]
            logits, cache = self.shared.programs.logits(cache, padded, start)
            found[start : start + size] = logits[: len(part)]
        return found

    def text(self, index: int, request: Request, tell: Callable[[Chunk | Exception], object]) -> Text:
        """A request as it is worked on, once it is checked; from any thread.

        Args:
            tell: gets what becomes of it, from the thread that works.

        Raises:
            UserError: the request can't be met.
        """
        choose = sampler(request.temperature, request.top_p, request.seed, request.top_k)
        prompt = self.ids(request.prompt)
        self._check(prompt, request.max_tokens)
        if request.probabilities is not None and not 0 <= request.probabilities <= MOST_LIKELIEST:
            raise UserError(f"probabilities is {request.probabilities}; it must be from 0 to {MOST_LIKELIEST}.")
        return Text(
            prompt,
            request.max_tokens,
            choose,
            Answer(index, request, self.tokenizer, len(prompt), self.copies.guard() if self.copies else None),
            tell,
            request.cancelled,
            self._chat_stop_ids if isinstance(request.prompt, Conversation) else self._stop_ids,
            request.begin.encode() if request.max_tokens else b"",
            request.probabilities if request.max_tokens else None,
        )

    def scheduler(self, *, interactive: bool = False) -> Scheduler:
        """What runs many texts of this engine; `Scheduler` says the rest."""
        return Scheduler(self.shared, interactive=interactive)

    def _alone(self, request: Request) -> Generator[Chunk]:
        chunks: list[Chunk | Exception] = []
        text = self.text(0, request, chunks.append)
        try:
            with closing(solo.passes(self.shared, text, text.cancelled)) as passes:
                for tokens in passes:
                    if text.cancelled():
                        raise Cancelled
                    for token in tokens:
                        text.push([token])
                        yield from _taken(chunks)
                    if not tokens:
                        text.nothing()
                    yield from _taken(chunks)
                    if not text.answer:
                        return
        except Cancelled:
            text.end(StopReason.CANCELLED)
        text.end()
        yield from _taken(chunks)

    def _together(self, requests: Sequence[Request]) -> Generator[Chunk]:
        chunks: list[Chunk | Exception] = []
        texts = [self.text(index, request, chunks.append) for index, request in enumerate(requests)]
        scheduler = self.scheduler()
        for text in texts:
            scheduler.submit(text)
        try:
            while not scheduler.is_idle:
                scheduler.round()
                yield from _taken(chunks)
        finally:
            scheduler.close()

    def _passes(
        self,
        prompt: list[int],
        max_tokens: int,
        choose: Sampler,
        stop_ids: frozenset[int] = frozenset(),
        reference: Sequence[int] = (),
    ) -> Generator[list[int]]:
        """New tokens of each pass over a prompt, once it is checked."""
        self._check(prompt, max_tokens, least=1)
        return solo.tokens(self.shared, prompt, max_tokens, choose, stop_ids, reference)

    def _check(self, prompt: Sequence[int], max_tokens: int = 0, least: int = 0) -> None:
        if max_tokens < least:
            raise UserError(f"max_tokens is {max_tokens}; it must be at least {least}.")
        check_ids(prompt, max_tokens, self.model.config.vocab_size, self.context_length)


def _flat(passes: Generator[list[int]]) -> Generator[int]:
    with closing(passes):
        for tokens in passes:
            yield from tokens


def _taken(chunks: list[Chunk | Exception]) -> Iterator[Chunk]:
    """The chunks that have come; the list is empty then.

    Raises:
        Exception: one of them was one.
    """
    come = chunks[:]
    chunks.clear()
    for chunk in come:
        if isinstance(chunk, Exception):
            raise chunk
        yield chunk
