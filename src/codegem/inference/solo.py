"""One text in a slot of its own: the only one there is, or one whose logits have to be looked at."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from jaxtyping import Float

from codegem.generate import Token, never
from codegem.inference import pieces
from codegem.inference.prefix_cache import Slot
from codegem.inference.programs import Arrays
from codegem.inference.sampling import Sampler
from codegem.inference.session import Cancelled, Session
from codegem.inference.shared import Shared
from codegem.inference.slots import slot_for
from codegem.inference.texts import Text


def passes(shared: Shared, text: Text, cancelled: Callable[[], bool] = never, stride: int = 1) -> Generator[list[int]]:
    """The new tokens of each pass over a text, which are to be pushed to it before the next one is asked for.

    A text that is given up is gone on with from what its slot holds.

    Args:
        cancelled: asked while a long pass runs.
        stride: tokens that are asked for at once where none is drafted.

    Raises:
        Cancelled: in the middle of the prompt.
    """
    with _slot(shared, text.read, text.positions, len(text.prompt)) as slot:
        text.begins(len(slot.tokens))
        session = Session(shared.programs, slot, text.sampler, shared.pad, shared.counts, cancelled, stride)
        if not text.max_tokens:
            yield from session.read(text.prompt)
        if text.left and text.is_looked_at:
            yield from _looked_at(shared, session, text)
        if text.answer and text.left:
            yield from session.passes(text.read, text.left, text.stop_ids, shared.drafts(text.prompt, made=text.made))


def tokens(
    shared: Shared,
    prompt: Sequence[int],
    max_tokens: int,
    choose: Sampler,
    stop_ids: frozenset[int],
    reference: Sequence[int] = (),
) -> Generator[list[int]]:
    """The same of token ids that are no request's, and that nobody cancels; `Engine.stream` says the rest."""
    with _slot(shared, prompt, len(prompt) + max_tokens, len(prompt)) as slot:
        session = Session(shared.programs, slot, choose, shared.pad, shared.counts)
        yield from session.passes(prompt, max_tokens, stop_ids, shared.drafts(prompt, reference))


@contextmanager
def _slot(shared: Shared, read: Sequence[int], positions: int, prompt_length: int) -> Iterator[Slot[Arrays]]:
    """A slot for the time of some passes; kept if they end, or nobody wants the rest, and no error came."""
    slot = slot_for(shared.programs, shared.kept, read, pieces.capacity(positions))
    slot.prompt_length = prompt_length
    try:
        yield slot
    except (GeneratorExit, Cancelled):
        shared.kept.put(slot)
        raise
    shared.kept.put(slot)


def _looked_at(shared: Shared, session: Session, text: Text) -> Generator[list[int]]:
    """A token a pass, chosen among those that fit and judged as it was asked for, as long as either is wanted."""
    if len(text.read) > 1:
        yield from session.read(text.read[:-1])
    while text.answer and text.left and text.is_looked_at:
        logits = session.look(text.read[-1])
        allowed = shared.spellings.only_fitting(logits, text.begin) if text.begin else logits
        token = shared.programs.pick(text.sampler, allowed, len(text.read))
        text.begin = text.begin[len(shared.tokenizer.piece_bytes(token)) :]
        text.judged = _judged(shared, text, logits, token)
        yield [token]


def _judged(shared: Shared, text: Text, logits: Float[np.ndarray, "V"], token: int) -> Token | None:
    """How likely a token was, and the likeliest others, whatever the temperature."""
    if text.likeliest is None:
        return None
    wide = logits.astype(np.float64)
    wide -= wide.max()
    wide -= np.log(np.exp(wide).sum())
    count = min(text.likeliest + 1, len(wide))
    first = np.argpartition(-wide, count - 1)[:count]
    others = [other for other in first[np.argsort(-wide[first], kind="stable")].tolist() if other != token]

    def name(token: int) -> str:
        return shared.tokenizer.piece_bytes(token).decode(errors="replace")

    likeliest = tuple((name(other), float(wide[other])) for other in others[: text.likeliest])
    return Token(name(token), float(wide[token]), likeliest)
