"""Where what a model wrote stands in a corpus, by the index of the corpus (`data.tracing`).

A run that begins before the cursor and goes on in the answer is a copy as well: somebody who types on in a file of the
corpus is told so, however short an answer is. So the code before the cursor is looked up along with the answer. Of a
run that reaches into the answer only that part is told of, and only its tokens are counted; and nothing at all where
the answer leaves the run after a few of them, which is the opposite of copying.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegem.errors import UserError
from codegem.generate import Conversation, Infill

if TYPE_CHECKING:
    from codegem.data.tracing.index import Copy, TraceIndex
    from codegem.inference.copies import CopyLimit

_FEW = 10  # tokens: with fewer the rest of a run is a copy only if the answer is nothing else
_WIDE = 12  # characters that a token takes with the blanks around it, and mostly fewer


def open_index(
    trace: "str | Path | TraceIndex | None", longest: int | None = None
) -> "tuple[TraceIndex | None, CopyLimit | None]":
    """The index of a corpus, and the limit that copies of it are held to.

    Args:
        trace: the folder of an index, or of the data set that has one; or an index that is open.
        longest: how many tokens of one source a text may repeat; None for no limit.

    Raises:
        UserError: there is no such index, or a limit without one, or one that is too low.
    """
    if trace is None:
        if longest is not None:
            raise UserError(
                f"A longest copy of {longest} tokens needs an index to find copies by; name its folder with trace."
            )
        return None, None
    from codegem.data.tracing.index import TraceIndex
    from codegem.inference.copies import CopyLimit

    index = TraceIndex.open(Path(trace)) if isinstance(trace, str | Path) else trace
    return index, None if longest is None else CopyLimit(index, longest)


def refuse_limit_elsewhere(longest: int | None, address: str) -> None:
    """Raise a UserError where copies of a model behind an address should be limited: only its server can."""
    if longest is not None:
        raise UserError(
            f"{address} writes elsewhere, and no copy can be stopped from here; start that server with --longest-copy."
        )


def copies_in(text: str, index: "TraceIndex", prompt: str | Infill | Conversation = "") -> "tuple[Copy, ...]":
    """What of an answer stands in the corpus, in the order of the answer.

    Args:
        prompt: that it answers. An answer in a conversation begins anew.

    Returns:
        Copies with `start` and `end` in characters of the answer, and `tokens` in the answer; `line` is where the run
        begins, which may be before the cursor.
    """
    if not text.strip():
        return ()
    before = _before(prompt, _WIDE * index.least)
    found = index.find(before + text, index.least)
    if not found:
        return ()
    from codegem.data.tracing.tokens import spans

    told, starts = [], spans(before + text)[:, 0] - len(before)
    for copy in found:
        start, end = max(0, copy.start - len(before)), copy.end - len(before)
        own = int(((start <= starts) & (starts < end)).sum())
        is_all = start == 0 and end >= len(text.rstrip())
        if own >= _FEW or (own and is_all):
            told.append(replace(copy, start=start, end=end, tokens=own))
    return tuple(told)


def record(copies: "Sequence[Copy]") -> list[dict[str, Any]]:
    """Copies as programs are told of them."""
    return [asdict(copy) for copy in copies]


def sentence(copy: "Copy") -> str:
    """A copy in one line for a person."""
    tokens = "1 token stands" if copy.tokens == 1 else f"{copy.tokens} tokens stand"
    return f"{tokens} in {copy.repository}, {copy.path}:{copy.line} ({copy.licence or 'no licence'})"


def _before(prompt: str | Infill | Conversation, most: int) -> str:
    """The end of what stands before an answer: as much as a run needs to be one, which is little to look up."""
    if isinstance(prompt, Conversation):
        return ""
    return (prompt.prefix if isinstance(prompt, Infill) else prompt)[-most:]
