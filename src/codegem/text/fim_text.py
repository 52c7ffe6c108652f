"""Prompts with the names of fill-in-the-middle tokens in them, as clients write them who lay a hole out themselves.

    CodeGemma   path\n<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>
    StarCoder   <fim_prefix>P<fim_suffix>S<fim_middle>

Other files may stand before, each as its path, a line break and its text, and `<|file_separator|>` between them; Qwen's
names for that (`<|repo_name|>`, `<|file_sep|>`) and StarCoder's (`<repo_name>`, `<file_sep>`, `<filename>`) are read as
well. The suffix may come first. A prompt is one of these only if it begins so and ends with the name of the middle
token, so that source code which holds such names, as this file does, stays what it is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codegem.text.tokenizer import NAMES, Tokenizer


@dataclass(frozen=True)
class LaidOut:
    """A hole that a prompt lays out: the fields of `codegem.generate.Infill`."""

    prefix: str
    suffix: str
    path: str | None = None
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Family:
    """The names of one family of models."""

    prefix: str
    suffix: str
    middle: str
    separators: tuple[str, ...]
    repository: str


_FAMILIES = (
    _Family(
        "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", ("<|file_separator|>", "<|file_sep|>"), "<|repo_name|>"
    ),
    _Family("<fim_prefix>", "<fim_suffix>", "<fim_middle>", ("<file_sep>", "<filename>"), "<repo_name>"),
)
# One line that names a file: nothing that only code holds, and no space but before a name with a dot in it.
_PATH = re.compile(r"""[^\s"'<>|*?;={}]+ ( (\ [^\s"'<>|*?;={}]+)* \.\w+ )?""", re.VERBOSE)
_MOST_PATH = 512


def parse_prompt(prompt: str) -> LaidOut | None:
    """The hole that a prompt lays out, or None where it is a text like any other.

    >>> parse_prompt("a.py\\n<|fim_prefix|>x = <|fim_suffix|>\\ny<|fim_middle|>")
    LaidOut(prefix='x = ', suffix='\\ny', path='a.py', context=())
    >>> parse_prompt("print('<|fim_prefix|>')") is None
    True
    """
    for family in _FAMILIES:
        if prompt.endswith(family.middle) and (found := _parse(prompt.removesuffix(family.middle), family)):
            return found
    return None


def parse_ids(ids: Sequence[int], tokenizer: Tokenizer) -> str | LaidOut:
    """What token ids ask for: the hole that they lay out, or their text, with special tokens left out.

    Raises:
        ValueError: an id is unknown.
    """
    special = tokenizer.special
    names = {getattr(special, field): aliases[0] for field, aliases in NAMES.items()}
    unknown = [token for token in ids if not 0 <= token < tokenizer.vocab_size]
    if unknown:
        raise ValueError(f"the id {unknown[0]} is unknown; the model knows 0 to {tokenizer.vocab_size - 1}")
    body = [token for token in ids if token != special.bos]
    pieces, start = [], 0
    for at, token in enumerate([*body, special.pad]):
        if token in names:
            pieces += [tokenizer.decode(body[start:at]), names[token]]
            start = at + 1
    return parse_prompt("".join(pieces[:-1])) or tokenizer.decode(body)


def _parse(prompt: str, family: _Family) -> LaidOut | None:
    starts = [at for mark in (family.prefix, family.suffix) if (at := prompt.find(mark)) >= 0]
    if len(starts) < 2:
        return None
    first = min(starts)
    if (before := _before(prompt[:first], family)) is None:
        return None
    path, context = before
    if prompt.startswith(family.prefix, first):
        prefix, _, suffix = prompt[first + len(family.prefix) :].partition(family.suffix)
    else:
        suffix, _, prefix = prompt[first + len(family.suffix) :].partition(family.prefix)
    return LaidOut(prefix, suffix, path, context)


def _before(head: str, family: _Family) -> tuple[str | None, tuple[tuple[str, str], ...]] | None:
    """The path of the file with the hole and other files, or None if what stands before it is something else."""
    *others, last = re.split("|".join(map(re.escape, family.separators)), head)
    if others and (not others[0] or others[0].startswith(family.repository)):
        others = others[1:]  # some put a separator, or the repository's name and one, before the first file as well
    context = []
    for other in others:
        path, line_break, text = other.partition("\n")
        if not line_break or not _is_path(path):
            return None
        context.append((path, text))
    if not last:
        return None, tuple(context)
    path, line_break, rest = last.partition("\n")
    if rest or not line_break or not _is_path(path):
        return None
    return path, tuple(context)


def _is_path(line: str) -> bool:
    return len(line) <= _MOST_PATH and _PATH.fullmatch(line) is not None
