"""Tokens of a batch of texts, and hashes of runs of them, against plain Python."""

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.fingerprints import mix, tokens, whole, windows, windows_at

TEXTS = st.lists(st.text(st.sampled_from("ab_1é漢 \n\t+.(\x00\x7f"), max_size=30), max_size=6)
WORD = rb"[A-Za-z0-9_\x80-\xff]+"


@given(TEXTS, st.booleans())
def test_tokens_are_words_and_symbols(texts: list[str], symbols: bool):
    read = tokens(texts, symbols=symbols)
    pattern = re.compile(WORD + rb"|[^\x00-\x20]" if symbols else WORD)
    found: dict[int, bytes] = {}
    for number, text in enumerate(texts):
        wanted = [(match.start(), match[0]) for match in pattern.finditer(text.encode())]
        begin, end = read.bounds[number], read.bounds[number + 1]
        starts = (read.starts[begin:end] - read.origins[number]).tolist()
        assert starts == [start for start, _ in wanted]
        for value, (_, word) in zip(read.hashes[begin:end].tolist(), wanted, strict=True):
            assert found.setdefault(value, word) == word, "other words, other hashes"
    assert len(found) == len(set(found.values()))


def test_a_column_reads_as_a_list_does_and_nulls_are_empty():
    texts = ["a b", "", "c", "d e"]
    column = pa.array(["x", "a b", None, "c", "d e", "y"]).slice(1, 4)
    for other in (column, column.cast(pa.large_string())):
        assert tokens(other).hashes.tolist() == tokens(texts).hashes.tolist()
        assert tokens(other).bounds.tolist() == tokens(texts).bounds.tolist()
    assert tokens([]).bounds.tolist() == [0]


def test_case_is_folded_where_asked():
    one, other = ([*tokens([text], fold_case=True).hashes.tolist()] for text in ("Two WORDS_of", "two words_OF"))
    assert one == other != tokens(["Two WORDS_of"]).hashes.tolist()


def test_very_long_words_count_with_beginning_end_and_length():
    texts = ["x" * 5000, "x" * 5001, "x" * 4999 + "y", "y" + "x" * 4999, "x" * 50 + "y" + "x" * 4949]
    assert len({tokens([text]).hashes[0] for text in texts}) == 5


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(1, 40))
def test_windows_are_polynomials_of_runs(values: list[int], length: int):
    base, wanted = 0x9E3779B97F4A7C15, []
    for begin in range(len(values) - length + 1):
        run = 0
        for value in values[begin : begin + length]:
            run = (run * base + value) % 2**64
        wanted.append(run)
    rolled = windows(np.array(values, np.uint64), length)
    assert rolled.tolist() == wanted
    assert windows_at(np.array(values, np.uint64), np.arange(len(wanted))[::2], length).tolist() == wanted[::2]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(1, 8))
def test_windows_lie_within_one_text(sizes: list[int], length: int):
    bounds = np.cumsum([0, *sizes])
    wanted = [
        any(begin <= start and start + length <= end for begin, end in pairwise(bounds))
        for start in range(max(0, bounds[-1] - length + 1))
    ]
    assert whole(bounds, length).tolist() == wanted


def test_mixing_is_one_to_one():
    values = np.arange(100_000, dtype=np.uint64) * np.uint64(1 << 40)
    assert len(np.unique(mix(values))) == len(values)
