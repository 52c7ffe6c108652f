"""Many sequences side by side go on as each does alone."""

from collections.abc import Callable

import numpy as np
import pytest

from codegem.errors import UserError
from codegem.inference.continuing import Continuing
from codegem.inference.engine import Engine

from .conftest import CONFIG


def test_sequences_of_any_length_go_on_as_alone_and_end_as_the_model_ends_them(
    make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make()
    numbers = np.random.default_rng(0)
    sequences = [numbers.integers(10, 266, length).tolist() for length in (1, 31, 60, 33)]
    alone = [list(engine.stream(each, max_tokens=14)) for each in sequences]
    continuing = Continuing(engine)
    monkeypatch.setattr(continuing, "_ends", frozenset())
    assert list(continuing.after(sequences, 14)) == alone
    end = alone[1][5]
    monkeypatch.setattr(continuing, "_ends", frozenset({end}))
    expected = [each[: each.index(end)] if end in each else each for each in alone]
    assert list(continuing.after(sequences, 14)) == expected and len(expected[1]) < 6


@pytest.mark.parametrize(("sequence", "count"), [([], 1), ([266], 1), ([2] * 90, CONFIG.context_length - 89)])
def test_what_a_model_can_not_read_is_refused(make: Callable[..., Engine], sequence: list[int], count: int) -> None:
    with pytest.raises(UserError):
        list(Continuing(make()).after([sequence], count))
    assert list(Continuing(make()).after([], 5)) == []
