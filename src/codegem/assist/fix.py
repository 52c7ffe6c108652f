"""Mending syntax errors: small repairs and what a model writes in the broken span, those kept that parse.

    fix(text, path)                          repairs alone
    fix(text, path, source, window)          a model ranks them, and fills what they can't mend

Nothing is run and nothing is written; `Fix` is a proposal, shown as a unified diff.
"""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from codegem.assist.context import Window
from codegem.assist.fix_brackets import misfits
from codegem.assist.fix_code import Code, Patch
from codegem.assist.fix_fills import Model
from codegem.assist.fix_repairs import KINDS, cuts, likely_repairs, other_repairs
from codegem.errors import UserError
from codegem.generate import TextSource, never
from codegem.text.languages import grammar_of
from codegem.text.syntax import TooHardToParse

MAX_BYTES = 1 << 18
_TRIES, _PARSED = 2000, 20 << 20  # edits that are parsed, for each error, and bytes of them
_ENOUGH = 40  # of them that parse are compared
_ASKED = 6  # of the best that a model chooses from
_ROUNDS = 4  # errors that are mended one after the other
_STEPS, _COMPARED = 150, 2 << 20  # edits whose trees are compared where several are needed, and bytes of them


@dataclass(frozen=True)
class Fix:
    """A proposal.

    Attributes:
        before: the text as it was given, and `after` as it is proposed.
        kinds: how each edit was found, `fix_repairs.KINDS`; empty where the text was sound.
        parses: whether `after` has no syntax error.
    """

    path: str
    before: str
    after: str
    kinds: tuple[str, ...]
    parses: bool

    @property
    def diff(self) -> str:
        """The proposal as a unified diff.

        >>> print(Fix("a.py", "if a\\n", "if a:\\n", ("colon",), True).diff, end="")
        --- a.py
        +++ a.py
        @@ -1 +1 @@
        -if a
        +if a:
        """
        lines = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        found = difflib.unified_diff(*lines, self.path, self.path)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


@dataclass(frozen=True)
class _Candidate:
    """An edit after which the text is sound."""

    patch: Patch
    code: Code
    order: int

    @property
    def rank(self) -> tuple[int, int, int]:
        return misfits(self.code), KINDS.index(self.patch.kind), self.order


def fix(
    text: str,
    path: str,
    source: TextSource | None = None,
    window: Window | None = None,
    *,
    cancelled: Callable[[], bool] = never,
) -> Fix:
    """An edit after which a text has no syntax error, or fewer.

    Small repairs are tried first: a bracket, quote, colon or separator more, a keyword for its misspelling. Then what
    a model writes in the broken lines; at last, lines are taken out.

    Args:
        path: whose ending names the language.
        source: a model, which need not chat: it fills holes. None leaves it at repairs.
        window: how much `source` reads.

    Raises:
        UserError: there is no grammar for such a file, or it is too large or too hard to parse.

    >>> fix("def f(x:\\n    retrun x\\n", "a.py").after
    'def f(x):\\n    return x\\n'
    """
    crlf = 0 < text.count("\n") == text.count("\r\n")
    code = _parsed(text.replace("\r\n", "\n") if crlf else text, path)
    model = Model(source, window, cancelled) if source and window else None
    kinds: list[str] = []
    mended = code
    while not mended.is_sound and len(kinds) < _ROUNDS and not cancelled():
        patch = _best(mended, model, cancelled) or _step(mended, cancelled)
        if patch is None:
            break
        mended = Code(patch.of(mended.data), path, seconds=None)  # it was in time before
        kinds.append(patch.kind)
    if not mended.is_sound and (patch := _cut(code, cancelled)):
        mended, kinds = Code(patch.of(code.data), path, seconds=None), [patch.kind]
    after = mended.data.decode("utf-8", "surrogatepass")
    return Fix(path, text, after.replace("\n", "\r\n") if crlf else after, tuple(kinds), mended.is_sound)


def _best(code: Code, model: Model | None, cancelled: Callable[[], bool]) -> Patch | None:
    """The edit to make, of those of the first way that finds one that leaves no error."""
    for way in (likely_repairs, other_repairs, *([model.fills] if model else [])):
        if found := _candidates(code, way(code), cancelled):
            return _preferred(code, sorted(found, key=lambda candidate: candidate.rank), model)
    return None


def _preferred(code: Code, ranked: Sequence[_Candidate], model: Model | None) -> Patch:
    """The first of those that are as good as the best and that a model would write itself; else the first."""
    equals = [candidate.patch for candidate in ranked[:_ASKED] if candidate.rank[:2] == ranked[0].rank[:2]]
    if model is not None and len(equals) > 1:
        agreed = model.agrees(code, equals)
        return next((patch for patch, yes in zip(equals, agreed, strict=True) if yes), equals[0])
    return equals[0]


def _step(code: Code, cancelled: Callable[[], bool]) -> Patch | None:
    """Where several edits are needed, the one after which the text is least wrong."""
    costs: dict[Patch, int] = {}
    for patch in islice(likely_repairs(code), min(_STEPS, _COMPARED // len(code.data))):
        cost = None if cancelled() else code.cost_after(patch)
        if cost is not None and cost < code.cost:
            costs.setdefault(patch, cost)
    return min(costs, key=lambda patch: costs[patch], default=None)


def _cut(code: Code, cancelled: Callable[[], bool]) -> Patch | None:
    found = _candidates(code, cuts(code), cancelled, enough=1)
    return found[0].patch if found else None


def _candidates(
    code: Code, patches: Iterable[Patch], cancelled: Callable[[], bool], enough: int = _ENOUGH
) -> list[_Candidate]:
    """Edits that leave no error."""
    found: list[_Candidate] = []
    seen: set[tuple[int, int, bytes]] = set()
    tries = min(_TRIES, _PARSED // len(code.data))
    for order, patch in enumerate(patches):
        if len(seen) >= tries or len(found) >= enough or cancelled():
            break
        key = patch.start, patch.end, patch.text
        if key not in seen:
            seen.add(key)
            edited, _ = code.patched(patch)
            if edited and edited.data.strip():
                found.append(_Candidate(patch, edited, order))
    return found


def _parsed(text: str, path: str) -> Code:
    if grammar_of(path) is None:
        raise UserError(f"{path}: codegem knows no grammar for this kind of file, so it can't tell what is wrong.")
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        raise UserError(f"{path} has {len(data)} bytes; codegem mends files of at most {MAX_BYTES} bytes.")
    try:
        return Code(data, path)
    except TooHardToParse as error:
        raise UserError(f"{path} can't be mended: {error}.") from None
