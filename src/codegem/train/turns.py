"""Answers with what stands before them, as rows of arrays in which the answer alone is judged."""

from collections.abc import Sequence

import numpy as np

from codegem.text.chat import Turn, prompt_chat
from codegem.text.tokenizer import Tokenizer
from codegem.train.batches import Batch


def ids_of(turns: Sequence[Turn], answer: str, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """What a model reads up to an answer, and the answer with the `<end_of_turn>` behind it."""
    return prompt_chat(turns, tokenizer), [*tokenizer.encode(answer.strip()), tokenizer.special.end_of_turn]


def answer_row(prompt: Sequence[int], answer: Sequence[int], length: int, most: int) -> Batch:
    """An answer for `logprobs.token_logprobs`: tokens, positions and segment_ids [T], and of the answer alone [A].

    A target stands at each place of an answer, after the token at `places`; weights are 1 for those. So the logits of
    a long prompt are never computed. A prompt of two tokens, an answer of two, T = 6 and A = 3:

        tokens 2 5 7 1 0 0    segment_ids 1 1 1 1 0 0    places 1 2 0    targets 7 1 0    loss_weights 1 1 0

    Args:
        length: T, at least that of prompt and answer.
        most: A, at least that of the answer.
    """
    ids, count = [*prompt, *answer], len(answer)
    return {
        "tokens": np.pad(np.array(ids, np.int32), (0, length - len(ids))),
        "positions": np.arange(length, dtype=np.int32),
        "segment_ids": (np.arange(length) < len(ids)).astype(np.int32),
        "places": np.pad(np.arange(len(prompt) - 1, len(ids) - 1, dtype=np.int32), (0, most - count)),
        "targets": np.pad(np.array(answer, np.int32), (0, most - count)),
        "loss_weights": (np.arange(most) < count).astype(np.float32),
    }


def row_length(longest: int, most: int) -> int:
    """Tokens of a row that holds so many: a multiple of 32, as the kernels of training take them.

    >>> row_length(33, 320), row_length(400, 320)
    (64, 320)
    """
    return min(most, -(-longest // 32) * 32)
