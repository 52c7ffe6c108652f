"""The evaluations that are no benchmark of programs, made ready for a model that was opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.commands.opening import Opened
    from codegem.evaluation.findings import Findings
    from codegem.evaluation.parts import Evaluation
    from codegem.evaluation.runner import Progress

SAFETY = ("memorisation", "secure-code", "content")
CARD = ("language", *SAFETY)


@dataclass(frozen=True)
class Wanted:
    """What decides these evaluations beside the model.

    Attributes:
        data: a folder of public benchmarks' data; None is the user's cache, and the public sources.
        corpus: the data set of shards that the model was trained on.
        trained: the folder of the run that made it, which says what of the data set it saw.
        limit: the first so many items of each part.
    """

    data: Path | None = None
    corpus: Path | None = None
    trained: Path | None = None
    limit: int | None = None
    workers: int | None = None


def evaluations(
    names: Sequence[str], opened: "Opened", wanted: Wanted, progress: "Progress"
) -> "dict[str, Evaluation]":
    """Each of `names`, to be run in a folder."""
    ready = {"language": _language, "memorisation": _memorisation, "secure-code": _secure_code, "content": _content}
    return {name: partial(ready[name], opened, wanted, progress) for name in names}


def _language(opened: "Opened", wanted: Wanted, progress: "Progress", out: Path) -> "Findings":
    from codegem.commands.eval_language import run_language

    return run_language(opened, out, data=wanted.data, limit=wanted.limit, progress=progress)


def _memorisation(opened: "Opened", wanted: Wanted, progress: "Progress", out: Path) -> "Findings":
    from codegem.commands.eval_memorisation import measure

    if wanted.corpus is None:
        raise UserError("--corpus was not given, and only the data that a model was trained on shows what it repeats.")
    return measure(opened, out, data=wanted.corpus, trained=wanted.trained, limit=wanted.limit, progress=progress)


def _secure_code(opened: "Opened", wanted: Wanted, progress: "Progress", out: Path) -> "Findings":
    from codegem.evaluation.secure.run import run

    return run(
        opened.source,
        out,
        limit=wanted.limit,
        fit=opened.fit,
        settings=opened.settings,
        workers=wanted.workers,
        progress=progress,
    )


def _content(opened: "Opened", wanted: Wanted, progress: "Progress", out: Path) -> "Findings":
    from codegem.evaluation.content.run import run

    return run(
        opened.source,
        out,
        limit=wanted.limit,
        chats=opened.chats,
        fit=opened.fit,
        settings=opened.settings,
        progress=progress,
    )
