"""Duplicates across and inside repositories: of files that are alike, the first is kept.

A file is rejected if an earlier one, in the order of (repository, path), that is itself kept is the same
but for white space, or a near-duplicate; files that are held out come before all others. Chains are not
followed: with union-find, A like B and B like C would remove C for the sake of A, which it may not resemble,
and one generic file could join half a corpus.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from codegem.data.duplicates.near_duplicates import DedupRules, band_hashes, bands, pairs_of, similarity
from codegem.data.duplicates.work_files import First, Listing, ShingleSets, list_files

DUPLICATES = pa.schema(
    [
        ("repository", pa.string()),
        ("path", pa.string()),
        ("reason", pa.string()),  # "exact duplicate" or "near duplicate"
        ("detail", pa.string()),
        ("kept_as", pa.string()),  # "repository:path" of the file that stands for this one
        ("similarity", pa.float64()),  # Jaccard similarity of the shingles; 1.0 for exact duplicates
    ]
)

_BAND_BYTES = 1 << 29  # band hashes held at a time
_TEXT_BYTES = 1 << 26  # texts read at a time, for comparing candidates
_TRIES = 64  # earlier files that one file is compared with, the likeliest first
_LOW = np.uint64(0xFFFFFFFF)
_WHITE_SPACE = b" \t\n\r\v\f\x1c\x1d\x1e\x1f"  # of ASCII
_HALF = np.uint64(32)

Candidates = tuple[int, list[int]]  # a file, and the earlier files that it may repeat


def fingerprint(text: str) -> str:
    """SHA-256 of the text without its white space: equal for texts that differ in white space alone.

    >>> fingerprint("a = 1") == fingerprint("a  =\\t1\\n")
    True
    """
    if text.isascii():
        return hashlib.sha256(text.encode().translate(None, _WHITE_SPACE)).hexdigest()
    return hashlib.sha256("".join(text.split()).encode()).hexdigest()


def find_duplicates(
    work_files: Sequence[Path],
    rules: DedupRules,
    progress: Callable[[int, int], None] = lambda done, total: None,
    first: First = lambda repository, path: False,
) -> pa.Table:
    """Which files of a corpus to reject as duplicates.

    Memory: some 300 bytes for each file and fixed limits besides; only texts of candidates are read.

    Args:
        work_files: parquet files with the columns `repository`, `path`, `size`, `text`, `fingerprint` (null
            where a file was rejected before) and, for near-duplicates, `signature`: the bytes of a row of
            `near_duplicates.signatures`, or null.
        progress: called with the files that are compared, and all files.
        first: of which files others are duplicates, whatever their names are.

    Returns:
        A table of `DUPLICATES`, in the order of (not `first`, repository, path): the files to reject.

    Raises:
        UserError: the rules make no sense.
    """
    rules.check()
    files = list_files(work_files, first)
    progress(0, len(files))
    kept_as = _first_of_same(files)
    repeats = kept_as != np.arange(len(files))
    alike = np.where(repeats, 1.0, np.nan)
    if rules.near_duplicates:
        for later, earlier, found in _near(files, ~repeats, rules, progress):
            kept_as[later], alike[later] = earlier, found
    progress(len(files), len(files))
    return _table(files, kept_as, alike, repeats)


def _first_of_same(files: Listing) -> np.ndarray:
    """For each file, the first file with the same fingerprint: int64 [N]."""
    codes = files.names["fingerprint"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first, group = np.unique(codes, return_index=True, return_inverse=True)
    return first[group]


def _near(
    files: Listing, unique: np.ndarray, rules: DedupRules, progress: Callable[[int, int], None]
) -> Iterator[tuple[int, int, float]]:
    """(later file, earlier file that is kept, their similarity) of every near-duplicate."""
    sets, gone = ShingleSets(files, rules.shingle_words), set[int]()
    for chunk in _chunks(_candidates(files, unique, rules), files.names["size"].to_numpy(), gone):
        held = sets.load(number for later, others in chunk for number in (later, *others))
        for later, others in chunk:
            for earlier in others:
                if earlier not in gone and (found := similarity(held[earlier], held[later])) >= rules.threshold:
                    gone.add(later)
                    yield later, earlier, found
                    break
        progress(chunk[-1][0], len(files))


def _chunks(candidates: Iterator[Candidates], sizes: np.ndarray, gone: set[int]) -> Iterator[list[Candidates]]:
    """Candidates whose texts together stay within `_TEXT_BYTES`, or one file's; none of a file that is gone."""
    chunk: list[Candidates] = []
    needed, held = set[int](), 0
    for later, others in candidates:
        others = [number for number in others if number not in gone]
        fresh = {later, *others} - needed
        held += int(sizes[list(fresh)].sum())
        if chunk and held > _TEXT_BYTES:
            yield chunk
            chunk, fresh, needed = [], {later, *others}, set()
            held = int(sizes[list(fresh)].sum())
        chunk.append((later, others))
        needed |= fresh
    if chunk:
        yield chunk


def _candidates(files: Listing, unique: np.ndarray, rules: DedupRules) -> Iterator[Candidates]:
    """Each file that has any candidates, in order; those that share most bands with it come first."""
    count, _ = bands(rules)
    step = max(1, _BAND_BYTES // (8 * max(1, len(files))))
    pairs, shared = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for begin in range(0, count, step):
        numbers, hashes = _read_bands(files, unique, rules, slice(begin, begin + step))
        for buckets in hashes:
            fresh = numbers[pairs_of(buckets, rules.bucket_pairs)].astype(np.uint64)
            pairs, shared = _merge(pairs, shared, fresh[:, 0] << _HALF | fresh[:, 1])
    later, earlier = (pairs >> _HALF).astype(np.int64), (pairs & _LOW).astype(np.int64)
    order = np.lexsort((earlier, -shared, later))
    later, earlier = later[order], earlier[order]
    edges = [*np.flatnonzero(np.diff(later, prepend=-1)).tolist(), len(later)]
    for begin, end in pairwise(edges):
        yield int(later[begin]), earlier[begin : min(end, begin + _TRIES)].tolist()


def _merge(pairs: np.ndarray, shared: np.ndarray, fresh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs in rising order, each with the number of bands that it shares."""
    both, place = np.unique(np.concatenate([pairs, fresh]), return_inverse=True)
    counts = np.bincount(place, np.concatenate([shared, np.ones(len(fresh), np.int64)]), len(both))
    return both, counts.astype(np.int64)


def _read_bands(
    files: Listing, unique: np.ndarray, rules: DedupRules, which: slice
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The files that have a signature, and some bands of their signatures: uint64, one array a band."""
    count = len(range(*which.indices(bands(rules)[0])))
    wanted, hashes = unique.copy(), np.zeros((count, len(files)), np.uint64)
    for source, path in enumerate(files.work_files):
        here = files.of(source)
        here = here[unique[here]]
        column = pq.read_table(path, columns=["signature"])["signature"].combine_chunks()
        column = column.take(pa.array(files.row[here]))
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        wanted[here[~valid]] = False
        values = np.frombuffer(b"".join(column.drop_null().to_pylist()), np.uint32).reshape(-1, rules.hashes)
        hashes[:, here[valid]] = band_hashes(values, rules)[which]
    numbers = np.flatnonzero(wanted)
    return numbers, [row[numbers] for row in hashes]


def _table(files: Listing, kept_as: np.ndarray, alike: np.ndarray, repeats: np.ndarray) -> pa.Table:
    rejected = np.flatnonzero(~np.isnan(alike))
    names, kept = files.names.take(pa.array(rejected)), files.names.take(pa.array(kept_as[rejected]))
    kept_names = [f"{row['repository']}:{row['path']}" for row in kept.select(["repository", "path"]).to_pylist()]
    exact = repeats[rejected].tolist()
    details = [
        name if same else f"{found:.2f} like {name}"
        for name, same, found in zip(kept_names, exact, alike[rejected].tolist(), strict=True)
    ]
    reasons = ["exact duplicate" if same else "near duplicate" for same in exact]
    columns = [names["repository"], names["path"], reasons, details, kept_names, alike[rejected]]
    return pa.table(dict(zip(DUPLICATES.names, columns, strict=True)), schema=DUPLICATES)
