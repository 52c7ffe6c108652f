"""The files of an index, and opening them as memory maps.

A folder `trace/` holds `index.json` (an `Header`), and beside it

- `text.bin`: the text of the corpus as it was learned, in pieces of 32 KiB compressed by zlib, each source beginning
  a new one;
- `pieces.npy`: int64 [4, P + 1], where each piece begins: in `text.bin`, in the text, in its visible bytes, in lines;
- `files.npy`: int64 [5, F + 1], where each file begins: in the text, in its visible bytes, in lines, in fingerprints,
  in `files.jsonl`;
- `files.jsonl`: repository, path, licence and language of each file;
- `buckets.npy`: uint32 [2**B + 1], where the fingerprints with the same first B bits begin, some 16 in each;
- `keys.npy`: uint32 [K], of each fingerprint the next 16 bits and the last 16 (`visible.fingerprints`), in the order
  of the fingerprints;
- `places.npy`: uint32 [K], the number of each fingerprint, counted through the files: file i has the numbers from
  files[3, i], one for every `STEP` visible bytes.

Numbers are little-endian; `index.json` is written last.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codegem.errors import UserError

FORMAT = 1
FOLDER = "trace"
PIECE = 1 << 15  # bytes of text that are compressed together
MOST_PLACES = 1 << 32  # fingerprints of an index: places are numbers of 32 bits
# The rows of `pieces.npy` and `files.npy`.
STORED, TEXT, VISIBLE, LINES = range(4)
FILE_TEXT, FILE_VISIBLE, FILE_LINES, FILE_PLACES, FILE_NAMES = range(5)

TABLES, FINGERPRINTS = ("text.bin", "files.jsonl", "pieces.npy", "files.npy"), ("buckets.npy", "keys.npy", "places.npy")
_ARRAYS = {"pieces": ("<i8", 2), "files": ("<i8", 2), "buckets": ("<u4", 1), "keys": ("<u4", 1), "places": ("<u4", 1)}


@dataclass(frozen=True)
class Header:
    """What an index is.

    Attributes:
        identity: SHA-256 over everything in it.
        dataset: hash of the data set that it is of.
        every: each `every`-th fingerprint of a file is kept.
        certain: a copy of so many visible bytes is found wherever it lies.
        files, text_bytes, visible_bytes, fingerprints: how much it holds.
        sizes: bytes of each file beside `index.json`.
    """

    identity: str
    dataset: str
    every: int
    certain: int
    files: int
    text_bytes: int
    visible_bytes: int
    fingerprints: int
    sizes: dict[str, int]
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        """Of all files beside `index.json`."""
        return sum(self.sizes.values())

    def write(self, folder: Path) -> None:
        """Make the index complete."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"
        (folder / "index.json").write_text(text, encoding="utf-8")


def bucket_bits(fingerprints: int) -> int:
    """Leading bits by which so many fingerprints are told apart before they are searched."""
    return min(24, max(4, (fingerprints // 16).bit_length()))


def keys_of(fingerprints: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """The bucket of each fingerprint, and its key within that: int64.

    Args:
        fingerprints: uint64.
        bits: that choose a bucket.
    """
    buckets = (fingerprints >> np.uint64(64 - bits)).astype(np.int64)
    middle = (fingerprints >> np.uint64(32 - bits)).astype(np.int64) & 0xFFFF0000
    return buckets, middle | (fingerprints & np.uint64(0xFFFF)).astype(np.int64)


def folder_of(path: Path) -> Path:
    """The folder of an index: the one named, or `trace/` in the data set that is named."""
    return path if (path / "index.json").is_file() else path / FOLDER


def read_header(path: Path) -> Header:
    """What an index is, without its arrays.

    Args:
        path: of the index, or of a data set that has one.

    Raises:
        UserError: there is none, or it is damaged or of another format.
    """
    folder = folder_of(path)
    try:
        values = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise UserError(f"{folder} is an index of format {values['format']}, and this codegem reads {FORMAT}.")
        header = Header(**values)
        if set(header.sizes) != {*TABLES, *FINGERPRINTS}:
            raise ValueError("other files")
        numbers = (header.every, header.certain, header.files, *header.sizes.values())
        if not all(isinstance(number, int) and number >= 0 for number in numbers) or header.every < 1:
            raise ValueError("a number is none")
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{path} holds no index for tracing: `codegem data build … --trace` makes one with a data set, and "
            "`codegem trace build DATA SOURCE…` of one that exists."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, f"index.json: {error!r:.100}") from None
    for name, size in header.sizes.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != size:
            found = f"{file.stat().st_size} bytes" if file.is_file() else "not there"
            raise damaged(folder, f"{name} is {found}, and should have {size}")
    return header


def load_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of an index as memory maps, by their names.

    Raises:
        UserError: one is damaged.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, (kind, dimensions) in _ARRAYS.items():
        try:
            array: Any = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise damaged(folder, f"{name}.npy: {error!s:.100}") from None
        if array.dtype != np.dtype(kind) or array.ndim != dimensions:
            raise damaged(folder, f"{name}.npy holds {array.dtype} {list(array.shape)}")
        arrays[name] = np.asarray(array)  # a plain view of the map: indexing one is faster
    buckets, keys = len(arrays["buckets"]) - 1, len(arrays["keys"])
    if keys != len(arrays["places"]) or buckets.bit_count() != 1 or arrays["buckets"][-1] != keys:
        raise damaged(folder, "its arrays are of different lengths")
    return arrays


def damaged(folder: Path, what: str) -> UserError:
    """The sentence about an index that can't be used."""
    return UserError(f"The index in {folder} is damaged ({what}): delete it and build it again.")
