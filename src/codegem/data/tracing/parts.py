"""What one source brings to an index: its text in compressed pieces, and its fingerprints in their order."""

import json
import zlib
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from codegem.data.tracing.layout import PIECE
from codegem.data.tracing.visible import STEP, WIDTH, Visible, fingerprints

_LEVEL = 6  # of zlib: 9 makes the text 1% smaller in twice the time


class TracedFile(NamedTuple):
    """A file of the corpus as it was learned."""

    repository: str
    path: str
    licence: str | None
    language: str
    text: str


class Part(NamedTuple):
    """The files of a part of an index, all named after its `stem`."""

    stem: Path

    @property
    def summary(self) -> Path:
        """Written last."""
        return self.stem.with_name(self.stem.name + ".json")

    def file(self, name: str) -> Path:
        """One of text.bin, files.jsonl, pieces.npy, files.npy, hashes.npy and numbers.npy."""
        return self.stem.with_name(f"{self.stem.name}.{name}")

    def array(self, name: str) -> np.ndarray:
        """One of its arrays, mapped into memory."""
        return np.load(self.file(f"{name}.npy"), mmap_mode="r", allow_pickle=False)


def write_part(part: Part, files: Iterable[TracedFile]) -> None:
    """Write the files of a part; memory holds its fingerprints, 12 bytes for `STEP` visible bytes, and one file."""
    part.stem.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        text, names = (stack.enter_context(part.file(name).open("wb")) for name in ("text.bin", "files.jsonl"))
        pieces, writer = _Pieces(text), _Files(names)
        for file in files:
            visible = writer.add(file)
            pieces.add(visible.raw.tobytes())
        pieces.close()
    np.save(part.file("pieces.npy"), np.array(pieces.starts, "<i8").T)
    np.save(part.file("files.npy"), np.array(writer.starts, "<i8").T)
    hashes, numbers = writer.fingerprints()
    np.save(part.file("hashes.npy"), hashes)
    np.save(part.file("numbers.npy"), numbers)
    part.summary.write_text(json.dumps({"files": len(writer.starts) - 1}) + "\n", encoding="utf-8")


class _Pieces:
    """Cuts a stream of text into pieces and compresses them.

    Attributes:
        starts: rows of `layout`'s pieces.npy, the end behind the last.
    """

    def __init__(self, out: BinaryIO):
        self.starts = [(0, 0, 0, 0)]
        self._out, self._rest = out, b""

    def add(self, text: bytes) -> None:
        self._rest += text
        begin = 0
        while len(self._rest) - begin >= PIECE:
            self._write(self._rest[begin : begin + PIECE])
            begin += PIECE
        self._rest = self._rest[begin:]

    def close(self) -> None:
        if self._rest:
            self._write(self._rest)

    def _write(self, text: bytes) -> None:
        packed = zlib.compress(text, _LEVEL)
        self._out.write(packed)
        stored, total, visible, lines = self.starts[-1]
        seen = int(np.count_nonzero(np.frombuffer(text, np.uint8) > 32))
        self.starts.append((stored + len(packed), total + len(text), visible + seen, lines + text.count(b"\n")))


class _Files:
    """Names files, and takes their fingerprints.

    Attributes:
        starts: rows of `layout`'s files.npy, the end behind the last.
    """

    def __init__(self, names: BinaryIO):
        self.starts = [(0, 0, 0, 0, 0)]
        self._names = names
        self._hashes: list[np.ndarray] = []
        self._numbers: list[np.ndarray] = []

    def add(self, file: TracedFile) -> Visible:
        visible = Visible.of(file.text.encode("utf-8", "replace"))
        text, seen, lines, numbers, names = self.starts[-1]
        row = [file.repository, file.path, file.licence, file.language]
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        self._names.write(line)
        places = np.arange(0, max(0, len(visible.data) - WIDTH + 1), STEP)
        self._hashes.append(fingerprints(visible.data, places))
        self._numbers.append((np.arange(len(places)) + numbers).astype("<u4"))
        self.starts.append(
            (
                text + len(visible.raw),
                seen + len(visible.data),
                lines + int(np.count_nonzero(visible.raw == ord("\n"))),
                numbers + len(places),
                names + len(line),
            )
        )
        return visible

    def fingerprints(self) -> tuple[np.ndarray, np.ndarray]:
        """All fingerprints in their order, and their numbers."""
        hashes = np.concatenate([*self._hashes, np.zeros(0, np.uint64)])
        numbers = np.concatenate([*self._numbers, np.zeros(0, "<u4")])
        order = np.argsort(hashes, kind="stable")
        return hashes[order], numbers[order]
