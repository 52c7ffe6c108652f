"""The text of an index, piece by piece: any stretch of its visible bytes, and the lines that they stand in."""

import zlib
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

import numpy as np

from codegem.data.tracing.layout import LINES, PIECE, STORED, TEXT, VISIBLE, damaged
from codegem.data.tracing.visible import Visible


class Piece(NamedTuple):
    """A piece of the text: its visible bytes, the first of them the `start`-th of the corpus, `line` lines before."""

    start: int
    line: int
    visible: Visible

    @property
    def end(self) -> int:
        """Behind its last visible byte."""
        return self.start + len(self.visible.data)


class StoredText:
    """The text of an index, mapped into memory.

    Args:
        pieces: int64 [4, P + 1], see `layout`.

    Raises:
        UserError: the text is missing, or (when it is read) damaged.
    """

    def __init__(self, folder: Path, pieces: np.ndarray):
        self._folder, self._pieces = folder, pieces
        file = folder / "text.bin"
        self._bytes = np.memmap(file, np.uint8, "r") if file.stat().st_size else np.zeros(0, np.uint8)
        if pieces.shape[0] != 4 or not pieces.shape[1] or pieces[STORED, -1] != len(self._bytes):
            raise damaged(folder, "text.bin and pieces.npy don't fit")

    def piece_at(self, place: int) -> Piece:
        """The piece that holds a visible byte of the corpus."""
        number = bisect_right(self._pieces[VISIBLE], place) - 1
        begin, end = (int(value) for value in self._pieces[STORED, number : number + 2])
        start, following = (int(value) for value in self._pieces[VISIBLE, number : number + 2])
        size = int(self._pieces[TEXT, number + 1] - self._pieces[TEXT, number])
        try:
            unpacker = zlib.decompressobj()
            text = unpacker.decompress(self._bytes[begin:end].tobytes(), PIECE)
        except zlib.error as error:
            raise damaged(self._folder, f"text.bin: {error}") from None
        visible = Visible.of(text)
        if len(text) != size or len(visible.data) != following - start:
            raise damaged(self._folder, f"text.bin: piece {number} is of another length")
        return Piece(start, int(self._pieces[LINES, number]), visible)


class Reader:
    """Reads one copy after another, and keeps the last few pieces."""

    def __init__(self, text: StoredText, most: int = 16):
        self._text, self._most = text, most
        self._pieces: list[Piece] = []

    def piece_at(self, place: int) -> Piece:
        """The piece that holds a visible byte of the corpus."""
        for piece in reversed(self._pieces):
            if piece.start <= place < piece.end:
                return piece
        piece = self._text.piece_at(place)
        self._pieces = [*self._pieces[1 - self._most :], piece]
        return piece

    def same_after(self, place: int, data: np.ndarray) -> int:
        """How many of these visible bytes the corpus has from a place on."""
        done = 0
        while done < len(data):
            piece = self.piece_at(place + done)
            there = piece.visible.data[place + done - piece.start :][: len(data) - done]
            same = _length(there == data[done : done + len(there)])
            done += same
            if same < len(there):
                break
        return done

    def same_before(self, place: int, data: np.ndarray) -> int:
        """How many of these visible bytes, from the last on, the corpus has before a place."""
        done = 0
        while done < len(data):
            piece = self.piece_at(place - done - 1)
            there = piece.visible.data[: place - done - piece.start][-(len(data) - done) :]
            same = _length((there == data[len(data) - done - len(there) : len(data) - done])[::-1])
            done += same
            if same < len(there):
                break
        return done

    def line_at(self, place: int) -> int:
        """How many lines of the corpus end before a visible byte."""
        piece = self.piece_at(place)
        before = piece.visible.raw[: piece.visible.places[place - piece.start]]
        return piece.line + int(np.count_nonzero(before == ord("\n")))


def _length(same: np.ndarray) -> int:
    """How many are true before the first that is not."""
    return len(same) if same.all() else int(np.argmin(same))
