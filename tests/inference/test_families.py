import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codegem.inference.families import Family, batches, families

TOKENS = st.lists(st.integers(2, 4), min_size=1, max_size=9)
ASKED = st.lists(st.tuples(TOKENS, st.lists(st.integers(2, 5), min_size=1, max_size=4)), max_size=30)


def read_out(found: list[Family]) -> dict[int, list[tuple[list[int], int]]]:
    """For each request what a row holds where each of its tokens is wanted, and the token, in order."""
    told: dict[int, list[tuple[list[int], int]]] = {}
    for family in found:
        for item in family.items:
            row = family.head.tolist()
            for read in item.reads:
                row = [*row[: read.start], *read.tokens.tolist()]
                for place, token, requests in read.wants:
                    for request in requests:
                        told.setdefault(request, []).append((row[: read.start + place + 1], token))
    return {request: sorted(pairs, key=lambda pair: len(pair[0])) for request, pairs in told.items()}


@given(ASKED, st.integers(1, 4))
def test_each_token_is_wanted_once_behind_all_that_stands_before_it(asked: list, least: int) -> None:
    wanted = {
        index: [([*before, *scored[:place]], token) for place, token in enumerate(scored)]
        for index, (before, scored) in enumerate(asked)
    }
    assert read_out(families(asked, least)) == wanted


@given(ASKED, st.integers(1, 64), st.sampled_from([1, 2, 8]))
def test_batches_hold_each_item_once_and_have_room(asked: list, tokens: int, rows: int) -> None:
    found = families(asked, 1)
    met = []
    for batch in batches(found, tokens, rows):
        assert batch.rows <= rows and len(batch.heads) in (1, *range(batch.rows + 1))
        for step in batch.steps:
            assert len(step) <= batch.rows
            filled = [len(batch.heads[row if len(batch.heads) > 1 else 0]) for row in range(len(step))]
            for number in range(max(len(item.reads) for item in step if item)):
                reads = [item.reads[number] if item and number < len(item.reads) else None for item in step]
                filled = [read.start if read else length for read, length in zip(reads, filled, strict=True)]
                assert max(filled) + max(len(read.tokens) for read in reads if read) <= batch.positions
                filled = [read.end if read else length for read, length in zip(reads, filled, strict=True)]
            met += [id(item) for item in step if item]
    assert sorted(met) == sorted(id(item) for family in found for item in family.items)


def test_the_runs_that_spare_most_are_chosen() -> None:
    """Two subjects with a line in common: their own examples are shared, not the line alone."""
    line, first, second = [9] * 5, [10] * 40, [11] * 40
    asked = [([*line, *head, *[20 + number] * 3], [1]) for head in (first, second) for number in range(4)]
    assert [(len(family.head), len(family.items)) for family in families(asked, 4)] == [(45, 4), (45, 4)]


def test_choices_are_read_from_where_they_differ() -> None:
    question = [2, *range(100, 130)]
    (family,) = families([(question, [5, 6, 7, 8]), (question, [5, 6, 9, 8]), (question, [5])])
    (item,) = family.items
    assert [(read.start, read.tokens.tolist()[-3:]) for read in item.reads] == [(0, [5, 6, 7]), (33, [9])]
    assert item.reads[0].wants[0] == (30, 5, [0, 2, 1])
    assert sum(len(read.wants) for read in item.reads) == 6


def test_a_family_of_many_has_its_head_in_every_row() -> None:
    asked = [([*[7] * 40, number, *[number] * 40], [1]) for number in range(100, 150)]
    (batch,) = batches(families(asked), 500, 8)
    assert len(batch.heads) == 1 and np.array_equal(batch.heads[0], [7] * 40)
    assert batch.rows == 8 and len(batch.steps) == 7
