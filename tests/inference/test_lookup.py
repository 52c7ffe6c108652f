"""Guesses as plain lists."""

from hypothesis import given
from hypothesis import strategies as st

from codegem.inference.lookup import LONGEST_MATCH, Lookup
from codegem.inference.pieces import DRAFT_PASSES

MOST = max(DRAFT_PASSES) - 1
TOKENS = st.lists(st.integers(0, 4), max_size=30)
BIG = 255_999, 0xD800, 0x10FFFF  # as characters: far up, half of a pair, and the last one there is


def test_what_followed_before_is_the_guess():
    text = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6]
    assert Lookup(text).draft(left=50) == [7, 8, 9, 10, 11, 12, 1]


def test_the_longest_end_counts_and_then_the_latest_place():
    assert Lookup([1, 2, 3, 7, 9, 2, 3, 8, 1, 2, 3]).free_draft(9, 1) == [7]
    assert Lookup([2, 3, 7, 9, 2, 3, 8, 1, 2, 3]).free_draft(9, 1) == [8]


def test_a_text_that_goes_round_is_taken_to_go_on():
    assert Lookup([9, 1, 2, 3, 1, 2, 3, 1, 2, 3]).draft(50) == [1, 2, 3, 1, 2, 3, 1]
    assert Lookup([7] * 10).draft(50) == [7] * 7


def test_nothing_known_is_no_guess():
    assert Lookup([]).draft(50) == []
    assert Lookup([1]).draft(50) == []
    assert Lookup([1, 2, 3]).draft(50) == []


def test_no_more_than_is_wanted():
    text = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6]
    assert Lookup(text).draft(left=1) == []
    assert Lookup(text).draft(left=3) == [7, 8]
    assert Lookup(text).draft(left=50, most=1) == [7]


def test_a_token_that_ends_an_answer_ends_a_guess():
    assert Lookup([1, 2, 3, 4, 5, 1, 2], never=frozenset([4])).draft(50) == [3]


def test_the_reference_is_looked_at_where_the_text_has_nothing():
    assert Lookup([1, 2, 3], reference=[5, 2, 3, 4, 6]).free_draft(9, 2) == [4, 6]
    assert Lookup([3, 9, 1, 2, 3], reference=[5, 2, 3, 4, 6]).free_draft(9, 1) == [9]


def test_what_was_written_is_known():
    lookup = Lookup([1, 2, 3])
    lookup.add([7, 8, 2, 3])
    assert lookup.free_draft(9, 2) == [7, 8]


def test_bad_guesses_are_given_up_and_good_ones_trusted():
    """One token in common is a poor hint: after some failures it is not followed any more."""
    lookup, offered = Lookup([1, 2]), 0
    for token in range(100, 200):
        drafted = len(lookup.draft(50))
        offered += drafted > 0
        lookup.add([token, 1], drafted, accepted=0)
    assert 1 <= offered <= 12
    trusted = Lookup([1, 2, 1])
    assert len(trusted.draft(50)) == 3
    for _ in range(20):
        trusted.add([2, 1], drafted=3, accepted=3)
    assert len(trusted.draft(50)) == 7


def test_every_token_id_is_a_character():
    text = [*BIG, 5, *BIG]
    assert Lookup(text).draft(50)[:2] == [5, BIG[0]]


@given(TOKENS, TOKENS, st.integers(1, 12), st.lists(TOKENS, max_size=4))
def test_a_guess_follows_an_end_of_the_text_somewhere(
    text: list[int], reference: list[int], left: int, written: list[list[int]]
):
    lookup = Lookup(text, reference)
    for tokens in written:
        guess = lookup.draft(left)
        assert len(guess) <= min(MOST, left - 1)
        if guess:
            assert any(
                place[at : at + length] == text[-length:] and place[at + length] == guess[0]
                for place in (text, reference)
                for length in range(1, LONGEST_MATCH + 1)
                for at in range(len(place) - length)
            )
        lookup.add(tokens, len(guess), 0)
        text = text + tokens
