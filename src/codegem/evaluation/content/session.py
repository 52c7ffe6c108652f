"""People rate one run, or two beside each other: opened, gone on with, and told of in the reports.

RUN_A/ratings/                    or ratings-NAME, where RUN_B is called NAME
    run.json        whose answers they are of
    ratings.jsonl   one row for each rating, as they are made
    findings.json   what they come to; `people.` figures of it stand in RUN_A/findings.json too
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from codegem.errors import UserError
from codegem.evaluation import findings
from codegem.evaluation.content.asking import read_answers
from codegem.evaluation.content.rated import FOLDER, PEOPLE, people_figures, rated
from codegem.evaluation.content.ratings import FIELDS, FILE, Ratings, items_of
from codegem.evaluation.findings import Findings
from codegem.evaluation.json_lines import read_bytes
from codegem.evaluation.run_folder import RunFolder, journal


@dataclass(frozen=True)
class _Asked:
    """Whose answers a run has, and whether that model went on with a text."""

    model: str
    continued: bool


class Session:
    """Ratings that grow, made by `session`.

    Attributes:
        ratings: what people are shown, and what they say.
        folder: of the ratings.
    """

    def __init__(self, ratings: Ratings, folder: Path, runs: Sequence[Path], asked: Sequence[_Asked], left_out: int):
        self.ratings, self.folder = ratings, folder
        self._runs, self._asked, self._left_out = runs, asked, left_out

    def write(self) -> Findings:
        """Write what the ratings come to, here and into the report of run A.

        Raises:
            UserError: a report can't be read or written.
        """
        models = [asked.model for asked in self._asked]
        continued = [asked.continued for asked in self._asked]
        other = self._runs[-1].resolve().name
        found = rated(self.ratings.items, self.ratings.all, models, other, self._left_out, continued)
        findings.write(found, self.folder)
        export(self._runs[0])
        return found


@contextmanager
def session(
    runs: Sequence[Path],
    *,
    out: Path | None = None,
    raters: Sequence[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Iterator[Session]:
    """Ratings of one run or two, gone on with where they were left.

    Args:
        runs: folders of `run.run`.
        out: the folder of the ratings; default one in the first run.
        raters, limit, seed: see `Ratings` and `items_of`.

    Raises:
        UserError: a folder is no such run, the two have nothing in common, the ratings are of other answers or
            damaged, or somebody else works on them.
    """
    if not 1 <= len(runs) <= 2:
        raise UserError(f"{len(runs)} runs are given; give one, or two to have them side by side.")
    if limit is not None and limit < 1:
        raise UserError(f"--limit is {limit}; it must be at least 1.")
    items, left_out = items_of([read_answers(run) for run in runs], limit, seed)
    asked = [_asked(run) for run in runs]
    models = [one.model for one in asked]
    folder = out or runs[0] / "-".join([FOLDER, *(run.resolve().name for run in runs[1:])])
    with RunFolder(folder).claimed({"evaluation": "content-ratings", "models": models, "seed": seed}):
        file = folder / FILE
        with journal(file, FIELDS) as rows:
            yield Session(Ratings(items, rows, file, seed=seed, raters=raters), folder, runs, asked, left_out)


def export(run: Path) -> None:
    """Put what people said of a run into its report, if it has one."""
    if (run / findings.FILE).is_file():
        found = findings.read(run / findings.FILE)
        own = [figure for figure in found.figures if not figure.name.startswith(PEOPLE)]
        findings.write(replace(found, figures=[*own, *people_figures(run)]), run)


def _asked(run: Path) -> _Asked:
    file = RunFolder(run).run
    try:
        row = json.loads(read_bytes(file))
        return _Asked(str(row["model"]), row["settings"]["form"] == "text")
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{file} is damaged: it does not say of which model it is.") from None
