"""When an automatic request is worth making."""

import pytest

from codegem.assist.asking import Change, may_ask
from codegem.assist.place import Place


@pytest.mark.parametrize(
    ("after", "asks"),
    [
        ("", True),
        ("   ", True),
        (")", True),
        (")]}>;", True),
        ("))))))))))))", True),  # closers, however many
        ('");', True),
        (" + b * cd", True),  # eight characters, white space around them aside
        (" + b * cde", False),
        ("name", False),  # within a word
        (") -> dict[str, int]:", False),
    ],
)
def test_what_stands_right_of_the_cursor(after: str, asks: bool):
    assert may_ask(Place("value = f(", after + "\nnext_line_is_no_matter = 1\n")) is asks
    assert may_ask(Place("value = f(", after + "\n"), by_hand=True)


@pytest.mark.parametrize("change", list(Change))
def test_what_was_done_last(change: Change):
    place = Place("value = ", "\n")
    assert may_ask(place, change) is (change in (Change.TYPED, Change.OTHER))
    assert may_ask(place, change, by_hand=True)


def test_an_empty_file_is_not_asked_for():
    assert not may_ask(Place("", " \n"))
    assert may_ask(Place("", "\n"), by_hand=True)
