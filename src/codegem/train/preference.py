"""Direct preference optimization (DPO, Rafailov et al., arXiv 2305.18290): of two answers the better one, by a loss.

    {"prompt": "Why?", "chosen": "Because.", "rejected": "I don't know."}

`prompt` is a question, or the messages of a conversation. With π the model that is trained and π₀ the one that the run
begins with, the loss of a pair is

    -ln σ(β · margin),    margin = ln π(chosen) - ln π₀(chosen) - ln π(rejected) + ln π₀(rejected)

where an answer's probability is that of its tokens and of the `<end_of_turn>` behind them. What π₀ says is computed
once, before the first step, and kept in OUT/reference.safetensors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from codegem.errors import UserError
from codegem.model.transformer import Transformer
from codegem.text.chat import Turn
from codegem.text.tokenizer import Tokenizer
from codegem.train.batches import Batch
from codegem.train.json_lines import text_of, turns_before
from codegem.train.logprobs import INPUTS, token_logprobs
from codegem.train.recipe import TrainRecipe
from codegem.train.step import Join
from codegem.train.turns import answer_row, ids_of, row_length


@dataclass(frozen=True)
class Preference:
    """A conversation up to a question, the better answer and the worse."""

    turns: tuple[Turn, ...]
    chosen: str
    rejected: str


@dataclass(frozen=True)
class PreferenceLoss:
    """DPO's objective; a row is a pair.

    Of a batch it takes what `turns.answer_row` gives of both answers, the chosen one first, on an axis behind that of
    the rows, the weights of tokens under the name `learned`; `reference` [B, 2], what π₀ says of the two; and
    `loss_weights` [B], 1 for a pair.

    Attributes:
        beta: how dear it is to leave π₀; the paper has 0.1 to 0.5.
    """

    beta: float = 0.1

    def __call__(
        self, model: Transformer, batch: Mapping[str, Any], recipe: TrainRecipe
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The weighted loss, and with the same weights the margin and whether it is above 0."""
        change = answer_logprobs(model, batch, recipe) - batch["reference"]
        margin = change[:, 0] - change[:, 1]
        weights = batch["loss_weights"]
        told = {
            "margin": jnp.sum(weights * margin),
            "accuracy": jnp.sum(weights * (margin > 0)),
            "chosen_change": jnp.sum(weights * change[:, 0]),
        }
        return jnp.sum(weights * -jax.nn.log_sigmoid(self.beta * margin)), told


def read_preference(row: Mapping[str, Any]) -> Preference:
    """A pair of a row of JSON lines.

    >>> read_preference({"prompt": "Why?", "chosen": "Because.", "rejected": "No."}).chosen
    'Because.'

    Raises:
        UserError: the row is none.
    """
    pair = Preference(turns_before(row), text_of(row, "chosen").strip(), text_of(row, "rejected").strip())
    if pair.chosen == pair.rejected:
        raise UserError("'chosen' and 'rejected' are the same; leave the line out.")
    return pair


def preference_rows(pairs: Sequence[Preference], tokenizer: Tokenizer, most: int) -> list[Batch]:
    """Pairs as rows for `PreferenceLoss`, without what the reference says of them.

    Args:
        most: tokens that the model takes; the rows are as long as the longest answer needs.

    Raises:
        UserError: an answer with what stands before it is longer.
    """
    both = [[ids_of(pair.turns, text, tokenizer) for text in (pair.chosen, pair.rejected)] for pair in pairs]
    longest = [max(len(prompt) + len(answer) for prompt, answer in pair) for pair in both]
    if max(longest) > most:
        number = longest.index(max(longest))
        raise UserError(
            f"Pair {number + 1} has {longest[number]} tokens, and the model takes {most}: leave it out or shorten it."
        )
    length = row_length(max(longest), most)
    answers = row_length(max(len(answer) for pair in both for _, answer in pair), length)
    rows = []
    for pair in both:
        chosen, rejected = (answer_row(prompt, answer, length, answers) for prompt, answer in pair)
        row = {name: np.stack([chosen[name], rejected[name]]) for name in chosen}
        row["learned"] = row.pop("loss_weights")
        rows.append(row | {"loss_weights": np.float32(1)})
    return rows


def answer_logprobs(model: Transformer, batch: Mapping[str, Any], recipe: TrainRecipe) -> Float[Array, "B 2"]:
    """ln of the probability of each answer of some pairs."""
    flat = {name: batch[name].reshape(-1, batch[name].shape[-1]) for name in INPUTS}
    learned = batch["learned"]
    return jnp.sum(token_logprobs(model, flat, recipe).reshape(learned.shape) * learned, axis=-1)


def with_reference(
    rows: Sequence[Batch],
    trained: PyTree,
    recipe: TrainRecipe,
    cache: Path,
    key: str,
    join: Join | None = None,
    frozen: PyTree = None,
) -> None:
    """Write into the rows what the reference says of them, computed a micro-batch at a time, or read from the cache.

    Args:
        trained: as it is before the first step, with `join` and `frozen` as in `step.make_step`.
        cache: a file of safetensors; one of another `key` is made anew.
        key: hash of what decides the values: the pairs and the weights.

    Raises:
        UserError: the file can't be written.
    """
    values = _cached(cache, key, len(rows))
    if values is None:

        @jax.jit
        def said(trained: PyTree, frozen: PyTree, part: Batch) -> Array:
            return answer_logprobs(trained if join is None else join(trained, frozen), part, recipe)

        parts = [np.asarray(said(trained, frozen, part)) for part in in_batches(rows, recipe.micro_batch)]
        values = np.concatenate(parts)[: len(rows)]
        _keep(cache, key, values)
    for pair, value in zip(rows, values, strict=True):
        pair["reference"] = value


def in_batches(rows: Sequence[Batch], size: int) -> list[Batch]:
    """Rows in their order, the last batch filled up with rows that count nothing."""
    batches = []
    for start in range(0, len(rows), size):
        part = list(rows[start : start + size])
        empty = {name: np.zeros_like(value) for name, value in part[0].items()}
        part += [empty] * (size - len(part))
        batches.append({name: np.stack([row[name] for row in part]) for name in empty})
    return batches


def _cached(cache: Path, key: str, count: int) -> np.ndarray | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(cache, framework="numpy") as file:
            if (file.metadata() or {}).get("key") != key:
                return None
            values = file.get_tensor("reference")
    except (OSError, SafetensorError):
        return None
    return values if values.shape == (count, 2) and np.isfinite(values).all() else None


def _keep(cache: Path, key: str, values: np.ndarray) -> None:
    from safetensors.numpy import save

    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        new = cache.with_name(cache.name + ".new")
        new.write_bytes(save({"reference": values}, {"key": key}))
        new.replace(cache)
    except OSError as error:
        raise UserError(f"{cache} can't be written: {error.strerror}; choose another --out or make room.") from None
