"""Cutting to what a model can read: with one id a byte, tokens can be counted by hand."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.assist.context import Window
from codegem.errors import UserError
from codegem.generate import Infill
from codegem.text import fim
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

BYTES = ByteTokenizer()
# Code as it comes: short lines, long ones, characters of several bytes.
CODE = st.text(st.sampled_from("ab\n(é→"), max_size=120)


def room(size: int, path: str | None = None) -> Window:
    """A window that holds `size` tokens of code and an answer of 8."""
    return Window(BYTES, size + 8 + len(fim.prompt("", "", BYTES, path=path)))


def test_what_fits_is_not_cut():
    infill = Infill("ab\n", "\ncd", "p.py", (("q.py", "ef"),))
    size = len("ab\n" + "\ncd" + "q.py\n" + "ef") + 1
    assert room(size, "p.py").fit(infill, 8) == infill
    assert room(size - 1, "p.py").fit(infill, 8).context == ()


def test_the_far_ends_go_and_whole_lines_stay():
    infill = Infill("aaaa\nbbbb\ncc", "dd\neeee\nffff")
    cut = room(12).fit(infill, 8)
    assert (cut.prefix, cut.suffix) == ("bbbb\ncc", "dd\n")


def test_a_cut_that_falls_between_lines_loses_no_line():
    cut = room(9).fit(Infill("aaaa\nbbbb\ncc", "dd\neeee"), 8)
    assert (cut.prefix, cut.suffix) == ("bbbb\ncc", "dd")


def test_a_file_that_does_not_fit_whole_keeps_its_first_lines():
    context = (("a", "1\n2\n3\n"), ("b", "4\n5\n6\n"))
    cut = room(2 + 9 + 8 - 1).fit(Infill("x", "y", context=context), 8)
    assert cut.context == (("a", "1\n2\n"), ("b", "4\n5\n6\n"))


def test_other_files_have_a_budget_that_the_file_does_not_take():
    window = Window(BYTES, 108, share=0.25)
    assert window.budget == 27
    cut = window.fit(Infill("p" * 99 + "\n" + "q" * 99, "s" * 99, context=(("a", "1\n" * 40),)), 8)
    assert cut.context == (("a", "1\n" * 12),)  # 2 for the path, 24 for the lines, 1 for the separator
    assert len(cut.prefix) + len(cut.suffix) == 108 - 8 - 4 - 27
    assert Window(BYTES, 108, share=0.0).fit(Infill("p" * 99, "", context=(("a", "1\n"),)), 8).context == ()


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_while_somebody_types_the_beginning_of_a_prompt_rarely_changes(share: float):
    code = "".join(f"line {number} of some code\n" for number in range(400))
    context = (("a.py", code[:1500]), ("b.py", code[2000:3000]))
    window = Window(BYTES, 4096, share=share)
    begins = []
    for typed in range(0, 600, 5):
        cut = window.fit(Infill(code[: 5000 + typed], code[5600:], "p.py", context), 64)
        begins.append((cut.context, cut.suffix, cut.prefix[:40]))
    # Each other beginning costs reading the whole prompt.
    assert sum(one != other for one, other in itertools.pairwise(begins)) <= 6
    others = (("a.py", code * 2),)
    cuts = {window.fit(Infill(code[: 500 + typed], "", "p.py", others), 64).context for typed in range(0, 600, 5)}
    assert len(cuts) <= 4


def test_a_line_longer_than_the_room_is_cut_inside():
    cut = room(8).fit(Infill("a" * 50, "b" * 50), 8)
    assert (cut.prefix, cut.suffix) == ("a" * 6, "b" * 2)


def test_a_short_prefix_leaves_its_room_to_the_suffix():
    assert room(10).fit(Infill("ab", "c" * 50), 8).suffix == "c" * 8


def test_the_nearest_files_are_kept_in_their_order():
    context = (("a", "1111"), ("b", "2222"), ("c", "3" * 50), ("d", "44"))
    cut = room(len("b\n2222") + len("d\n44") + 2 + 2).fit(Infill("x", "y", context=context), 8)
    assert cut.context == (("b", "2222"), ("d", "44"))


@given(prefix=CODE, suffix=CODE, size=st.integers(1, 150), path=st.sampled_from([None, "p.py"]))
def test_a_fitted_prompt_never_exceeds_the_window(prefix: str, suffix: str, size: int, path: str | None):
    window = room(size, path)
    cut = window.fit(Infill(prefix, suffix, path, (("r.py", suffix), ("q.py", "ab"))), 8)
    tokens = fim.prompt(cut.prefix, cut.suffix, BYTES, path=cut.path, context=cut.context)
    assert len(tokens) + 8 <= window.length
    assert prefix.endswith(cut.prefix)
    assert suffix.startswith(cut.suffix)


def test_merged_tokens_do_not_exceed_the_window_either(bpe_tokenizer: Tokenizer):
    text = "def encode(self, value):\n    return [argument for argument in value]\n" * 200
    window = Window(bpe_tokenizer, 300)
    cut = window.fit(Infill(text, text, "p.py"), 64)
    count = len(fim.prompt(cut.prefix, cut.suffix, bpe_tokenizer, path="p.py"))
    assert 200 < count <= 300 - 64


def test_no_room_is_an_error_that_says_so():
    with pytest.raises(UserError, match=r"500 tokens are asked for and the model takes 100"):
        Window(BYTES, 100).fit(Infill("a"), 500)


def test_a_text_keeps_its_end_from_the_beginning_of_a_line():
    window = Window(BYTES, 20)
    assert window.fit_text("short", 8) == "short"
    assert window.fit_text("one\ntwo\nthree\nfour", 8) == "three\nfour"
    assert window.fit_text("a" * 50, 8) == "a" * 11 and window.fit_text("a" * 50 + "\n", 8) == "a" * 10 + "\n"
    with pytest.raises(UserError, match="20 tokens are asked for and the model takes 20"):
        window.fit_text("a", 20)


@given(text=CODE, size=st.integers(1, 60))
def test_a_fitted_text_never_exceeds_the_window(bpe_tokenizer: Tokenizer, text: str, size: int):
    for tokenizer in (BYTES, bpe_tokenizer):
        kept = Window(tokenizer, size + 9).fit_text(text, 8)
        assert text.endswith(kept) and len(tokenizer.encode(kept)) <= size
        assert bool(kept) == bool(text) or len(tokenizer.encode(text[-1:])) > size
