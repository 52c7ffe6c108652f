"""Near-duplicates by MinHash and locality-sensitive hashing (Broder 1997; Leskovec et al., ch. 3).

A text is the set of its shingles: runs of consecutive words, punctuation and white space left out, so that
re-indenting or re-spacing code changes nothing. How alike two texts are is the Jaccard similarity of their
sets. A signature is a row of hashes of which two texts share each with that probability; texts that share
a whole band of hashes are candidates, and only the exact similarity decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from codegem.data.fingerprints import mix, tokens, whole, windows
from codegem.errors import UserError

_BATCH_BYTES = 1 << 20  # texts worked on at a time: their hashes stay in the processor's cache
_BITS = np.uint64(48)  # of a shingle's hash; the other 16 number the text inside a batch
_LOW = np.uint64((1 << 48) - 1)
_EMPTY = np.uint32(0xFFFFFFFF)
_TURN = 0xD1342543DE82EF95  # what separates the hash functions of `_sketch`


@dataclass(frozen=True)
class DedupRules:
    """What counts as a near-duplicate.

    Attributes:
        near_duplicates: look for them; exact duplicates are always removed.
        threshold: Jaccard similarity from which the later of two files is rejected. 0.7 with shingles of
            five words is what SantaCoder (arXiv 2301.03988) and StarCoder (arXiv 2305.06161) used;
            CodeGemma's is not published.
        shingle_words: words in a shingle.
        hashes: length of a signature.
        min_shingles: files with fewer different shingles are compared exactly only: in a small set, few
            words make a large difference.
        certainty: probability with which a pair exactly at the threshold becomes a candidate, at least.
        bucket_pairs: earlier files of a bucket that a file is compared with, at most: half of them the
            first ones, half the ones just before it.
    """

    near_duplicates: bool = True
    threshold: float = 0.7
    shingle_words: int = 5
    hashes: int = 256
    min_shingles: int = 20
    certainty: float = 0.99
    bucket_pairs: int = 16

    def check(self) -> None:
        """Raises UserError where a rule makes no sense."""
        if not 0.1 <= self.threshold <= 1:
            raise UserError(f"A similarity threshold of {self.threshold} is not between 0.1 and 1.")
        if not 0 < self.certainty < 1:
            raise UserError(f"A certainty of {self.certainty} is not between 0 and 1.")
        for name, least in {"shingle_words": 1, "hashes": 8, "min_shingles": 5, "bucket_pairs": 2}.items():
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}, and must be at least {least}.")
        bands(self)


def bands(rules: DedupRules) -> tuple[int, int]:
    """(bands, hashes in each): as many hashes in a band as the certainty allows, for the fewest candidates.

    Raises:
        UserError: there are too few hashes for this threshold.

    >>> bands(DedupRules())
    (42, 6)
    """
    for rows in range(rules.hashes, 0, -1):
        count = rules.hashes // rows
        if 1 - (1 - rules.threshold**rows) ** count >= rules.certainty:
            return count, rows
    raise UserError(f"{rules.hashes} hashes are too few for a threshold of {rules.threshold}: take more.")


def shingles(texts: Sequence[str] | pa.Array, words: int) -> tuple[np.ndarray, np.ndarray]:
    """The set of shingles of each text.

    Returns:
        uint64 [S], the hashes (48 bits) of the different shingles of each text in rising order, one text
        after another; and int64 [N + 1], where each text begins.

    >>> values, bounds = shingles(["a b c a b c", "a = b + c"], 3)
    >>> bounds.tolist(), values[3] in values[:3]
    ([0, 3, 4], True)
    """
    parts, sizes = [np.zeros(0, np.uint64)], [np.zeros(1, np.int64)]
    for begin, end in _batches(texts):
        read = tokens(texts[begin:end])
        owners = np.repeat(np.arange(end - begin, dtype=np.uint64), np.diff(read.bounds))
        inside = whole(read.bounds, words)
        keys = mix(windows(read.hashes, words))[inside] & _LOW
        keys |= owners[: len(inside)][inside] << _BITS
        keys.sort()
        first = np.ones(len(keys), bool)
        first[1:] = keys[1:] != keys[:-1]
        keys = keys[first]
        sizes.append(np.bincount((keys >> _BITS).astype(np.int64), minlength=end - begin))
        parts.append(keys & _LOW)
    return np.concatenate(parts), np.cumsum(np.concatenate(sizes))


def _batches(texts: Sequence[str] | pa.Array) -> list[tuple[int, int]]:
    """Ranges of texts of about `_BATCH_BYTES`, and fewer than 65,536 texts each."""
    if isinstance(texts, pa.Array):
        sizes = np.asarray(pc.call_function("binary_length", [texts]).fill_null(0))
    else:
        sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    ranges, begin, held = [], 0, 0
    for place, size in enumerate(sizes.tolist()):
        if place > begin and (held + size > _BATCH_BYTES or place - begin == 1 << 15):
            ranges.append((begin, place))
            begin, held = place, 0
        held += size
    return [*ranges, (begin, len(sizes))] if len(sizes) else []


def signatures(texts: Sequence[str] | pa.Array, rules: DedupRules) -> np.ndarray:
    """MinHash signatures: uint32 [N, hashes]; zeros where a text has fewer than `min_shingles` shingles.

    One hash of a shingle gives both the place in the signature and the value there; the least value stays.
    Places that stay empty are filled from a second hash, and so on: Dahlgaard, Knudsen and Thorup, "Fast
    similarity sketching" (arXiv 1704.04370). That is some hundred times less work than one pass over the
    shingles for each place, as exact, and the same whatever else is in the batch.

    >>> one, other = signatures(["def f(a):\\n    return g(a, 1)\\n" * 9, "too short"], DedupRules(min_shingles=5))
    >>> bool(one.any()), bool(other.any())
    (True, False)
    """
    found = np.zeros((len(texts), rules.hashes), np.uint32)
    for begin, end in _batches(texts):
        values, bounds = shingles(texts[begin:end], rules.shingle_words)
        enough = np.flatnonzero(np.diff(bounds) >= rules.min_shingles)
        if len(enough):
            taken = _rows_of(bounds, enough)
            found[begin + enough] = _sketch(values[taken], np.diff(bounds)[enough], rules.hashes)
    return found


def _rows_of(bounds: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Which values belong to the chosen texts: bool [S]."""
    keep = np.zeros(len(bounds) - 1, bool)
    keep[chosen] = True
    return np.repeat(keep, np.diff(bounds))


def _sketch(values: np.ndarray, sizes: np.ndarray, hashes: int) -> np.ndarray:
    """Signatures of sets that lie one after another, each with its size."""
    sketch = np.full((len(sizes), hashes), _EMPTY)
    open_ = np.arange(len(sizes))  # the texts with empty places
    turn = 0
    while len(open_):
        drawn = mix(values + np.uint64(turn * _TURN % (1 << 64)))
        row = np.repeat(np.arange(len(open_)), sizes)
        place = ((drawn >> np.uint64(32)) * np.uint64(hashes) >> np.uint64(32)).astype(np.int64)
        least = np.full((len(open_), hashes), _EMPTY)
        np.minimum.at(least.ravel(), row * hashes + place, drawn.astype(np.uint32))
        held = sketch[open_]
        sketch[open_] = np.where(held == _EMPTY, least, held)
        still = (sketch[open_] == _EMPTY).any(axis=1)
        values, open_, sizes = values[np.repeat(still, sizes)], open_[still], sizes[still]
        turn += 1
    return sketch


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard similarity of two sets of shingles in rising order."""
    if not len(one) or not len(other):
        return 0.0
    place = np.minimum(np.searchsorted(one, other), len(one) - 1)
    shared = int(np.count_nonzero(one[place] == other))
    return shared / (len(one) + len(other) - shared)


def band_hashes(signature: np.ndarray, rules: DedupRules) -> np.ndarray:
    """The bands of signatures [N, hashes] as uint64 [bands, N]; files share a bucket where they are equal."""
    count, rows = bands(rules)
    parts = signature[:, : count * rows].reshape(-1, count, rows).transpose(2, 1, 0).astype(np.uint64)
    return mix(windows(parts, rows)[0])


def pairs_of(buckets: np.ndarray, limit: int) -> np.ndarray:
    """Pairs of files that share a bucket.

    Every pair of a small bucket; of a large one, each file with the first `limit // 2` and with as many
    just before it. So ten thousand files around one licence text cost ten thousand times `limit` pairs.

    Args:
        buckets: uint64 [N], the bucket of each file, in the order of the files.

    Returns:
        int64 [P, 2], later and earlier file, each pair once.

    >>> pairs_of(np.array([7, 5, 7, 7], np.uint64), 16).tolist()
    [[2, 0], [3, 2], [3, 0]]
    """
    order = np.argsort(buckets, kind="stable")
    same = buckets[order]
    first = np.ones(len(same), bool)
    first[1:] = same[1:] != same[:-1]
    begin = np.maximum.accumulate(np.where(first, np.arange(len(same)), 0))
    inside = np.flatnonzero(~first)  # those with an earlier file in their bucket
    begin, half = begin[inside], max(1, limit // 2)
    later, earlier = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for step in range(1, half + 1):
        near = inside - begin >= step
        far = inside - begin - step + 1 > half
        later += [inside[near], inside[far]]
        earlier += [inside[near] - step, begin[far] + step - 1]
    return np.stack([order[np.concatenate(later)], order[np.concatenate(earlier)]], axis=1)
