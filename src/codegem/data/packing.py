"""Documents of one repository into contexts, and contexts into rows of a batch.

Two steps. `pack_repository` cuts a repository's files, in the order given, into contexts of at most
`context_length` tokens; a file that is too long is cut between lines. `fill_rows` then puts several
contexts into one row, so that little of it is padding: attention stays inside a context.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from codegem.data.encoded import EncodedText, Encoder
from codegem.data.fim_sampling import FIM_TOKENS, generator
from codegem.data.records import Document, FilePart, PackedContext

# "dependency": as `dependencies` says. "none": as they came, each file in contexts of its own.
Order = Literal["dependency", "alphabetical", "random", "none"]
ORDERS: tuple[Order, ...] = get_args(Order)
_SPARE = 12  # tokens of a context: cutting text for a hole or between lines changes some pieces
# Room, in tokens and as a share of a context, that is filled with the beginning of the next file: of one that is
# cut anyway, and of one that would be whole in the next context. Less room than both stays to `fill_rows`.
_ROOM_FOR_LONG, _ROOM_FOR_SHORT = (128, 1 / 16), (256, 1 / 8)
_LEAST = 4  # tokens for the text of a file in a context: one character


def order_documents(
    documents: Sequence[Document], order: Literal["alphabetical", "random", "none"], seed: int
) -> list[Document]:
    """A repository's files in one of the orders that need no dependency graph."""
    if order == "none":
        return list(documents)
    ordered = sorted(documents, key=lambda document: document.path)
    if order == "random" and ordered:
        generator(seed, "order", ordered[0].repository).shuffle(ordered)
    return ordered


def pack_repository(
    documents: Sequence[Document], encoder: Encoder, context_length: int, *, together: bool = True
) -> Iterator[PackedContext]:
    """Cut a repository's files, in the order given, into contexts that fit.

    A file that does not fit into the room that is left begins in it and goes on in the next context, where
    the room is worth it: an eighth of a context for a file that could be whole, less for a longer one.

    Args:
        together: whether files share contexts, as in every order but "none".

    Raises:
        ValueError: the context is too short for a path and one character, or a path holds a line break.
    """
    budget = context_length - 1 - _SPARE  # BOS
    encoded = encoder.encode([document.text for document in documents])
    files: list[FilePart] = []
    room = budget
    for document, heading, file in zip(documents, _headings(documents, encoder, budget // 4), encoded, strict=True):
        if files and not together:
            yield PackedContext(document.repository, tuple(files))
            files, room = [], budget
        overhead = len(heading.tokens) + FIM_TOKENS + 1  # <|file_separator|>
        if budget - overhead < _LEAST:
            raise ValueError("the context is too short for the path of a file and one character of it")
        for index, (start, end, count) in enumerate(_parts(file, overhead, room, budget)):
            if count + overhead > room and files:
                yield PackedContext(document.repository, tuple(files))
                files, room = [], budget
            if count:
                files.append(FilePart(document.path, heading.tokens, file, start, end, index))
                room -= count + overhead
    if files:
        yield PackedContext(documents[0].repository, tuple(files))


def fill_rows(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Best fit, longest first: indices of the sequences that share a row.

    >>> fill_rows([6, 3, 5, 4, 1], 10)
    [[0, 3], [2, 1, 4]]

    Raises:
        ValueError: a sequence is longer than a row.
    """
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (tokens left, row), sorted
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        length = lengths[index]
        if length > capacity:
            raise ValueError(f"a sequence of {length} tokens in rows of {capacity}")
        place = bisect_left(room, (length, -1))
        if place == len(room):
            rows.append([])
            left, row = capacity, len(rows) - 1
        else:
            left, row = room.pop(place)
        rows[row].append(index)
        if left > length:
            insort(room, (left - length, row))
    return rows


def _headings(documents: Sequence[Document], encoder: Encoder, most: int) -> Iterator[EncodedText]:
    """The path line of each file, or its end in at most `most` tokens, for names as long as a context."""
    for document, heading in zip(documents, encoder.encode([f"{d.path}\n" for d in documents]), strict=True):
        path = document.path
        if "\n" in path:
            raise ValueError(f"a path can't hold a line break: {path!r}")
        while path and len(heading.tokens) > most:
            path = path[(len(path) + 1) // 2 :]
            (heading,) = encoder.encode([f"{path}\n"])
        yield heading


def _parts(file: EncodedText, overhead: int, room: int, budget: int) -> Iterator[tuple[int, int, int]]:
    """Parts of a file as (start, end, tokens), in bytes: the first fits into the room, or is empty."""
    cost, size = len(file.tokens) + overhead, len(file.data)
    if cost <= room or (cost <= budget and not _is_worth(_ROOM_FOR_SHORT, room, budget)):
        yield 0, size, len(file.tokens)
        return
    most = room - overhead if _is_worth(_ROOM_FOR_LONG, room, budget) else 0
    start = end = _lines_end(file, 0, most)
    yield 0, end, file.count(0, end)
    most = budget - overhead
    while start < size:
        end = _lines_end(file, start, most)
        if end == start:  # not one line fits: as many units as do, or as many bytes
            end = file.furthest(start, most)
            end = end if end > start else file.character(start + most)
        yield start, end, file.count(start, end)
        start = end


def _is_worth(least: tuple[int, float], room: int, budget: int) -> bool:
    tokens, share = least
    return room >= min(tokens, budget * share)


def _lines_end(file: EncodedText, start: int, most: int) -> int:
    """The end of the last line up to which there are at most `most` tokens; `start` if there is none."""
    end = file.furthest(start, most)
    return end if end == len(file.data) else max(start, file.data.rfind(b"\n", start, end) + 1)
