"""`codegem eval card`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codegem.commands.arguments import parse
from codegem.commands.eval_options import Order, default_folder, going_on
from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.evaluation.card import Card


def eval_card(words: list[str]) -> None:
    """`codegem eval card`."""

    def run(
        model: str = "nano",
        data: Path | None = None,
        limit: int | None = None,
        out: Path | None = None,
        order: Order | None = None,
        parallel: int = 4,
        workers: int | None = None,
        corpus: Path | None = None,
        trained: Path | None = None,
        policy: Path | None = None,
        json: bool = False,
    ) -> None:
        """Every evaluation in one table, beside published results: codegem eval card --model nano --data benchmarks

        Args:
            model: nano, a model directory, a .gguf file, a hub id, or the http address of an OpenAI-compatible server.
            data: a folder of the benchmarks' data; default the user's cache, and the public sources.
            limit: the first so many problems of each part; default all 13,340 of them.
            out: the folder of the card; the same command goes on there. Default evaluations/card-MODEL.
            order: the layout of prompts with a hole; default the model's own. "suffix" is a field of some servers.
            parallel: requests that a server gets at once.
            workers: answers judged at a time; default one for each core.
            corpus: the data set that the model was trained on, for memorisation.
            trained: the folder of the run that trained it; default the whole data set is taken for seen.
            policy: a TOML file of limits; default codegem's own.
            json: print the report for programs.
        """
        from codegem.commands.evaluations import CARD, Wanted, evaluations
        from codegem.commands.opening import open_source
        from codegem.commands.terminal import Bars
        from codegem.evaluation import card
        from codegem.evaluation.policy import read_policy

        limits = read_policy(policy)
        folder = out or default_folder("card", model)
        opened = open_source(model, order, parallel)
        with Bars() as bars, going_on(bars, folder):
            made = card.run(
                opened.source,
                folder,
                data=data,
                limit=limit,
                fit=opened.fit,
                settings=opened.settings,
                workers=workers,
                progress=bars.update,
                evaluations=evaluations(CARD, opened, Wanted(data, corpus, trained, limit, workers), bars.update),
                policy=limits,
            )
        _tell(made, folder, json)

    parse(run, "eval card", words)


def _tell(made: "Card", folder: Path, json: bool) -> None:
    """Print the table.

    Raises:
        UserError: it has no figure, as nothing could be judged.
    """
    from codegem.evaluation.card import lines, remarks, to_json
    from codegem.evaluation.card_markdown import markdown

    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
    table = lines(made)
    text = markdown(made).partition("## How")[0]
    print(to_json(made) if json else f"{text}{folder}/card.html", end="" if json else "\n")
    judged = any(line.row and line.row.counted for line in table)
    if not judged and not any(part.findings for part in made.parts):
        raise UserError(f"No answer could be judged: {' '.join(note for _, note in remarks(table))}")
