"""A suggestion as a person sees it in a terminal, or as plain text.

Written with escape codes by hand: a completion must come at once, and importing a library for colours
would take longer than making several tokens.
"""

import os
from dataclasses import dataclass
from typing import TextIO

from codegem.assist import attribution
from codegem.assist.completion import Completion
from codegem.assist.cursor import Document

CONTEXT_LINES = 6


@dataclass(frozen=True)
class Style:
    """What stands around the file's own lines, the suggestion and the footer."""

    dim: str = ""
    suggestion: str = ""
    end_suggestion: str = ""
    bold: str = ""
    reset: str = ""


# Without colours, the marks of `git diff --word-diff=plain` show where the suggestion begins and ends.
PLAIN = Style(suggestion="{+", end_suggestion="+}")
COLOUR = Style(dim="\x1b[2m", suggestion="\x1b[1;32m", end_suggestion="\x1b[0m", bold="\x1b[1m", reset="\x1b[0m")


def style_for(stream: TextIO) -> Style:
    """Colours for a terminal, unless the person asks for none (https://no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty()
    return PLAIN if plain else COLOUR


def show(document: Document, done: Completion, *, model: str, parameters: int, style: Style) -> str:
    """The suggestion between the lines around the cursor, under the file's name, above a line of facts.

    Another line for each copy says where it stands.
    """
    head = f"{style.bold}{printable(str(document.file))}:{document.line}:{document.column}{style.reset}"
    lines = _numbered(document, done.text, style)
    facts = [_facts(done, model, parameters), *(printable(attribution.sentence(copy)) for copy in done.copies)]
    return "\n".join([head, "", *lines, "", *(f"{style.dim}{fact}{style.reset}" for fact in facts)]) + "\n"


def record(document: Document, done: Completion, *, model: str, is_traced: bool = False) -> dict:
    """The same for a program: what `--json` prints."""
    return {
        "text": done.text,
        "stop_reason": str(done.stop_reason),
        "tokens": done.tokens,
        "timings": {"first_token": done.timings.first_token, "total": done.timings.total},
        "model": model,
        "file": str(document.file),
        "line": document.line,
        "column": document.column,
        **({"copies": attribution.record(done.copies)} if is_traced else {}),
    }


def printable(text: str) -> str:
    """The text with control characters made visible, so that no file can command the terminal.

    >>> printable("a\\x1b[2Jb\\tc")
    'a␛[2Jb\\tc'
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20 and character not in "\t\n":
        return chr(0x2400 + code)  # Unicode's pictures of control characters
    return "\ufffd" if 0x7F <= code < 0xA0 else character


def _numbered(document: Document, text: str, style: Style) -> list[str]:
    before = printable(document.prefix).split("\n")[-1 - CONTEXT_LINES :]
    after = printable(document.suffix).split("\n")[: 1 + CONTEXT_LINES]
    middle = [_painted(line, style.suggestion, style.end_suggestion) for line in printable(text).split("\n")]
    rows = [_painted(line, style.dim, style.reset) for line in before[:-1]]
    middle[0] = _painted(before[-1], style.dim, style.reset) + middle[0]
    middle[-1] += _painted(after[0], style.dim, style.reset)
    rows += middle + [_painted(line, style.dim, style.reset) for line in after[1:]]
    first = document.line - len(before) + 1
    width = len(str(first + len(rows) - 1))
    return [f"{style.dim}{first + i:>{width}} |{style.reset} {row}".rstrip() for i, row in enumerate(rows)]


def _painted(text: str, start: str, end: str) -> str:
    return f"{start}{text}{end}" if text else ""


def _facts(done: Completion, model: str, parameters: int) -> str:
    first = done.timings.first_token
    facts = [
        f"{printable(model)}, {parameters / 1e6:.1f} M parameters",
        f"{done.tokens} tokens" if done.text else f"no suggestion ({done.tokens} tokens)",
        f"first after {first:.2f} s" if first is not None else "",
        f"all in {done.timings.total:.2f} s",
        f"ended by {done.stop_reason}",
    ]
    return "; ".join(fact for fact in facts if fact)
