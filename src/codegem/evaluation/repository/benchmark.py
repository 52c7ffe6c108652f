"""Held-out places of repositories as a benchmark.

Each place is asked for twice: with its file alone, and with the signatures of the files that it imports in front of
it, the most important nearest. An answer passes where it is what stood there, trailing white space aside: of a line
the first line of the answer counts, of a block or a call the whole. Beside that it is measured

    edit_similarity   how like the answer is, from 0 to 1: 2 · matches / total length, as in CrossCodeEval
                      (arXiv 2310.11248)
    valid_syntax      whether the file still parses with the answer in it; not where it did not before
    tests_pass        whether the repository's own tests still pass (`own_tests`), where they notice the place at all
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rapidfuzz import fuzz

from codegem.data.held_out import HeldOut
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.errors import UserError
from codegem.evaluation.repository.files import Files
from codegem.evaluation.repository.own_tests import OwnTests
from codegem.evaluation.repository.places import KINDS, Kind, Place, find_places
from codegem.evaluation.task import DataFile, Judgement, Problem, Verdict
from codegem.generate import Infill
from codegem.text.syntax import TooHardToParse, parse

MAX_TOKENS: Mapping[Kind, int] = {"lines": 64, "blocks": 256, "calls": 64}
WITH_OTHERS = " + other files"


class RepositoryBenchmark:
    """Fulfils `evaluation.task.Benchmark`.

    Args:
        others: for which forms of the prompt: without other files (False), with them (True).
    """

    name = "repository"

    def __init__(
        self,
        files: Files,
        places: Sequence[Place],
        *,
        others: Sequence[bool] = (False, True),
        own_tests: OwnTests | None = None,
    ):
        self.problems = [_problem(files, place, with_others) for with_others in others for place in places]
        self.data = tuple(_data_files(files.asked))
        self._tests = own_tests

    @property
    def protocol(self) -> str:
        """How models are asked and judged."""
        tests = f" The repository's own tests are `{self._tests.shown}`." if self._tests else ""
        return (
            "Random places of repositories, filled greedily from the code before and behind them, with and without the "
            "signatures of the files that theirs imports. An answer passes where it is exactly what stood there, "
            f"trailing white space aside.{tests}"
        )

    @staticmethod
    def load(
        paths: Sequence[Path],
        *,
        kinds: Sequence[Kind] = KINDS,
        count: int = 200,
        seed: int = 0,
        others: Sequence[bool] = (False, True),
        recipe: DataRecipe | None = None,
        own_tests: OwnTests | None = None,
        held_out: Sequence[HeldOut] | None = None,
    ) -> "RepositoryBenchmark":
        """Random places of repositories.

        Args:
            count: of each kind, at most.
            held_out: the files that places are drawn from, by default all; the others are there to be imported.

        Raises:
            UserError: there is none at all, a path holds no repository, or a file that was held out is not there.
        """
        if count < 1:
            raise UserError(f"{count} places of each kind are asked for; ask for at least 1.")
        files = Files(paths, recipe, held_out)
        places = [place for kind in kinds for place in find_places(files, kind, count, seed)]
        if not places:
            raise UserError(
                f"The {len(files.asked)} files that the filters keep hold no {' or '.join(kinds)} to fill; "
                "name other repositories or kinds."
            )
        return RepositoryBenchmark(files, places, others=others, own_tests=own_tests)

    def completion(self, problem: Problem, text: str) -> str:
        """The first line for a line, else the text; without white space at the end."""
        return (text.partition("\n")[0] if _place(problem).kind == "lines" else text).rstrip()

    def judge(self, answers: Sequence[tuple[Problem, str]]) -> Sequence[Judgement]:
        """See the module."""
        return [self._judge(_place(problem), text) for problem, text in answers]

    def batch(self, group: str) -> int:
        """One by one."""
        return 1

    def missing(self, group: str) -> str:
        """Nothing can be missing: without tests, nothing is run."""
        return ""

    def tools(self) -> Mapping[str, str]:
        """The command of the tests."""
        return {"tests": self._tests.shown} if self._tests else {}

    def _judge(self, place: Place, answer: str) -> Judgement:
        expected = place.middle.rstrip()
        exact = answer.rstrip() == expected
        measures = {"edit_similarity": fuzz.ratio(answer, expected) / 100}
        if (valid := _stays_valid(place, answer)) is not None:
            measures["valid_syntax"] = float(valid)
        if self._tests and (passing := self._tests.pass_with(place, answer)) is not None:
            measures["tests_pass"] = float(passing)
        reason = "" if exact else f"expected {_shown(expected)}, not {_shown(answer)}"
        return Judgement(Verdict.PASSED if exact else Verdict.FAILED, reason, measures)


def _problem(files: Files, place: Place, with_others: bool) -> Problem:
    others = files.offered(place.document) if with_others else ()
    group = place.kind + (WITH_OTHERS if with_others else "")
    prompt = Infill(place.prefix, place.suffix, place.document.path, others)
    return Problem(f"{group}/{place.name}", prompt, (), MAX_TOKENS[place.kind], group, place)


def _data_files(documents: Sequence[Document]) -> Iterator[DataFile]:
    """One for each repository: the hash is of its files' hashes."""
    for name, group in groupby(documents, key=lambda document: document.repository):
        hashes = [f"{document.sha256} {document.path}\n" for document in group]
        yield DataFile(name, hashlib.sha256("".join(hashes).encode()).hexdigest(), len(hashes))


def _place(problem: Problem) -> Place:
    assert isinstance(problem.details, Place)
    return problem.details


def _stays_valid(place: Place, answer: str) -> bool | None:
    """Whether the file parses with the answer in it; None where that says nothing."""
    try:
        before = parse(place.document.text.encode(), place.document.path)
        after = parse((place.prefix + answer + place.suffix).encode(errors="replace"), place.document.path)
    except TooHardToParse:
        return None
    return None if before is None or after is None or before.root_node.has_error else not after.root_node.has_error


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:79] + "…")
