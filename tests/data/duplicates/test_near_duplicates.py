"""Signatures, bands and buckets; the planted pairs are in test_dedup.py."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.duplicates.near_duplicates import (
    DedupRules,
    band_hashes,
    bands,
    pairs_of,
    shingles,
    signatures,
    similarity,
)
from codegem.errors import UserError

RULES = DedupRules(min_shingles=5)
WORDS = st.lists(st.sampled_from(["a", "b", "long_name_of_eleven", "c1", "é", "x" * 90]), max_size=60)


@given(WORDS, WORDS, st.sampled_from([1, 2, 5]))
def test_shingles_are_the_sets_of_runs_of_words(one: list[str], other: list[str], length: int):
    def runs(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[begin : begin + length]) for begin in range(len(words) - length + 1)}

    values, bounds = shingles([" + ".join(one), "(" + "\n\t".join(other) + ")"], length)
    left, right = values[: bounds[1]], values[bounds[1] :]
    assert (len(left), len(right)) == (len(runs(one)), len(runs(other)))
    assert (np.diff(left.astype(np.int64)) > 0).all()
    both = runs(one) | runs(other)
    wanted = len(runs(one) & runs(other)) / len(both) if runs(one) and runs(other) else 0.0
    assert similarity(left, right) == pytest.approx(wanted)


def test_words_that_differ_only_far_behind_or_in_length_differ():
    texts = ["x" * 300 + end for end in ("", "y", "z")] + ["x" * 299 + "y"]
    assert len({int(shingles([text], 1)[0][0]) for text in texts}) == 4


def test_a_signature_does_not_depend_on_the_batch_or_its_form():
    texts = [f"def f{number}(a):\n    return g(a, {number}) + h * {number}\n" * 3 for number in range(40)]
    texts += ["", "one two three", "word " * 5000]
    whole = signatures(texts, RULES)
    assert (whole == np.concatenate([signatures([text], RULES) for text in texts])).all()
    assert (whole == signatures(pa.array(texts), RULES)).all()
    assert (whole[::-1] == signatures(texts[::-1], RULES)).all()
    assert whole[:40].any(axis=1).all() and not whole[40:].any(), "too few different shingles have no signature"
    assert signatures(["def f(a): return g(a, 1)"], DedupRules())[0].any() == np.False_
    assert signatures([], RULES).shape == (0, RULES.hashes)


@pytest.mark.parametrize("alike", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("size", [30, 2000])
def test_signatures_estimate_the_similarity(alike: float, size: int):
    draw, found = np.random.default_rng(size), []
    for _ in range(25):
        shared, rest = round(size * alike), size - round(size * alike)
        words = [f"w{number}" for number in draw.permutation(10**6)[:size]]
        sides = words[: shared + rest // 2], words[:shared] + words[shared + rest // 2 :]
        one, other = signatures([" ".join(side) for side in sides], DedupRules(shingle_words=1))
        found.append((one == other).mean())
    assert abs(np.mean(found) - alike) < 0.03, "one standard error of the mean of 25 is under 0.007"


def test_a_pair_at_the_threshold_becomes_a_candidate():
    for threshold in (0.3, 0.5, 0.7, 0.8, 0.95, 1.0):
        for hashes in (64, 128, 256):
            count, rows = bands(DedupRules(threshold=threshold, hashes=hashes))
            assert count * rows <= hashes
            assert 1 - (1 - threshold**rows) ** count >= 0.99
    with pytest.raises(UserError, match="8 hashes are too few"):
        bands(DedupRules(threshold=0.1, hashes=8))


def test_files_share_a_bucket_where_a_whole_band_is_equal():
    rules = DedupRules()
    count, rows = bands(rules)
    signature = np.random.default_rng(0).integers(0, 2**32, (3, rules.hashes), np.uint32)
    signature[1, 2 * rows : 3 * rows] = signature[0, 2 * rows : 3 * rows]
    signature[2, rows : 2 * rows - 1] = signature[0, rows : 2 * rows - 1]
    hashes = band_hashes(signature, rules)
    assert hashes.shape == (count, 3)
    assert (hashes[:, 0] == hashes[:, 1]).tolist() == [band == 2 for band in range(count)]
    assert not (hashes[:, 0] == hashes[:, 2]).any()


@given(st.lists(st.integers(0, 4), max_size=40), st.sampled_from([2, 4, 16]))
def test_pairs_of_buckets(buckets: list[int], limit: int):
    found = [tuple(pair) for pair in pairs_of(np.array(buckets, np.uint64), limit).tolist()]
    assert len(found) == len(set(found))
    half, wanted = limit // 2, set()
    for later, bucket in enumerate(buckets):
        earlier = [number for number in range(later) if buckets[number] == bucket]
        wanted |= {(later, number) for number in earlier[:half] + earlier[-half:]}
    assert set(found) == wanted


def test_a_huge_bucket_costs_a_bounded_number_of_pairs():
    assert len(pairs_of(np.zeros(10_000, np.uint64), 16)) <= 16 * 10_000


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0.0}, {"threshold": 1.5}, {"certainty": 1.0}, {"hashes": 2}, {"min_shingles": 0}]
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, float]):
    with pytest.raises(UserError, match=str(next(iter(wrong.values())))):
        DedupRules(**wrong).check()  # type: ignore[arg-type]
