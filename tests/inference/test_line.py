"""Who waits, and whose turn it is."""

from codegem.inference.line import Line
from codegem.inference.prefix_cache import PrefixCache, Slot
from codegem.inference.sampling import Greedy
from codegem.inference.texts import Text


def text(length: int, max_tokens: int = 4, first: int = 0, begin: bytes = b"") -> Text:
    return Text(list(range(first, first + length)), max_tokens, Greedy(), None, print, begin=begin)


def line(*texts: Text, kept: PrefixCache | None = None) -> Line:
    made = Line(kept or PrefixCache[str](100))
    for each in texts:
        made.add(each)
    return made


def test_texts_are_served_in_their_order_but_those_that_go_on_come_first():
    first, second, back = text(5), text(3), text(4)
    waiting = line(first, second)
    assert waiting.first is first
    waiting.add_first(back)
    assert waiting.first is back and list(waiting) == [back, first, second] and len(waiting) == 3
    waiting.take(back)
    waiting.take(back)
    assert waiting.first is first and waiting.after(first) == [second]


def test_the_shortest_has_the_fewest_tokens_that_are_not_at_hand():
    kept = PrefixCache[str](100)
    kept.put(Slot("arrays", 64, 1, list(range(50, 90)), 40))
    long, short, known = text(30), text(8), text(42, first=50)
    assert line(long, short, known, kept=kept).shortest() == (known, 2)
    assert line(long, short).shortest() == (short, 8)
    assert line().shortest() == (None, 0)


def test_others_have_lines_of_their_own():
    plain, warming, healed = text(3), text(3, 0), text(3, begin=b"a")
    waiting = line(warming, healed, plain)
    assert waiting.first is plain and list(waiting) == [plain, healed] and waiting.all == [plain, healed, warming]
    assert waiting.next_looked_at() is healed and waiting.next_looked_at() is None
    assert waiting.next_warming() is warming and waiting.next_warming() is None
    assert len(waiting) == 1
