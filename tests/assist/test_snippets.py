"""The order and the shares of pieces of other files: with one id a byte, tokens can be counted by hand."""

from hypothesis import given
from hypothesis import strategies as st

from codegem.assist.context import Window
from codegem.assist.snippets import KINDS, Snippet, arrange
from codegem.text.tokenizer import ByteTokenizer


def window(budget: int) -> Window:
    return Window(ByteTokenizer(), 2 * budget, share=0.5)


def test_kinds_stand_in_their_order_and_the_best_of_each_last() -> None:
    snippets = [
        Snippet("e", "5\n", "edits", 1),
        Snippet("b", "2\n", "signatures", 2),
        Snippet("z", "9\n", "client"),
        Snippet("a", "1\n", "signatures", 3),
        Snippet("y", "8\n", "client"),
        Snippet("c", "3\n", "similar", 0.4),
        Snippet("d", "4\n", "similar", 0.4),
    ]
    paths = "".join(path for path, _ in arrange(snippets, window(100)))
    assert paths == "bacdezy"
    assert arrange(snippets[::-1], window(100)) == arrange(
        [*snippets[:2], snippets[4], *snippets[3:4], snippets[2], *snippets[5:]], window(100)
    )


def test_each_kind_has_a_part_and_leaves_what_it_does_not_need() -> None:
    long = "12345678\n" * 10
    given = [Snippet("s", long, "signatures"), Snippet("w", long, "similar"), Snippet("e", "1\n", "edits")]
    kept = dict(arrange(given, window(65)))  # 5 for the edits, 30 for each of the others
    assert kept == {"s": "12345678\n" * 3, "w": "12345678\n" * 3, "e": "1\n"}


def test_the_most_needed_is_taken_first() -> None:
    given = [Snippet("a", "111111\n", "similar", 0.2), Snippet("b", "222222\n", "similar", 0.9)]
    assert arrange(given, window(12)) == (("b", "222222\n"),)
    assert arrange(given, window(4)) == ()


@given(
    st.lists(
        st.builds(
            Snippet,
            st.sampled_from(["a.py", "b/é.py", "c"]),
            st.text(st.sampled_from("ab\n→"), max_size=60),
            st.sampled_from(KINDS),
            st.floats(0, 1),
        ),
        max_size=6,
    ),
    st.integers(0, 100),
)
def test_the_budget_is_never_exceeded_and_texts_are_beginnings(snippets: list[Snippet], budget: int) -> None:
    kept = arrange(snippets, window(budget))
    assert sum(window(budget).count(*each) for each in kept) <= budget
    for path, text in kept:
        assert any(path == each.path and each.text.startswith(text) for each in snippets)
        assert text
