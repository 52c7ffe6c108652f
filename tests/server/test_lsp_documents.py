"""Texts as the editor has them: against a plain reckoning in code units, for each encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, PositionEncodingKind, Range

from codegem.server.lsp.documents import Document, choose_encoding, plain, split_lines

# Ends of lines, what only looks like one, and characters of each width.
TEXTS = st.text(st.sampled_from("ab\n\r\t\x0b\x0c\x1c\x85\u2028é€😋𝔸"), max_size=24) | st.text(max_size=12)
CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
WIDTHS = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
ENCODINGS = st.sampled_from(list(PositionEncodingKind))


def document(text: str, encoding: PositionEncodingKind = PositionEncodingKind.Utf16) -> Document:
    return Document("file:///a.py", "python", 1, split_lines(text), encoding)


def position_of(text: str, index: int, encoding: PositionEncodingKind) -> Position:
    """The position of the character `index`, reckoned from the bytes of everything before it."""
    before = text[:index]
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    units = len(lines[-1].encode(CODECS[encoding.value], "surrogatepass")) // WIDTHS[encoding.value]
    return Position(len(lines) - 1, units)


def is_place(text: str, index: int) -> bool:
    """Whether a position can name the place before a character: it is not inside of "\\r\\n"."""
    return text[index - 1 : index + 1] != "\r\n" if index else True


@given(st.data(), TEXTS, TEXTS, ENCODINGS)
def test_a_change_does_what_it_says(data: st.DataObject, text: str, put: str, encoding: PositionEncodingKind) -> None:
    places = [index for index in range(len(text) + 1) if is_place(text, index)]
    start, end = sorted(data.draw(st.tuples(st.sampled_from(places), st.sampled_from(places))))
    changed = document(text, encoding)
    changed.change(put, Range(position_of(text, start, encoding), position_of(text, end, encoding)))
    assert changed.text == text[:start] + put + text[end:]
    assert changed.lines == split_lines(changed.text)


@given(st.data(), TEXTS, ENCODINGS)
def test_the_text_around_a_place(data: st.DataObject, text: str, encoding: PositionEncodingKind) -> None:
    index = data.draw(st.sampled_from([index for index in range(len(text) + 1) if is_place(text, index)]))
    place = position_of(text, index, encoding)
    opened = document(text, encoding)
    assert opened.around(place) == (plain(text[:index]), plain(text[index:]))
    line = opened.line_before(place)
    assert opened.before(place, len(line)) == Position(place.line, 0)
    assert opened.before(place, 0) == place


@given(TEXTS, ENCODINGS, st.integers(0, 40), st.integers(0, 40))
def test_no_place_is_outside(text: str, encoding: PositionEncodingKind, line: int, character: int) -> None:
    opened = document(text, encoding)
    before, after = opened.around(Position(line, character))
    assert before + after == plain(text)
    opened.change("x", Range(Position(line, character), Position(0, 0)))
    assert len(opened.text) == len(text) + 1


def test_inside_of_a_character_is_before_it() -> None:
    opened = document('x = "😋"')
    assert opened.around(Position(0, 6)) == ('x = "', '😋"')
    assert document('x = "😋"', PositionEncodingKind.Utf8).around(Position(0, 7)) == ('x = "', '😋"')


def test_two_halves_of_a_character_become_one() -> None:
    opened = document("x = ''")
    opened.change("\ud83d", Range(Position(0, 5), Position(0, 5)))
    assert opened.around(Position(0, 6)) == ("x = '\ufffd", "'")
    opened.change("\ude0b", Range(Position(0, 6), Position(0, 6)))
    assert plain(opened.text) == "x = '😋'"


def test_a_line_break_that_is_typed_in_two_halves() -> None:
    opened = document("a\rb")
    opened.change("\n", Range(Position(1, 0), Position(1, 0)))
    assert opened.lines == ["a\r\n", "b"]


@pytest.mark.parametrize(("text", "end"), [("a\r\nb\n", "\r\n"), ("a\nb\r\n", "\n"), ("a", "\n"), ("", "\n")])
def test_the_line_end_is_the_first(text: str, end: str) -> None:
    assert document(text).line_end == end


def test_the_cheapest_encoding_that_is_offered() -> None:
    assert choose_encoding(["utf-16", "utf-8"]) == PositionEncodingKind.Utf8
    assert choose_encoding(["klingon"]) == PositionEncodingKind.Utf16
