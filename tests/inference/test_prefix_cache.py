"""Slots as plain lists; the arrays are strings."""

from hypothesis import given
from hypothesis import strategies as st

from codegem.inference.prefix_cache import MOST, PrefixCache, Slot, common_prefix

TOKENS = st.lists(st.integers(0, 3), max_size=12)


def slot(name: str, tokens: list[int], *, size: int = 10, answered: int = 0) -> Slot[str]:
    return Slot(name, capacity=16, size=size, tokens=tokens, prompt_length=len(tokens) - answered)


def names(cache: PrefixCache[str]) -> list[str | None]:
    return [slot.arrays for slot in cache.slots]


def cache_of(*slots: Slot[str], limit: int = 100) -> PrefixCache[str]:
    cache = PrefixCache[str](limit)
    for each in slots:
        cache.put(each)
    return cache


def test_an_empty_cache_has_nothing():
    assert cache_of().find([1, 2]) is None


def test_nothing_in_common_is_nothing():
    assert cache_of(slot("a", [1, 2, 3])).find([2, 2, 3]) is None


def test_the_longest_common_beginning_counts():
    cache = cache_of(slot("long", [1, 2, 3, 9]), slot("short", [1, 2, 9, 9]))
    found = cache.find([1, 2, 3, 4, 5])
    assert found and (found.slot.arrays, found.common) == ("long", 3)


def test_of_equals_the_latest_counts():
    cache = cache_of(slot("early", [1, 2, 8]), slot("late", [1, 2, 9]))
    found = cache.find([1, 2, 3])
    assert found and found.slot.arrays == "late"


def test_the_last_token_of_a_prompt_is_read_again():
    found = cache_of(slot("a", [1, 2, 3])).find([1, 2, 3])
    assert found and (found.common, found.taken) == (2, True)


def test_a_prompt_of_one_token_has_nothing_to_reuse():
    cache = cache_of(slot("a", [1, 2, 3]))
    assert cache.find([1]) is None
    assert names(cache) == ["a"]


def test_a_slot_goes_on_with_the_same_text_behind_its_answer():
    cache = cache_of(slot("chat", [1, 2, 3, 7, 8], answered=2))
    found = cache.find([1, 2, 3, 7, 8, 4, 5])
    assert found and (found.common, found.taken) == (5, True)
    assert names(cache) == []


def test_a_keystroke_near_the_beginning_is_an_edit():
    """PSM: all that follows has moved by one, and is the same."""
    old = [1, 2, *range(10, 30)]
    found = cache_of(slot("file", old)).find([1, 2, 5, *range(10, 30)])
    assert found and (found.common, found.taken) == (2, True)


def test_the_answer_has_no_part_in_whether_it_is_an_edit():
    old = [1, 2, *range(10, 30), 40, 41, 42]
    found = cache_of(slot("file", old, answered=3)).find([1, 2, 5, *range(10, 30)])
    assert found and found.taken


def test_another_file_leaves_the_slot_alone():
    """Both begin alike, as files of one repository may."""
    cache = cache_of(slot("file", [1, 2, 3, *range(10, 30)]))
    found = cache.find([1, 2, 3, *range(50, 70)])
    assert found and (found.common, found.taken) == (3, False)
    assert names(cache) == ["file"]


def test_copying_counts_as_use():
    cache = cache_of(slot("a", [1, 2, *range(10, 30)]), slot("b", [4, 5]))
    cache.find([1, 2, *range(50, 70)])
    assert names(cache) == ["b", "a"]


def test_the_least_recently_used_goes_first():
    cache = cache_of(slot("a", [1]), slot("b", [2]), slot("c", [3]), limit=20)
    assert names(cache) == ["b", "c"]


def test_one_larger_than_the_limit_stays_alone():
    cache = cache_of(slot("a", [1]), slot("b", [2], size=200))
    assert names(cache) == ["b"]


def test_a_limit_of_0_keeps_nothing():
    assert names(cache_of(slot("a", [1]), limit=0)) == []


def test_lost_and_empty_slots_are_not_kept():
    cache = PrefixCache[str](100)
    cache.put(Slot(None, 16, 10, [1, 2], 2))
    cache.put(Slot("a", 16, 10, [], 2))
    assert cache.slots == []


def test_room_is_made_before_it_is_needed():
    cache = cache_of(slot("a", [1]), slot("b", [2]), slot("c", [3]), limit=30)
    cache.make_room(15)
    assert names(cache) == ["c"]
    cache.make_room(1000)
    assert names(cache) == []


@given(st.lists(st.tuples(TOKENS, st.integers(1, 40)), max_size=12), st.integers(0, 100))
def test_the_bytes_stay_bounded_and_what_is_found_is_true(requests: list[tuple[list[int], int]], limit: int):
    """A day of requests: each finds what it can, and leaves a slot that holds its tokens."""
    cache = PrefixCache[str](limit)
    for prompt, size in requests:
        if not prompt:
            continue
        found = cache.find(prompt)
        best = max((common_prefix(each.tokens, prompt[:-1]) for each in cache.slots), default=0)
        if found:
            assert found.slot.tokens[: found.common] == prompt[: found.common]
            assert found.common < len(prompt)
            assert found.common >= best
            assert found.taken != (found.slot in cache.slots)
        else:
            assert best == 0
        cache.put(Slot("x", 16, size, list(prompt), len(prompt)))
        assert cache.size <= limit or (len(cache.slots) == 1 and limit)


@given(TOKENS, TOKENS)
def test_common_prefix(a: list[int], b: list[int]):
    size = common_prefix(a, b)
    assert a[:size] == b[:size]
    assert size in (len(a), len(b)) or a[size] != b[size]


def test_of_a_full_cache_the_oldest_slot_of_a_size_is_used_again():
    cache = cache_of(slot("a", [1, 2], size=40), slot("b", [3, 4]), slot("c", [5, 6]))
    assert cache.recycle(10) is None  # there is still room
    cache.reserved = 40
    recycled = cache.recycle(10)
    assert recycled and recycled.arrays == "b"
    assert names(cache) == ["a", "c"]
    assert cache.recycle(30) is None  # none has that size


def test_what_is_reserved_counts_against_the_limit():
    cache = cache_of(*(slot(name, [1, 2]) for name in "abcde"))
    cache.reserved = 70
    cache.make_room(10)
    assert names(cache) == ["d", "e"]
    cache.put(slot("f", [1]))
    cache.put(slot("g", [1]))
    assert names(cache) == ["e", "f", "g"]


def test_slots_are_so_few_that_all_can_be_looked_at():
    cache = cache_of(*(slot(str(number), [number]) for number in range(MOST + 5)), limit=10**6)
    assert names(cache) == [str(number) for number in range(5, MOST + 5)]
    recycled = cache.recycle(10)
    assert recycled and recycled.arrays == "5"
