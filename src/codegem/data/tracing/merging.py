"""Parts of an index to the index: its size bounded, its bytes the same whoever made the parts."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from codegem.data.tracing.layout import FILE_PLACES, FINGERPRINTS, MOST_PLACES, TABLES, Header, bucket_bits, keys_of
from codegem.data.tracing.parts import Part
from codegem.data.tracing.visible import STEP, WIDTH
from codegem.errors import UserError

Report = Callable[[int, int], None]
"""Called with what is done and how much there is, of fingerprints."""

_TOGETHER = 1 << 22  # fingerprints that are sorted at once
_ENTRY = 8.5  # bytes of one in the index, at most, its bucket's share included
_HASH_BLOCK = 1 << 20


def merge(
    parts: Sequence[Part],
    out: Path,
    *,
    dataset: str,
    megabytes: float | None = None,
    report: Report = lambda done, total: None,
) -> Header:
    """Write an index from its parts.

    Args:
        parts: in the order of their sources.
        out: the folder to make.
        dataset: hash of the data set that it is of.
        megabytes: what all of it may have; fewer fingerprints are kept where it would be more, and only longer
            copies are certain to be found.

    Raises:
        UserError: the text alone is larger, or there is more of it than places can be told apart.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.json").unlink(missing_ok=True)
    for name in ("text.bin", "files.jsonl"):
        _join([part.file(name) for part in parts], out / name)
    pieces = _stacked([part.array("pieces") for part in parts])
    files = _stacked([part.array("files") for part in parts])
    np.save(out / "pieces.npy", pieces)
    np.save(out / "files.npy", files)
    if files[FILE_PLACES, -1] >= MOST_PLACES:
        raise UserError(f"A corpus of {files[1, -1] / 1e9:.0f} GB of code is too large for one index, which has 100.")
    every = _every(files, sum(_sizes(out, TABLES).values()), megabytes)
    kept = _write_fingerprints(parts, files, every, out, report)
    header = Header(
        identity="",
        dataset=dataset,
        every=every,
        certain=every * STEP + WIDTH - 1,
        files=files.shape[1] - 1,
        text_bytes=int(files[0, -1]),
        visible_bytes=int(files[1, -1]),
        fingerprints=kept,
        sizes=_sizes(out, (*TABLES, *FINGERPRINTS)),
    )
    header = replace(header, identity=_identity(header, out))
    header.write(out)
    return header


def _sizes(folder: Path, names: Sequence[str]) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in names}


def _every(files: np.ndarray, written: int, megabytes: float | None) -> int:
    """Which fingerprints are kept: the most that fit."""
    if megabytes is None:
        return 1
    room = int(megabytes * 1e6) - written - 1024  # and what .npy files begin with
    each = np.diff(files[FILE_PLACES])
    if room < _ENTRY * np.count_nonzero(each):
        least = (written + _ENTRY * np.count_nonzero(each)) / 1e6 + 1
        raise UserError(f"The index can't be made in {megabytes:g} MB: its text alone needs {least:.0f}.")
    every = max(1, int(_ENTRY * each.sum() / room))
    while _ENTRY * _kept(each, every) > room:
        every += 1
    return every


def _kept(each: np.ndarray, every: int) -> int:
    """Fingerprints of files that have so many, if each `every`-th is kept."""
    return int((-(-each // every)).sum())


def _write_fingerprints(parts: Sequence[Part], files: np.ndarray, every: int, out: Path, report: Report) -> int:
    total = _kept(np.diff(files[FILE_PLACES]), every)
    bits = bucket_bits(total)
    kinds = {"keys": (total,), "places": (total,), "buckets": ((1 << bits) + 1,)}
    arrays = {
        name: np.lib.format.open_memmap(out / f"{name}.npy", "w+", np.dtype("<u4"), shape)
        for name, shape in kinds.items()
    }
    done = 0
    counts = np.zeros(1 << bits, np.int64)
    for hashes, places in _ranges(parts, files[FILE_PLACES]):
        if every > 1:
            owners = np.searchsorted(files[FILE_PLACES], places, side="right") - 1
            chosen = (places - files[FILE_PLACES, owners]) % every == 0
            hashes, places = hashes[chosen], places[chosen]
        rows = slice(done, done + len(hashes))
        buckets, arrays["keys"][rows] = keys_of(hashes, bits)
        arrays["places"][rows] = places
        counts += np.bincount(buckets, minlength=len(counts))
        done += len(hashes)
        report(done, total)
    arrays["buckets"][1:] = np.cumsum(counts)
    for array in arrays.values():
        array.flush()
    return done


def _ranges(parts: Sequence[Part], numbers: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All fingerprints in their order, a range of them at a time, each with its number in the corpus.

    Args:
        numbers: int64 [F + 1], the first number of each file.
    """
    opened = [(part.array("hashes"), part.array("numbers")) for part in parts]
    ranges = max(1, -(-int(numbers[-1]) // _TOGETHER))
    edges = [(index << 64) // ranges for index in range(1, ranges)]
    cuts = [[0, *np.searchsorted(hashes, np.array(edges, np.uint64)).tolist(), len(hashes)] for hashes, _ in opened]
    before = np.cumsum([0, *(len(hashes) for hashes, _ in opened)])
    for index in range(ranges):
        slices = [slice(cut[index], cut[index + 1]) for cut in cuts]
        hashes = np.concatenate([part[0][rows] for part, rows in zip(opened, slices, strict=True)])
        places = np.concatenate(
            [part[1][rows] + first for part, rows, first in zip(opened, slices, before, strict=False)]
        )
        order = np.argsort(hashes, kind="stable")
        yield hashes[order], places[order]


def _stacked(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Tables of beginnings one after another: int64 [N, M + 1], the end behind the last."""
    end = np.zeros((len(tables[0]), 1), np.int64)
    columns = [end]
    for table in tables:
        columns.append(table[:, 1:] + end)
        end = end + table[:, -1:]
    return np.ascontiguousarray(np.concatenate(columns, axis=1), "<i8")


def _join(files: Sequence[Path], out: Path) -> None:
    with out.open("wb") as joined:
        for file in files:
            with file.open("rb") as part:
                shutil.copyfileobj(part, joined, _HASH_BLOCK)


def _identity(header: Header, folder: Path) -> str:
    digest = hashlib.sha256(json.dumps([header.dataset, header.every]).encode())
    for name in header.sizes:
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
