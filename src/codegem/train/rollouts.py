"""Answers of the model that is trained, written by the engine, as rows of arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax.numpy as jnp

from codegem.errors import UserError
from codegem.generate import Conversation, Request
from codegem.inference.engine import Engine
from codegem.inference.texts import Text
from codegem.model.fused import fuse
from codegem.model.transformer import Transformer, cast
from codegem.text.chat import prompt_chat
from codegem.text.tokenizer import Tokenizer
from codegem.train.rewards import Task


@dataclass(frozen=True)
class Rollout:
    """An answer as it was drawn.

    Attributes:
        prompt: ids that the model read.
        answer: ids that it drew, the stop id that ended it included.
        text: of the answer.
        ended: whether it ended by itself, and was not cut at the limit.
    """

    prompt: list[int]
    answer: list[int]
    text: str
    ended: bool


def engine_of(model: Transformer, tokenizer: Tokenizer) -> Engine:
    """The engine of these weights, in bfloat16. One of new weights uses the programs of the one before."""
    return Engine(fuse(cast(model, jnp.bfloat16)), tokenizer, lookup=False)


def roll_out(
    engine: Engine,
    tasks: Sequence[Task],
    seeds: Sequence[int] | None,
    max_tokens: int,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Rollout] | None:
    """An answer to each task, side by side; None where a stop was asked for.

    Args:
        seeds: of the answers, drawn at temperature 1 from all tokens; None takes the likeliest token each time.

    Raises:
        UserError: a question leaves no room for an answer of `max_tokens`.
    """
    texts, chunks = [], [[] for _ in tasks]
    for place, task in enumerate(tasks):
        drawn = {} if seeds is None else {"temperature": 1.0, "seed": seeds[place]}
        request = Request(Conversation(task.turns), max_tokens, **drawn)
        texts.append(engine.text(place, request, chunks[place].append))
    scheduler = engine.scheduler()
    for text in texts:
        scheduler.submit(text)
    try:
        while not scheduler.is_idle:
            if stopped():
                return None
            scheduler.round()
    finally:
        scheduler.close()
    return [_rollout(text, "".join(chunk.text for chunk in told)) for text, told in zip(texts, chunks, strict=True)]


def longest_of(tasks: Sequence[Task], tokenizer: Tokenizer, most: int, max_tokens: int) -> int:
    """Tokens of the longest question with an answer of `max_tokens`.

    Raises:
        UserError: the model does not take so many, but `most`.
    """
    longest = max(len(prompt_chat(task.turns, tokenizer)) for task in tasks) + max_tokens
    if longest > most:
        raise UserError(
            f"The longest question and an answer of max_tokens {max_tokens} have {longest} tokens, and the model takes "
            f"{most}: leave the question out, or set fewer max_tokens."
        )
    return longest


def _rollout(text: Text, shown: str) -> Rollout:
    ending = [] if text.stopped_by is None else [text.stopped_by]
    return Rollout(text.prompt, [*text.made, *ending], shown, bool(ending))
