import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.tracing.tokens import begins, spans
from codegem.data.tracing.visible import Visible

TEXTS = st.text(alphabet="aBz_(=.1 \n\té漢,", max_size=60)


@given(TEXTS)
def test_spans_are_in_order_hold_no_blank_and_cover_all_else(text: str):
    found = [tuple(span) for span in spans(text).tolist()]
    assert found == sorted(found)
    covered = {place for start, end in found for place in range(start, end)}
    assert covered == {place for place, character in enumerate(text) if not character.isspace()}


@given(TEXTS)
def test_spans_are_counted_as_copies_are(text: str):
    assert len(spans(text)) == Visible.of(text.encode()).tokens[-1]


def test_what_one_token_is():
    text = "readHTTPLines(x1) += __init__documentation\t42 é"
    assert [text[start:end] for start, end in spans(text)] == [
        *("read", "HTTPLi", "nes", "(", "x", "1", ")", "+=", "__", "init", "__", "docume", "ntatio", "n"),
        *("4", "2", "é", "é"),  # a byte each
    ]


def test_blanks_end_a_run_of_letters():
    raw = np.frombuffer(b"abc abc", np.uint8)
    assert np.flatnonzero(begins(raw) & (raw > 32)).tolist() == [0, 4]
