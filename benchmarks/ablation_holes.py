"""What every row of the ablation is asked: seeded places of held-out files, as token sequences.

    line         a line, from its first character after the indentation to its end
    lines        two to eight whole lines
    characters   from a random character to another, up to 256 of them
    with others  the same lines, with the most important file that theirs imports in front of it, whole or its beginning
    left to right  the whole file, up to the length of a context

One place of each kind in each of the files that were drawn. The first three and the fourth are asked in PSM and SPM;
of a file, what stands within a window around the place is shown, the same for all rows.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codegem.data.records import Document
from codegem.evaluation.repository.files import Files
from codegem.text.fim import Order, lay_out
from codegem.text.tokenizer import Tokenizer

PREFIX, SUFFIX, MIDDLE = 160, 96, 96  # tokens of the window
_LAYOUTS = (Order.PSM, Order.SPM)


@dataclass(frozen=True)
class Question:
    """A sequence of tokens, of which those from `start` to `end` are judged.

    Attributes:
        characters: what they stand for.
        stops: whether the token at `end` ends a middle, and is judged by itself.
    """

    measure: str
    file: str
    tokens: tuple[int, ...]
    start: int
    end: int
    characters: int
    stops: bool = True


def questions(files: Files, tokenizer: Tokenizer, context_length: int, count: int, seed: int) -> list[Question]:
    """All questions, about `count` files."""
    long_enough = [each for each in files.documents if len(each.text.splitlines()) >= 8]
    drawn = random.Random(seed).sample(long_enough, min(count, len(long_enough)))
    asked = [question for document in drawn for question in _of_file(document, tokenizer, context_length, seed)]
    importing = [each for each in long_enough if files.needed(each)]
    for document in random.Random(seed).sample(importing, min(count, len(importing))):
        asked += _with_others(files, document, tokenizer, context_length, seed)
    return asked


def spans(text: str, rng: random.Random) -> dict[str, tuple[int, int]]:
    """A place of each kind, from one character to another."""
    starts, position = [], 0
    for line in text.split("\n"):
        if line.strip():
            starts.append((position + len(line) - len(line.lstrip()), position + len(line)))
        position += len(line) + 1
    line = rng.choice(starts)
    count = rng.randint(2, 8)
    first = rng.randrange(max(1, len(starts) - count + 1))
    lines = starts[first][0], starts[min(first + count, len(starts)) - 1][1]
    begin = rng.randrange(len(text.rstrip()) - 1)
    length = int(math.exp(rng.uniform(0, math.log(257))))
    return {"line": line, "lines": lines, "characters": (begin, min(begin + length, len(text)))}


def _of_file(document: Document, tokenizer: Tokenizer, context_length: int, seed: int) -> Iterator[Question]:
    rng = random.Random(f"{seed}/{document.repository}/{document.path}")
    for kind, span in spans(document.text, rng).items():
        for order in _LAYOUTS:
            yield _hole(f"{kind} {order}", document, span, order, tokenizer)
    path, text = _path(document, tokenizer), tokenizer.encode(document.text)
    text = text[: context_length - 1 - len(path)]
    tokens = (tokenizer.special.bos, *path, *text)
    characters = len(tokenizer.decode(text))
    yield Question("left to right", _name(document), tokens, 1 + len(path), len(tokens), characters, stops=False)


def _with_others(
    files: Files, document: Document, tokenizer: Tokenizer, context_length: int, seed: int
) -> Iterator[Question]:
    """A line alone and with an imported file in front of it."""
    rng = random.Random(f"{seed}/{document.repository}/{document.path}/others")
    span, other = spans(document.text, rng)["line"], files.needed(document)[-1]
    for order in _LAYOUTS:
        alone = _hole(f"importing {order}", document, span, order, tokenizer)
        yield alone
        path = _path(other, tokenizer)
        room = context_length - len(alone.tokens) - len(path) - 1
        shown = [*path, *tokenizer.encode(other.text)[:room], tokenizer.special.file_separator]
        tokens = (alone.tokens[0], *shown, *alone.tokens[1:])
        moved = alone.start + len(shown), alone.end + len(shown)
        yield Question(f"with others {order}", alone.file, tokens, *moved, alone.characters)


def _hole(measure: str, document: Document, span: tuple[int, int], order: Order, tokenizer: Tokenizer) -> Question:
    start, end = span
    prefix = tokenizer.encode(document.text[:start])[-PREFIX:]
    suffix = tokenizer.encode(document.text[end:])[:SUFFIX]
    middle = tokenizer.encode(document.text[start:end])[:MIDDLE]
    tokens = [tokenizer.special.bos, *_path(document, tokenizer)]
    for _, part in lay_out(order, prefix, middle, suffix, tokenizer.special):
        tokens += part if isinstance(part, list) else [part]
    first, last = len(tokens) - len(middle), len(tokens)
    whole = len(tokenizer.decode(middle)) == end - start
    characters = len(tokenizer.decode(middle))
    return Question(
        measure, _name(document), (*tokens, tokenizer.special.file_separator), first, last, characters, stops=whole
    )


def _path(document: Document, tokenizer: Tokenizer) -> Sequence[int]:
    return tokenizer.encode(f"{document.path}\n")[-32:]


def _name(document: Document) -> str:
    return f"{document.repository}/{document.path}"
