"""What a language has to bring along: how a program is made that calls a candidate, and what its values mean.

A program knows the inputs of the tests and never the outputs that are expected: it prints what came back, and
the comparison is made outside, so that nothing that a candidate prints, patches or ends can make it right.

For each test, in order, a program writes one line to standard output and flushes it, with a line break before:

    <nonce> <idx> value <JSON>
    <nonce> <idx> raised <name of the exception>

Plain JSON, which `compare.matches` reads: booleans; numbers with all their digits (NaN, Infinity, -Infinity by
these names, without quotes); strings, also for characters; lists and sets as arrays; a map as an array of
[key, value] pairs; null for a reference to nothing. Non-ASCII characters may stand as they are or as \\uXXXX.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from codegem.evaluation.babelcode.schema import Prompt, Type


@dataclass(frozen=True)
class Calls:
    """All that a program may know of a question.

    Attributes:
        function: the name to call, in the language's own spelling; a method of `class_name` where it needs a class.
        inputs: (idx, one value of each parameter) of each test. Values are Python's, as `schema.value` gives them:
            int, float, bool, str; list, also for sets (without repetitions); dict.
    """

    function: str
    class_name: str
    params: tuple[Type, ...]
    returns: Type
    inputs: tuple[tuple[int, tuple[Any, ...]], ...]


@dataclass(frozen=True)
class Language:
    """How one language is asked and judged.

    Attributes:
        name: by the names of this project, such as "cpp".
        babelcode: its name in BabelCode's data, such as "C++".
        stop: where an answer ends; BabelCode's `data/language_stop_words.json`.
        program: (calls, candidate, nonce) -> one source file. The candidate is the whole text of the answer: prompt,
            completion and what closes it.
        matches: (type, expected value, printed JSON as text) -> whether the language calls them equal. Raises
            ValueError where the JSON can't be of the type, and what the language's own comparison would raise.
        shown: makes of printed JSON what people read in a report.
        closing: what a complete answer ends with, for as many braces as are still open: (one open, two open).
    """

    name: str
    babelcode: str
    stop: tuple[str, ...]
    program: Callable[[Calls, str, str], str]
    matches: Callable[[Type, Any, str], bool]
    closing: tuple[str, ...] = ()
    shown: Callable[[str], str] = str


# Braces in comments, strings and characters don't count; a lifetime of Rust ('a) is no character.
_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\[^'\n]*|[^'\\\n])'|[{}]",
    re.DOTALL,
)


def open_braces(code: str) -> int:
    """How many braces are open at the end.

    >>> open_braces("fn f() { '{'; if true { // }"), open_braces("{}}")
    (2, -1)
    """
    tokens = _TOKEN.findall(code)
    return tokens.count("{") - tokens.count("}")


def completed(language: Language, prompt: Prompt, text: str) -> str:
    """The completion in what a model wrote: cut at the first stop, what the stop took away put back.

    Where an answer ends at `\\n}` or `\\n    }\\n` the stop is part of the answer, so it is put back, and a class
    is closed. An answer whose braces are closed already is left as it is.
    """
    cut = min((at for stop in language.stop if (at := text.find(stop)) >= 0), default=len(text))
    text = text[:cut]
    if not language.closing:
        return text
    left = open_braces(prompt.text + text)
    return text if left <= 0 else text + language.closing[min(left, len(language.closing)) - 1]
