"""Stop strings in text that comes in parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.inference.stop_strings import StopStrings


@given(
    pieces=st.lists(st.text("ab\n", max_size=4), max_size=12),
    strings=st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3),
)
def test_stop_strings_cut_where_the_whole_text_would_be_cut(pieces: list[str], strings: list[str]):
    """The stream ends with the first piece that completes a stop string, and gives what stands before it."""
    stream, shown, seen = StopStrings(strings), "", ""
    for piece in pieces:
        if stream.found:
            break
        shown, seen = shown + stream.push(piece), seen + piece
        assert seen.startswith(shown)
    if not stream.found:
        shown += stream.flush()
    ends = [seen.index(string) for string in strings if string in seen]
    assert stream.found == bool(ends)
    assert shown == seen[: min(ends, default=len(seen))]


def test_only_what_may_begin_a_stop_string_is_held_back():
    stream = StopStrings(["END"])
    assert [stream.push(text) for text in ("xE", "N", "N")] == ["x", "", "ENN"]


def test_an_empty_stop_string_is_refused():
    with pytest.raises(UserError, match="empty"):
        StopStrings(["a", ""])
