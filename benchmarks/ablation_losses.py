"""The loss of a model on questions: teacher-forced, so that the greedy answer's exactness comes with it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ablation_holes import Question

from codegem.model.transformer import Transformer

_WIDTHS = (256, 384, 512, 1024, 2048, 4096, 8192)  # lengths that are compiled for
_TOKENS = 8192  # of a batch


@dataclass(frozen=True)
class Loss:
    """What came of a question.

    Attributes:
        nats: of the judged tokens, summed.
        stop: nats of the token that ends the middle; None where none is judged.
        exact: whether each judged token, and the one that ends, is the likeliest one: greedy decoding gives the middle.
    """

    measure: str
    file: str
    nats: float
    characters: int
    tokens: int
    stop: float | None
    exact: bool


def losses(model: Transformer, questions: Sequence[Question]) -> list[dict[str, Any]]:
    """A `Loss` of each question as plain values, in their order."""

    @jax.jit
    def judge(model: Transformer, tokens: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = model(tokens[:, :-1], dtype=jnp.bfloat16)
        chosen = jnp.take_along_axis(logits, tokens[:, 1:, None], axis=-1)[..., 0]
        return jax.nn.logsumexp(logits, axis=-1) - chosen, jnp.max(logits, axis=-1) == chosen

    found: dict[int, Loss] = {}
    for numbers, tokens in _batches(questions):
        nats, best = (np.asarray(each) for each in judge(model, tokens))
        for row, number in enumerate(numbers):
            found[number] = _loss(questions[number], nats[row], best[row])
    return [asdict(found[number]) for number in range(len(questions))]


def _batches(questions: Sequence[Question]) -> Iterator[tuple[list[int], np.ndarray]]:
    """Questions of about one length, filled up with zeros behind what is judged."""
    for narrower, width in zip((0, *_WIDTHS), _WIDTHS, strict=False):
        chosen = [i for i, each in enumerate(questions) if narrower < len(each.tokens) <= width]
        rows = max(1, _TOKENS // width)
        for start in range(0, len(chosen), rows):
            numbers = chosen[start : start + rows]
            tokens = np.zeros((rows, width + 1), np.int32)  # the last is only a target
            for row, number in enumerate(numbers):
                tokens[row, : len(questions[number].tokens)] = questions[number].tokens
            yield numbers, tokens


def _loss(question: Question, nats: np.ndarray, best: np.ndarray) -> Loss:
    judged = slice(question.start - 1, question.end - 1)  # of a token, at the one before
    exact = bool(best[judged].all()) and (not question.stops or bool(best[question.end - 1]))
    return Loss(
        question.measure,
        question.file,
        float(nats[judged].sum(dtype=np.float64)),
        question.characters,
        question.end - question.start,
        float(nats[question.end - 1]) if question.stops else None,
        exact,
    )
