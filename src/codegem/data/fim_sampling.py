"""The seeded choice: which files get a hole, where it begins, where the suffix starts, in which order.

The choice for a file depends on the recipe's seed and the file's own name alone, never on what was
processed before it. CodeGemma publishes the rate, the even share of the two orders and that the suffix
starts at a natural place; the length of the middle is not published and is a parameter here.
"""

import hashlib
import math
import random
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from codegem.data.records import FilePart, PackedContext
from codegem.text.fim import Hole, Order, Rendered, SourceFile, render
from codegem.text.tokenizer import Tokenizer

FIM_TOKENS = 3  # prefix, middle, suffix: what a hole costs at least


@dataclass(frozen=True)
class FimRules:
    """How holes are drawn.

    Attributes:
        rate: share of files that get a hole (CodeGemma 0.8, and 0.9 for the 2B 1.1; Bavarian et al. 0.9).
        psm_share: share of holes in the order prefix, suffix, middle.
        spm: the layout of the others; CodeGemma's is not published.
        middle: "lines" draws the number of lines that are not blank log-uniformly from 1 to `max_lines`, so
            that a quarter of the middles are of one line; "uniform" draws both ends uniformly from the
            characters of the file (Bavarian et al., arXiv 2207.14255).
        max_lines: the longest middle, in lines.
        cursor_share: with "lines", the share of middles that begin where a person would stop to type: half
            at the first character of a line after its indentation, half at the end of a line. The others
            begin at a uniformly random character of a line that is not blank.
        suffix_start: "line", the suffix starts at the end of a line; "random", anywhere.
        tries: draws before a file that would not fit stays without a hole.
    """

    rate: float = 0.9
    psm_share: float = 0.5
    spm: Order = Order.SPM
    middle: Literal["lines", "uniform"] = "lines"
    max_lines: int = 16
    cursor_share: float = 0.5
    suffix_start: Literal["line", "random"] = "line"
    tries: int = 4


def generator(*key: object) -> random.Random:
    """A random generator of its own for a key such as (seed, repository, path, part)."""
    name = "\0".join(map(str, key)).encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(hashlib.sha256(name).digest()))


def draw_hole(text: str, rules: FimRules, rng: random.Random) -> Hole | None:
    """A hole in the text, or None where the text has no place for one.

    prefix + middle + suffix is the text, and the middle is not empty.
    """
    span = _uniform_span(text, rules, rng) if rules.middle == "uniform" else _line_span(text, rules, rng)
    if span is None:
        return None
    start, end = span
    order = Order.PSM if rng.random() < rules.psm_share else rules.spm
    return Hole(text[:start], text[start:end], text[end:], order)


def render_context(
    context: PackedContext, tokenizer: Tokenizer, rules: FimRules, seed: int, limit: int
) -> list[Rendered]:
    """Tokens of a packed context, in at most `limit` tokens.

    A draw of holes that would not fit is drawn again `rules.tries` times, then left. Where even the text
    alone is longer than it was counted (pieces differ at a cut), the context is divided: nothing is lost.

    Returns:
        One sequence, or the several that the context was divided into.

    Raises:
        ValueError: one character of one file does not fit.
    """
    for attempt in range(rules.tries + 1):
        files = [
            _plain(file) if attempt == rules.tries else _with_hole(context.repository, file, rules, seed, attempt)
            for file in context.files
        ]
        rendered = render(files, tokenizer)
        if len(rendered.tokens) <= limit:
            return [rendered]
    halves = _divide(context)
    return [part for half in halves for part in render_context(half, tokenizer, rules, seed, limit)]


def _with_hole(repository: str, file: FilePart, rules: FimRules, seed: int, attempt: int) -> SourceFile:
    rng = generator(seed, "fim", repository, file.path, file.part, attempt)
    hole = draw_hole(file.text, rules, rng) if rng.random() < rules.rate else None
    return SourceFile(file.path, hole) if hole else _plain(file)


def _plain(file: FilePart) -> SourceFile:
    return SourceFile(file.path, file.text)


def _divide(context: PackedContext) -> tuple[PackedContext, PackedContext]:
    """The files of a context in two halves, or the lines of its only file."""
    repository, files = context.repository, list(context.files)
    if len(files) > 1:
        middle = len(files) // 2
        return PackedContext(repository, tuple(files[:middle])), PackedContext(repository, tuple(files[middle:]))
    file = files[-1]
    middle = file.text.rfind("\n", 0, len(file.text) // 2) + 1 or len(file.text) // 2
    if middle == 0:
        raise ValueError(f"{repository}:{file.path} does not fit into a context")
    first, second = file._replace(text=file.text[:middle]), file._replace(text=file.text[middle:])
    return PackedContext(repository, (first,)), PackedContext(repository, (second,))


def _line_span(text: str, rules: FimRules, rng: random.Random) -> tuple[int, int] | None:
    """Start and end of a middle of a few lines."""
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if not filled:
        return None
    place = rng.randrange(len(filled))
    first = filled[place]
    start = starts[first] + _place(lines[first], rules, rng)
    count = int(math.exp(rng.uniform(0, math.log(rules.max_lines + 1))))
    # At the end of a line nothing is left of it: the middle is the lines after.
    at_end = start == starts[first] + len(lines[first])
    last = filled[min(place + count - (not at_end), len(filled) - 1)]
    end = starts[last] + len(lines[last])
    if start >= end:
        return None
    return start, end if rules.suffix_start == "line" else rng.randint(start + 1, end)


def _place(line: str, rules: FimRules, rng: random.Random) -> int:
    """Where in a line that is not blank the middle begins."""
    if rng.random() >= rules.cursor_share:
        return rng.randrange(len(line))
    return len(line) - len(line.lstrip()) if rng.random() < 0.5 else len(line)


def _uniform_span(text: str, rules: FimRules, rng: random.Random) -> tuple[int, int] | None:
    """Two uniformly random places, the second moved to the end of its line where the rules say so."""
    if not text.strip():
        return None
    start, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
    if rules.suffix_start == "line":
        found = text.find("\n", end)
        end = found if found >= 0 else len(text)
    return (start, end) if start < end else None
