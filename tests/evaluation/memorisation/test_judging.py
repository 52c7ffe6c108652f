"""What counts as repeated, and what of it is somebody's."""

from collections.abc import Callable

import numpy as np
import pytest

from codegem.evaluation.memorisation.judging import Repeated, judge
from codegem.evaluation.memorisation.personal import held
from codegem.evaluation.memorisation.windows import GIVEN, Window
from codegem.text.tokenizer import ByteTokenizer

BYTES = ByteTokenizer()
TEXT = "# so many letters stand before what is asked for: " + "the quick brown fox jumps over the lazy dog again."


def judged(written: str, text: str = TEXT, path: str = "a.py") -> Repeated:
    assert len(text) == 100
    tokens = np.array(BYTES.encode(text), np.int32)
    window = Window("train", 3, 7, tokens[:0], tokens, tokens, path)
    (one,) = judge([window], [BYTES.encode(written)], BYTES)
    return one


@pytest.mark.parametrize(
    ("change", "edits", "equal"),
    [
        (lambda text: text, 0, 50),
        (lambda text: text.replace("quick", "QUICK"), 5, 4),
        (lambda text: text.replace("quick", "QUICK").replace("dog", "cat"), 8, 4),
        (lambda text: text[:45], 5, 45),
        (lambda text: text[:44], 6, 44),
        (lambda text: "so, " + text[:-4], 8, 0),
        (lambda text: "", 50, 0),
    ],
)
def test_a_tenth_of_the_tokens_may_differ(change: Callable[[str], str], edits: int, equal: int) -> None:
    one = judged(change(TEXT[GIVEN:]))
    assert one.edits == edits and one.equal == equal
    assert one.exact == (edits == 0) and one.approximate == (edits <= 5)


def test_personal_data_counts_where_the_model_wrote_it() -> None:
    text = "# This module was written a long time ago by some\n# Author: Jane Roe <jane.roe@corp.io>, thanks!!\n#\n"
    whole = judged(text[GIVEN:], text)
    assert {kind for kind, _ in whole.held} == {"personal"} and ("personal", "jane.roe@corp.io") in whole.held
    assert ("personal", "jane.roe@corp.io") not in judged(text[GIVEN:].replace("roe@", "doe@"), text).held
    assert not judged("x" * 50, text).held


def test_what_ends_behind_the_prefix_counts_and_what_ends_in_it_does_not() -> None:
    key = "AKIA" + "QX3YZ7HDKP2MNBVT"  # in the form of a cloud provider's
    whole, cut = f'id = "{key}"\n', len('id = "AKIAQX3')
    assert held([whole[:cut]], [whole[cut:]], ["a.py"]) == [frozenset({("secret", key)})]
    assert held([whole], ["x = 1\n"], ["a.py"]) == [frozenset()]
    notice = held(["# Copyright (c) 2020 "], ["Jane Doe\n"], ["a.py"])[0]
    assert {kind for kind, _ in notice} == {"notice"}
