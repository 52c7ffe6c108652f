"""`codegem eval memorisation`."""

import json as json_module
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from codegem.commands.arguments import parse
from codegem.commands.eval_options import default_folder, going_on
from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.commands.opening import Opened
    from codegem.evaluation.findings import Findings
    from codegem.evaluation.memorisation.windows import Places
    from codegem.evaluation.runner import Progress


def eval_memorisation(words: list[str]) -> None:
    """`codegem eval memorisation`."""

    def run(
        data: Path,
        model: str = "nano",
        trained: Path | None = None,
        samples: int = 10_000,
        seed: int = 0,
        places: Literal["beginnings", "anywhere"] = "beginnings",
        index: Path | None = None,
        out: Path | None = None,
        json: bool = False,
    ) -> None:
        """How much of its training data a model repeats: codegem eval memorisation --data data/nano --trained runs/nano

        Args:
            data: the data set that the model was trained on.
            model: nano, a model directory, a .gguf file, or a hub id.
            trained: the folder of the run that made the model: only rows are asked for that it has seen by then.
            samples: prefixes of the training rows, and as many of rows that were held back, if there are.
            seed: of the places.
            places: where prefixes begin: with a file, or the part of a long one, or at any token.
            index: of the corpus, for rates by licence and by how many files hold a text; default the one that `codegem
                data build --trace` wrote beside the shards.
            out: the folder of the run; the same command goes on there. Default evaluations/memorisation-MODEL.
            json: print the findings for programs.
        """
        from codegem.commands.opening import open_source
        from codegem.commands.terminal import Bars
        from codegem.evaluation.findings import summary

        folder, opened = out or default_folder("memorisation", model), open_source(model)
        with Bars() as bars, going_on(bars, folder):
            findings = measure(
                opened,
                folder,
                data=data,
                trained=trained,
                limit=samples,
                seed=seed,
                places=places,
                index=index,
                progress=bars.update,
            )
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
        print(json_module.dumps(asdict(findings), indent=2) if json else f"{summary(findings)}\n{folder}/findings.json")

    parse(run, "eval memorisation", words)


def measure(
    opened: "Opened",
    out: Path,
    *,
    data: Path,
    trained: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    places: "Places" = "beginnings",
    index: Path | None = None,
    progress: "Progress | None" = None,
) -> "Findings":
    """`evaluation.memorisation.evaluate.run` with a model of this machine; findings.json is in `out`.

    Args:
        trained: the folder of the run that made the model; default all rows of the data set are taken for seen.
        index: of the corpus; default the one beside the shards, if there is one.

    Raises:
        UserError: the model is behind an address, or what `run`, `seen_rows` and the index refuse.
    """
    from codegem.evaluation.memorisation.evaluate import run
    from codegem.evaluation.runner import silent
    from codegem.inference.continuing import Continuing
    from codegem.inference.engine import Engine

    if not isinstance(opened.source, Engine):
        raise UserError(f"{opened.source.name} is behind an address, and memorisation is asked for by token ids.")
    seen = None
    if trained:
        from codegem.train.seen import seen_rows

        seen = seen_rows(trained, data).rows
    return run(
        Continuing(opened.source),
        out,
        data=data,
        limit=limit,
        seed=seed,
        places=places,
        seen=seen,
        index=index or (data if (data / "trace").is_dir() else None),
        settings={"weights": opened.settings["weights"]},
        progress=progress or silent,
    )
