"""The holes that `context.py` asks for, and the ways of gathering other files for one."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from codegem.assist.context import Window
from codegem.assist.nearby import SimilarRules
from codegem.assist.similar import words_of
from codegem.assist.workspace import ContextRules, Workspace
from codegem.data.records import Document
from codegem.evaluation.repository.files import Files
from codegem.evaluation.repository.places import Place, all_places
from codegem.generate import Infill

_LATE = 30.0  # seconds: here every source may take its time
_SEED = 0
Others = tuple[tuple[str, str], ...]
Gather = Callable[[Place], Others]

_NONE = ContextRules(signatures=False, similar=None, edits=False)
# Places follow each other at random here, so no choice is kept from the one before, and there are no recent edits.
_SIMILAR = SimilarRules(clearly=1.0)
RULES = {
    "signatures": replace(_NONE, signatures=True),
    "similar": replace(_NONE, similar=_SIMILAR),
    "both": replace(_NONE, signatures=True, similar=_SIMILAR),
}


@dataclass(frozen=True)
class Hole:
    """A place, and which kind of them it was drawn from."""

    kind: str
    place: Place

    @property
    def infill(self) -> Infill:
        """The hole without other files."""
        return Infill(self.place.prefix, self.place.suffix, self.place.document.path)


def draw(files: Files, count: int) -> list[Hole]:
    """Random calls, as many lines that need another file, and as many lines of any kind."""
    calls = all_places(files, "calls")
    documents = {(each.repository, each.path): each for each in files.documents}
    foreign = cache(lambda repository, path: files.foreign_names(documents[repository, path]))
    lines = all_places(files, "lines")
    needing = [
        each
        for each in lines
        if words_of(each.middle) & foreign(each.document.repository, each.document.path)
        and not each.middle.startswith(("import ", "from "))
    ]
    chance = random.Random(_SEED)
    kinds = {"calls": calls, "needing": needing, "lines": lines}
    return [
        Hole(kind, each) for kind, drawn in kinds.items() for each in chance.sample(drawn, min(count // 3, len(drawn)))
    ]


@contextmanager
def folders(files: Files) -> Iterator[dict[str, Path]]:
    """Each repository's files in a folder of its own."""
    with tempfile.TemporaryDirectory() as top:
        roots: dict[str, Path] = {}
        for document in files.documents:
            root = roots.setdefault(document.repository, Path(top).resolve() / str(len(roots)))
            place = root / document.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(document.text, "utf-8")
        yield roots


def ways(files: Files, roots: dict[str, Path], window: Window) -> dict[str, Gather]:
    """Every way of gathering, by name."""
    beside: dict[str, list[Document]] = {}
    for document in files.documents:
        beside.setdefault(document.repository, []).append(document)

    def at_random(place: Place) -> Others:
        others = [each for each in beside[place.document.repository] if each is not place.document]
        chosen = random.Random(place.name).sample(others, min(4, len(others)))
        return tuple((each.path, each.text) for each in chosen)

    def whole(place: Place) -> Others:
        return tuple((each.path, each.text) for each in files.needed(place.document))

    found: dict[str, Gather] = {"alone": lambda place: (), "random": at_random, "whole files": whole}
    return found | {name: gatherer(roots, window, rules) for name, rules in RULES.items()}


def gatherer(roots: dict[str, Path], window: Window, rules: ContextRules) -> Gather:
    """What a workspace gathers, one for each repository."""
    workspaces: dict[str, Workspace] = {}

    def gather(place: Place) -> Others:
        name = place.document.repository
        if name not in workspaces:
            workspaces[name] = Workspace(roots[name], window, rules)
            workspaces[name].ready(_LATE)
        return workspaces[name].context(place.document.path, place.prefix, place.suffix, deadline=_LATE)

    return gather
