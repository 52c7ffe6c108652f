import random

from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.assist.similar import Match, Windows, words_of

PARSER = "def parse(text, grammar):\n    tree = grammar.read(text)\n    return tree.root\n"
SHOP = "def total(prices, tax):\n    amount = sum(prices)\n    return amount * tax\n"


def windows() -> Windows:
    found = Windows(lines=4, stride=2)
    found.put("parser.py", PARSER)
    found.put("shop.py", SHOP + "\n" * 8 + PARSER)
    return found


def test_the_best_window_first() -> None:
    found = windows().best(words_of(PARSER) | {"more"}, without="", least=0.1, most=9)
    assert [each.path for each in found][:2] == ["parser.py", "shop.py"]
    count = len(words_of(PARSER))
    assert found[0] == Match("parser.py", 0, 4, round(count / (count + 1), 6))
    assert found[1].first >= 8


def test_neither_ones_own_file_nor_what_is_hardly_alike() -> None:
    asked = words_of(PARSER)
    assert {each.path for each in windows().best(asked, without="parser.py", least=0.1, most=9)} == {"shop.py"}
    assert windows().best({"other", "words"}, without="", least=0.0, most=9) == []
    assert windows().best(asked, without="", least=1.0, most=9)[0].score == 1.0


def test_a_new_text_takes_the_place_of_the_old() -> None:
    found = windows()
    match = found.best(words_of(PARSER), without="shop.py", least=0.1, most=1)[0]
    assert found.score(match, words_of(PARSER)) == 1.0
    changes = found.changes
    found.put("parser.py", "nothing = 1\n")
    assert found.changes > changes
    assert found.score(match, words_of(PARSER)) == 0.0
    found.remove("shop.py")
    assert found.best(words_of(PARSER), without="", least=0.01, most=9) == []
    assert found.score(Match("absent", 0, 1, 1.0), {"a"}) == 0.0


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(st.sampled_from("xyz abcdef\n"), max_size=80)), max_size=12))
def test_lists_that_were_changed_answer_as_new_ones(changes: list[tuple[str, str]]) -> None:
    changed, fresh = Windows(2, 1), Windows(2, 1)
    for path, text in changes:
        changed.put(path, text)
    for path, text in dict(changes).items():
        fresh.put(path, text)
    for words in ({"abc", "def"}, {"xyz"}):
        assert changed.best(words, without="", least=0.01, most=50) == fresh.best(
            words, without="", least=0.01, most=50
        )
    assert changed.size == fresh.size


def test_windows_of_old_texts_do_not_pile_up() -> None:
    found = Windows(10, 5)
    chance = random.Random(0)
    for _ in range(3000):
        found.put("a.py", "\n".join(f"name_{chance.randrange(100)}" for _ in range(30)))
    assert found.size <= 6 and len(found._places) < 10_000


def test_words_that_stand_everywhere_say_nothing() -> None:
    found = Windows(2, 2)
    for number in range(400):
        found.put(f"{number}.py", f"self\nname_{number}\n")
    assert found.best({"self"}, without="", least=0.01, most=9) == []
    assert [each.path for each in found.best({"self", "name_7"}, without="", least=0.01, most=9)] == ["7.py"]
