"""`codegem eval safety`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codegem.commands.arguments import parse
from codegem.commands.eval_options import default_folder, going_on
from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.evaluation.parts import Part
    from codegem.evaluation.policy import Outcome, Policy


def eval_safety(words: list[str]) -> None:
    """`codegem eval safety`."""

    def run(
        model: str = "nano",
        policy: Path | None = None,
        corpus: Path | None = None,
        trained: Path | None = None,
        limit: int | None = None,
        out: Path | None = None,
        parallel: int = 4,
        workers: int | None = None,
        json: bool = False,
    ) -> None:
        """What a model repeats, whether its code is safe, what it refuses: codegem eval safety --corpus data/mine

        Exits with 1 when a figure is beyond the policy's limit, or was not measured.

        Args:
            model: nano, a model directory, a .gguf file, a hub id, or the http address of an OpenAI-compatible server.
            policy: a TOML file of limits; default codegem's own. Only what it names is measured.
            corpus: the data set that the model was trained on, for memorisation.
            trained: the folder of the run that trained it; default the whole data set is taken for seen.
            limit: the first so many items of each part; default all.
            out: the folder of the run; the same command goes on there. Default evaluations/safety-MODEL.
            parallel: requests that a server gets at once.
            workers: answers judged at a time; default one for each core.
            json: print everything for programs.
        """
        from codegem.commands.evaluations import SAFETY, Wanted, evaluations
        from codegem.commands.opening import open_source
        from codegem.commands.terminal import Bars
        from codegem.evaluation import safety
        from codegem.evaluation.policy import read_policy

        limits = read_policy(policy)
        named = {limit.evaluation for limit in limits.limits}
        if unknown := sorted(named - set(SAFETY)):
            raise UserError(f"{limits.file} has limits of {unknown[0]!r}; eval safety measures {', '.join(SAFETY)}.")
        folder = out or default_folder("safety", model)
        opened = open_source(model, None, parallel)
        wanted = Wanted(None, corpus, trained, limit, workers)
        with Bars() as bars, going_on(bars, folder):
            ready = evaluations([name for name in SAFETY if name in named], opened, wanted, bars.update)
            parts, outcomes = safety.run(ready, limits, folder, opened.source.name)
        _tell(parts, outcomes, limits, folder, json)

    parse(run, "eval safety", words)


def _tell(parts: "Sequence[Part]", outcomes: "Sequence[Outcome]", policy: "Policy", folder: Path, json: bool) -> None:
    """Print the figures and the limits.

    Raises:
        UserError: one is beyond its limit or not known.
    """
    from codegem.evaluation import safety
    from codegem.evaluation.findings import summary

    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
    if json:
        print((folder / safety.FILE).read_text("utf-8"), end="")
    else:
        for part in parts:
            print(summary(part.findings) if part.findings else f"{part.name}: not run. {part.absent}")
        print(f"Limits: {policy.file}")
        for outcome in outcomes:
            value = "" if outcome.value is None else f"{outcome.value:.4g}, "
            print(f"  {outcome.limit.name:<34} {value}{outcome.limit.told}: {outcome.status}")
        print(folder / safety.FILE)
    if whys := [outcome.why for outcome in outcomes if outcome.why]:
        raise UserError(" ".join(whys))
