"""The fill-in-the-middle grammar: source files to tokens and back.

Training text and prompts come from this one module, so they can't differ. The layouts, with P, M and
S for the prefix, middle and suffix of one file:

    PSM         path\n <|fim_prefix|> P <|fim_suffix|> S <|fim_middle|> M <|file_separator|>
    SPM         path\n <|fim_suffix|> S <|fim_prefix|> P <|fim_middle|> M <|file_separator|>
    SPM_JOINED  path\n <|fim_prefix|> <|fim_suffix|> S <|fim_middle|> P M <|file_separator|>
    no hole     path\n content <|file_separator|>

PSM is CodeGemma's published layout (arXiv 2406.11409, figures 2 and 4): the path line stands before the
first fill-in-the-middle token and no white space is added. Its SPM is not published; SPM and SPM_JOINED
are the two variants of Bavarian et al., arXiv 2207.14255.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TypeVar

from codegem.text.tokenizer import NAMES, Encoder, SpecialTokens, Tokenizer

T = TypeVar("T")


class Order(StrEnum):
    """Which part of a file comes first."""

    PSM = "psm"
    SPM = "spm"
    SPM_JOINED = "spm-joined"


class Role(IntEnum):
    """What a token is in a rendered sequence: of files, or of a conversation (`text.chat`)."""

    CONTROL = 0
    PATH = 1
    TEXT = 2
    PREFIX = 3
    MIDDLE = 4
    SUFFIX = 5
    QUESTION = 6
    ANSWER = 7


@dataclass(frozen=True)
class Hole:
    """A file whose middle is to be filled; prefix + middle + suffix is its text."""

    prefix: str
    middle: str
    suffix: str
    order: Order = Order.PSM


@dataclass(frozen=True)
class SourceFile:
    """One file of a sequence: whole text, or text with a hole. The path is one line, or absent."""

    path: str | None
    content: str | Hole


@dataclass(frozen=True)
class Rendered:
    """Token ids, and the `Role` of each."""

    tokens: list[int]
    roles: list[int]


def render(files: Sequence[SourceFile], tokenizer: Encoder, *, bos: bool = True) -> Rendered:
    """Tokens of files in their order, each ended by `<|file_separator|>`.

    >>> from codegem.text.tokenizer import ByteTokenizer
    >>> render([SourceFile("a", Hole("x", "y", "z"))], ByteTokenizer()).tokens
    [2, 107, 20, 4, 130, 6, 132, 5, 131, 7]

    Raises:
        ValueError: a path holds a line break.
    """
    special = tokenizer.special
    tokens, roles = ([special.bos], [int(Role.CONTROL)]) if bos else ([], [])
    for file in files:
        for role, piece in _pieces(file, special):
            ids = tokenizer.encode(piece) if isinstance(piece, str) else [piece]
            tokens += ids
            roles += [int(role)] * len(ids)
    return Rendered(tokens, roles)


def prompt(
    prefix: str,
    suffix: str,
    tokenizer: Encoder,
    *,
    path: str | None = None,
    context: Sequence[tuple[str, str]] = (),
    order: Order = Order.PSM,
    bos: bool = True,
) -> list[int]:
    """Tokens that ask for the middle: `render` with nothing in the hole, up to where the middle begins.

    Args:
        context: other files as (path, text), before the one to be filled.
    """
    files = [SourceFile(name, text) for name, text in context]
    files.append(SourceFile(path, Hole(prefix, "", suffix, order)))
    return render(files, tokenizer, bos=bos).tokens[:-1]


def prompt_text(
    prefix: str,
    suffix: str,
    *,
    path: str | None = None,
    context: Sequence[tuple[str, str]] = (),
    order: Order = Order.PSM,
) -> str:
    """`prompt` as text, with the names of special tokens and without BOS: for servers that tokenize it themselves.

    >>> prompt_text("x", "z", path="a.py")
    'a.py\\n<|fim_prefix|>x<|fim_suffix|>z<|fim_middle|>'
    """
    names = [aliases[0] for aliases in NAMES.values()]
    special = SpecialTokens(**{field: index for index, field in enumerate(NAMES)})
    files = [SourceFile(name, text) for name, text in context]
    files.append(SourceFile(path, Hole(prefix, "", suffix, order)))
    pieces = [piece for file in files for _, piece in _pieces(file, special)][:-1]
    return "".join(piece if isinstance(piece, str) else names[piece] for piece in pieces)


def cursor_last(tokens: list[int], tokenizer: Tokenizer) -> list[int]:
    """The tokens of a prompt in such an order that what stands before the hole comes last.

    An answer goes on from there, wherever the layout has it. Other tokens come back as they are.

    >>> from codegem.text.tokenizer import ByteTokenizer
    >>> bytes_ = ByteTokenizer()
    >>> cursor_last(prompt("x", "z", bytes_, order=Order.PSM), bytes_)
    [2, 6, 132, 4, 130]
    """
    special = tokenizer.special
    if tokens[-1:] != [special.fim_middle] or not {special.fim_prefix, special.fim_suffix} <= set(tokens):
        return tokens
    prefix, suffix = (len(tokens) - 1 - tokens[::-1].index(id) for id in (special.fim_prefix, special.fim_suffix))
    if suffix < prefix:
        return tokens[:-1]
    return tokens[:prefix] + tokens[suffix:-1] + tokens[prefix:suffix]


def stop_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """Ids that end a completion: `<eos>` and the four fill-in-the-middle tokens."""
    s = tokenizer.special
    return frozenset((s.eos, s.fim_prefix, s.fim_middle, s.fim_suffix, s.file_separator))


def parse(tokens: Sequence[int], tokenizer: Tokenizer, *, paths: bool = True) -> list[SourceFile]:
    """The files that `render` was given.

    Two things are the same sequence and can't be told apart: SPM_JOINED is read as PSM with an empty
    prefix and P + M as its middle; and whether a file without a hole begins with a path line is not
    marked, so `paths` says it.

    Raises:
        ValueError: the tokens are not of the grammar.
    """
    if tokens and tokens[0] == tokenizer.special.bos:
        tokens = tokens[1:]
    files, start = [], 0
    for end, token in enumerate(tokens):
        if token == tokenizer.special.file_separator:
            files.append(_parse_file(tokens[start:end], tokenizer, paths))
            start = end + 1
    if start != len(tokens):
        raise ValueError(f"the last {len(tokens) - start} tokens are not ended by <|file_separator|>")
    return files


def text_of(tokens: Sequence[int], tokenizer: Tokenizer) -> str:
    """The text of tokens that are nothing else.

    Raises:
        ValueError: one of them is special or unknown.
    """
    strange = [token for token in tokens if not tokenizer.piece_bytes(token)]
    if strange:
        raise ValueError(f"id {strange[0]} stands for no text")
    return tokenizer.decode(tokens)


def _pieces(file: SourceFile, special: SpecialTokens) -> list[tuple[Role, str | int]]:
    """One file as (role, text or special id), in the order of its layout."""
    path: list[tuple[Role, str | int]] = []
    if file.path is not None:
        if "\n" in file.path:
            raise ValueError(f"a path can't hold a line break: {file.path!r}")
        path = [(Role.PATH, file.path + "\n")]
    end = (Role.CONTROL, special.file_separator)
    if isinstance(file.content, str):
        return [*path, (Role.TEXT, file.content), end]
    hole = file.content
    return [*path, *lay_out(hole.order, hole.prefix, hole.middle, hole.suffix, special), end]


def lay_out(order: Order, prefix: T, middle: T, suffix: T, special: SpecialTokens) -> list[tuple[Role, T | int]]:
    """The three parts of a file, as text or as anything else, and special ids between them.

    >>> from codegem.text.tokenizer import ByteTokenizer
    >>> [part for _, part in lay_out(Order.PSM, "P", "M", "S", ByteTokenizer().special)]
    [4, 'P', 6, 'S', 5, 'M']
    """
    before = (Role.CONTROL, special.fim_prefix), (Role.PREFIX, prefix)
    after = (Role.CONTROL, special.fim_suffix), (Role.SUFFIX, suffix)
    last = (Role.CONTROL, special.fim_middle), (Role.MIDDLE, middle)
    match order:
        case Order.PSM:
            return [*before, *after, *last]
        case Order.SPM:
            return [*after, *before, *last]
        case Order.SPM_JOINED:
            return [before[0], *after, last[0], before[1], last[1]]


def _parse_file(tokens: Sequence[int], tokenizer: Tokenizer, paths: bool) -> SourceFile:
    special = tokenizer.special
    names = {special.fim_prefix: "prefix", special.fim_suffix: "suffix", special.fim_middle: "middle"}
    marks = [i for i, token in enumerate(tokens) if token in names]
    if not marks:
        text = text_of(tokens, tokenizer)
        if not paths:
            return SourceFile(None, text)
        path, line_break, content = text.partition("\n")
        if not line_break:
            raise ValueError("a file without a path line")
        return SourceFile(path, content)
    order = [names[tokens[i]] for i in marks]
    if order not in (["prefix", "suffix", "middle"], ["suffix", "prefix", "middle"]):
        raise ValueError(f"fill-in-the-middle tokens in the order {', '.join(order)}")
    head = text_of(tokens[: marks[0]], tokenizer)
    if head and head.find("\n") != len(head) - 1:
        raise ValueError(f"what stands before the first fill-in-the-middle token is not one line: {head!r}")
    ends = [*marks[1:], len(tokens)]
    parts = {name: text_of(tokens[i + 1 : end], tokenizer) for name, i, end in zip(order, marks, ends, strict=True)}
    layout = Order.PSM if order[0] == "prefix" else Order.SPM
    return SourceFile(head[:-1] if head else None, Hole(**parts, order=layout))
