"""Packed contexts to tokens, with holes drawn: what `text.fim.render` gives, as arrays and without encoding twice."""

import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from codegem.data.encoded import Encoder
from codegem.data.fim_sampling import Cut, FimRules, draw_cut, generator
from codegem.data.records import FilePart, PackedContext
from codegem.text.fim import Role, lay_out
from codegem.text.tokenizer import SpecialTokens

if TYPE_CHECKING:
    from tree_sitter import Tree

Piece = tuple[Role, np.ndarray | int]


def render_context(
    context: PackedContext,
    encoder: Encoder,
    rules: FimRules,
    seed: int,
    limit: int,
    trees: "Mapping[str, Tree | None] | None" = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tokens int32 and roles uint8 of a packed context, in at most `limit` tokens.

    A draw of holes that would not fit is drawn again `rules.tries` times, then left. Where even the text
    alone is longer than it was counted (pieces differ at a cut), the context is divided: nothing is lost.

    Args:
        trees: path -> the syntax tree of the whole file, None for prose; asked for as holes are drawn.

    Yields:
        One sequence, or the several that the context was divided into.

    Raises:
        ValueError: one character of one file does not fit.
    """
    special = encoder.tokenizer.special
    waiting = [context]
    while waiting:
        context = waiting.pop()
        for attempt in range(rules.tries + 1):
            pieces: list[Piece] = [(Role.CONTROL, special.bos)]
            for file in context.files:
                rng = generator(seed, "fim", context.repository, file.path, file.part, attempt)
                hole = _hole(file, rules, rng, trees) if attempt < rules.tries else None
                pieces += _pieces(file, hole, special)
            if sum(_length(piece) for _, piece in pieces) <= limit:
                yield _joined(pieces)
                break
        else:
            waiting += reversed(_divide(context))


def _hole(file: FilePart, rules: FimRules, rng: random.Random, trees: "Mapping[str, Tree | None] | None") -> Cut | None:
    """The hole of a file, in bytes of the whole file."""
    if rng.random() >= rules.rate:
        return None
    text = file.text
    cut = draw_cut(text, rules, rng, trees[file.path] if trees else None, file.start)
    if cut is None:
        return None
    start, length = cut.start, cut.end - cut.start
    if len(text) != file.end - file.start:
        start, length = len(text[:start].encode()), len(text[start : cut.end].encode())
    return Cut(file.start + start, file.start + start + length, cut.order)


def _pieces(file: FilePart, hole: Cut | None, special: SpecialTokens) -> list[Piece]:
    """One file of a context, as `fim.render` lays it out."""
    between = file.file.between
    if hole is None:
        content: list[Piece] = [(Role.TEXT, between(file.start, file.end))]
    else:
        parts = between(file.start, hole.start), between(hole.start, hole.end), between(hole.end, file.end)
        content = lay_out(hole.order, *parts, special)
    return [(Role.PATH, file.heading), *content, (Role.CONTROL, special.file_separator)]


def _length(piece: np.ndarray | int) -> int:
    return 1 if isinstance(piece, int) else len(piece)


def _joined(pieces: list[Piece]) -> tuple[np.ndarray, np.ndarray]:
    arrays = [np.array([piece], np.int32) if isinstance(piece, int) else piece for _, piece in pieces]
    roles = np.array([int(role) for role, _ in pieces], np.uint8)
    return np.concatenate(arrays), np.repeat(roles, [len(array) for array in arrays])


def _divide(context: PackedContext) -> list[PackedContext]:
    """The files of a context in two halves, or the lines of its only file."""
    repository, files = context.repository, list(context.files)
    if len(files) > 1:
        middle = len(files) // 2
        return [PackedContext(repository, tuple(part)) for part in (files[:middle], files[middle:])]
    file = files[0]
    half = (file.start + file.end) // 2
    middle = file.file.data.rfind(b"\n", file.start, half) + 1 or file.file.character(half)
    if middle <= file.start:
        raise ValueError(f"{repository}:{file.path} does not fit into a context")
    return [PackedContext(repository, (part,)) for part in (file._replace(end=middle), file._replace(start=middle))]
