"""`codegem eval repository`."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from codegem.commands.arguments import parse
from codegem.commands.eval_options import Order, default_folder, going_on, tell
from codegem.data.rules.filter_rules import FilterRules
from codegem.errors import UsageError

if TYPE_CHECKING:
    from codegem.evaluation.repository.own_tests import OwnTests

_FILTERS = FilterRules()
_OTHERS = {"both": (False, True), "without": (False,), "with": (True,)}


def eval_repository(words: list[str]) -> None:
    """`codegem eval repository`."""

    def run(
        paths: Positional[tuple[Path, ...]],
        /,
        model: str = "nano",
        kinds: tuple[Literal["lines", "blocks", "calls"], ...] = ("lines", "blocks", "calls"),
        limit: int = 200,
        seed: int = 0,
        others: Literal["both", "without", "with"] = "both",
        tests: str | None = None,
        tests_need: tuple[Path, ...] = (),
        held_out: Path | None = None,
        filters: FilterRules = _FILTERS,
        order: Order | None = None,
        out: Path | None = None,
        workers: int | None = None,
        json: bool = False,
    ) -> None:
        """Fill random places of repositories that a model has not seen: codegem eval repository corpus/held-out

        Args:
            paths: repositories, as for `codegem data build`.
            model: nano, a model directory, a .gguf file, a hub id, or the http address of an OpenAI-compatible server.
            kinds: lines, blocks of 2 to 12 lines, or calls of what another file declares.
            limit: how many places of each kind, at most.
            seed: of the places.
            others: whether signatures of the files that a file imports stand before it in the prompt.
            tests: the command of the repository's own tests, run in its folder, such as "python3 -m pytest -q".
            tests_need: folders besides /usr that the tests need, such as a virtual environment.
            held_out: a data set of `codegem data build --held-out-share …` from these repositories: places are drawn
                from the files that it held out alone, which its filters chose.
            filters: which files places are drawn from otherwise, as in --filters.languages python go.
            order: the layout of the prompts; default the model's own.
            out: the folder of the run; the same command goes on there. Default evaluations/repository-MODEL.
            workers: answers judged at a time; default one for each core.
            json: print the report for programs.
        """
        from codegem.commands.opening import open_source
        from codegem.commands.terminal import Bars
        from codegem.data.held_out import read_held_out
        from codegem.data.recipe import DataRecipe
        from codegem.evaluation.evaluate import evaluate
        from codegem.evaluation.repository.benchmark import RepositoryBenchmark

        asked, chosen = read_held_out(held_out) if held_out else (None, filters)
        benchmark = RepositoryBenchmark.load(
            paths,
            kinds=kinds,
            count=limit,
            seed=seed,
            others=_OTHERS[others],
            recipe=DataRecipe(filters=chosen),
            own_tests=_own_tests(paths, tests, tests_need),
            held_out=asked,
        )
        opened = open_source(model, order)
        folder = out or default_folder("repository", model)
        settings = {**opened.settings, "places_seed": seed, "tests": tests}
        with Bars() as bars, going_on(bars, folder):
            report = evaluate(
                benchmark,
                benchmark.problems,
                opened.source,
                folder,
                settings=settings,
                fit=opened.fit,
                workers=workers,
                progress=bars.update,
            )
        tell(report, folder, json)

    parse(run, "eval repository", words)


def _own_tests(paths: tuple[Path, ...], command: str | None, needed: tuple[Path, ...]) -> "OwnTests | None":
    from codegem.evaluation.repository.own_tests import OwnTests

    if command is None:
        return None
    if len(paths) != 1:
        raise UsageError(
            f"--tests runs the tests of one repository, and {len(paths)} paths are given: name one folder."
        )
    return OwnTests(paths[0], command, needed)
