from collections.abc import Callable, Sequence

import jax
import numpy as np
import pytest

from codegem.errors import UserError
from codegem.inference import likelihood
from codegem.inference.likelihood import Likelihood
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer

CONFIG = ModelConfig(64, 2, 16, 2, 1, 8, 32, context_length=512)
HEAD = [2, *range(10, 50)]
ASKED = [
    # A shared head, and not equally many continuations behind it.
    *[
        ([*HEAD, 5 + item, *[6] * item], [7, *[9] * choice, item])
        for item in range(8)
        for choice in range(1 + item % 3)
    ],
    *[([2, 60 - item, *[4] * item], [8]) for item in range(6)],  # single tokens, of several lengths
    ([2], [20, 21, 22, 23]),  # a whole text
    ([2, *[30] * 70], [*[31] * 45]),  # read in several pieces
    ([*HEAD, 5], [7]),  # asked before
]


@pytest.fixture(scope="module")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    """A tiny one."""
    return random_model(CONFIG)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few tokens are several pieces, rows and chunks of logits, and few programs are compiled."""
    monkeypatch.setattr(likelihood, "PIECE", 48)
    monkeypatch.setattr(likelihood, "ROWS", 4)
    monkeypatch.setattr(likelihood, "_LENGTHS", (48,))
    monkeypatch.setattr(likelihood, "_LOGITS", 32 * CONFIG.vocab_size)


def test_sums_are_those_of_the_whole_sequence(model: Transformer) -> None:
    found = {index: (logprob, greedy) for index, logprob, greedy in Likelihood(model, pad=0).scores(ASKED)}
    assert len(found) == len(ASKED)
    longest = max(len(prefix) + len(continuation) for prefix, continuation in ASKED)
    tokens = np.zeros((len(ASKED), longest), np.int32)
    for row, (prefix, continuation) in enumerate(ASKED):
        tokens[row, : len(prefix) + len(continuation)] = [*prefix, *continuation]
    logprobs = np.asarray(jax.jit(lambda tokens: jax.nn.log_softmax(model(tokens)))(tokens))
    for row, (prefix, continuation) in enumerate(ASKED):
        at = range(len(prefix) - 1, len(prefix) + len(continuation) - 1)
        wanted = sum(float(logprobs[row, place, token]) for place, token in zip(at, continuation, strict=True))
        likeliest = [int(logprobs[row, place].argmax()) for place in at] == continuation
        assert found[row][0] == pytest.approx(wanted, abs=2e-4)
        assert found[row][1] == likeliest


def test_what_is_likeliest_is_said_to_be_greedy(model: Transformer) -> None:
    scorer = Likelihood(model, pad=0)
    found = {index: (logprob, greedy) for index, logprob, greedy in scorer.scores([([2, 10], [t]) for t in range(64)])}
    best = max(found, key=lambda token: found[token][0])
    assert [token for token, (_, greedy) in found.items() if greedy] == [best]
    both = {index: greedy for index, _, greedy in scorer.scores([([2, 10], [best, token]) for token in range(64)])}
    assert sum(both.values()) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [(([], [3]), "at least one token"), (([2], []), "at least one token"), (([2], [64]), "the token id 64")],
)
def test_a_request_that_makes_no_sense_is_refused(
    model: Transformer, asked: tuple[Sequence[int], Sequence[int]], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        list(Likelihood(model, pad=0).scores([asked]))
