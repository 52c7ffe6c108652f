"""Documents of one repository into contexts, and contexts into rows of a batch.

Two steps. `pack_repository` lays a repository's files in an order and cuts that into contexts of at
most `context_length` tokens; a file that is too long is cut between lines. `fill_rows` then puts several
contexts into one row, so that little of it is padding: attention stays inside a context.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Literal

import numpy as np

from codegem.data.fim_sampling import FIM_TOKENS, generator
from codegem.data.records import Document, FilePart, PackedContext
from codegem.text.tokenizer import Tokenizer

Order = Literal["alphabetical", "random"]
_SPARE = 12  # tokens of a context: cutting text for a hole or between lines changes some pieces
# Room, as a share of a context, that is filled with the beginning of the next file: of one that is cut
# anyway, and of one that would be whole in the next context. Less room than that stays to `fill_rows`.
_ROOM_FOR_LONG, _ROOM_FOR_SHORT = 1 / 16, 1 / 4


def order_documents(documents: Sequence[Document], order: Order, seed: int) -> list[Document]:
    """The order in which a repository's files are laid out."""
    return ORDERS[order](documents, seed)


def _alphabetical(documents: Sequence[Document], seed: int) -> list[Document]:
    return sorted(documents, key=lambda document: document.path)


def _random(documents: Sequence[Document], seed: int) -> list[Document]:
    ordered = _alphabetical(documents, seed)
    generator(seed, "order", documents[0].repository).shuffle(ordered)
    return ordered


# From (documents, seed) to the documents in order; a further order is one more row.
ORDERS: dict[Order, Callable[[Sequence[Document], int], list[Document]]] = {
    "alphabetical": _alphabetical,
    "random": _random,
}


def pack_repository(
    documents: Sequence[Document], tokenizer: Tokenizer, widths: np.ndarray, context_length: int
) -> Iterator[PackedContext]:
    """Cut a repository's files, in the order given, into contexts that fit.

    A file that does not fit into the room that is left begins in it and goes on in the next context, where
    the room is worth it: a quarter of a context for a file that could be whole, less for a longer one.

    Args:
        widths: `piece_widths(tokenizer)`.

    Raises:
        ValueError: the context is too short for a path and a line.
    """
    budget = context_length - 1 - _SPARE  # BOS
    encoded = tokenizer.encode_batch([document.text for document in documents])
    paths = [_fitting_path(document.path, tokenizer, budget // 4) for document in documents]
    files: list[FilePart] = []
    room = budget
    for document, tokens, path in zip(documents, encoded, paths, strict=True):
        overhead = len(tokenizer.encode(path + "\n")) + FIM_TOKENS + 1  # <|file_separator|>
        cost = len(tokens) + overhead
        if cost > room and (cost > budget or room >= budget * _ROOM_FOR_SHORT):
            first = room - overhead if room >= budget * _ROOM_FOR_LONG else 0
            parts = _cut(document.text, tokens, widths, first, budget - overhead)
        else:
            parts = [(document.text, len(tokens))]
        for index, (text, count) in enumerate(parts):
            if count + overhead > room and files:
                yield PackedContext(document.repository, tuple(files))
                files, room = [], budget
            if text:
                files.append(FilePart(path, text, index))
                room -= count + overhead
    if files:
        yield PackedContext(documents[0].repository, tuple(files))


def piece_widths(tokenizer: Tokenizer) -> np.ndarray:
    """int32 [V]: how many bytes each id stands for."""
    return np.array([len(tokenizer.piece_bytes(token)) for token in range(tokenizer.vocab_size)], np.int32)


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


def _fitting_path(path: str, tokenizer: Tokenizer, most: int) -> str:
    """The end of a path, in at most `most` tokens: all of it, but for names as long as a context."""
    while path and len(tokenizer.encode(path + "\n")) > most:
        path = path[(len(path) + 1) // 2 :]
    return path


def _cut(text: str, tokens: Sequence[int], widths: np.ndarray, first: int, budget: int) -> list[tuple[str, int]]:
    """Parts of a text as (text, tokens): the first of at most `first` tokens, the others of `budget`.

    The first part is empty where `first` has no room for a line.
    """
    lines = _short_lines(text, budget // 4)
    ends = np.fromiter(accumulate(len(line.encode()) for line in lines), np.int64, len(lines))
    # costs[i]: tokens that reach into the first i lines
    costs = np.concatenate([[0], np.searchsorted(np.cumsum(widths[np.asarray(tokens)]), ends) + 1])
    parts, start, limit = [], 0, first
    while start < len(lines):
        end = int(np.searchsorted(costs, costs[start] + limit, side="right")) - 1
        if end <= start and limit == budget:
            raise ValueError(f"a line of {costs[start + 1] - costs[start]} tokens in contexts of {budget}")
        end = max(end, start)
        parts.append(("".join(lines[start:end]), int(costs[end] - costs[start])))
        start, limit = end, budget
    return parts


def _short_lines(text: str, most: int) -> list[str]:
    """Lines with their line breaks; one of more than `most` characters is cut (4 tokens each at most)."""
    if most < 1:
        raise ValueError("the context is too short for the path of a file and one line of it")
    return [
        line[start : start + most] for line in text.splitlines(keepends=True) for start in range(0, len(line), most)
    ]
