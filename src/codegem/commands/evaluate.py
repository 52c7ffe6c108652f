"""`codegem eval …`."""

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json
from codegem.text.fim import Order


def eval_repository(words: list[str]) -> None:
    """`codegem eval repository`."""

    def run(
        paths: Positional[tuple[Path, ...]],
        /,
        model: str = "nano",
        limit: int = 1000,
        seed: int = 0,
        order: Literal["psm", "spm", "spm-joined"] | None = None,
        out: Path | None = None,
        json: bool = False,
    ) -> None:
        """Fill random single lines of repositories: codegem eval repository corpus/held-out --model nano

        Args:
            paths: repositories that the model has not seen, as for `codegem data build`.
            model: nano, or a directory in Hugging Face's layout.
            limit: how many places.
            seed: of the places.
            order: the layout of the prompts; default the model's own.
            out: a folder for predictions.jsonl, verdicts.jsonl and report.json.
            json: print the report for programs.
        """
        import codegem
        from codegem.commands.terminal import Bars
        from codegem.evaluation import repository

        problems = repository.find_problems(paths, limit, seed)
        loaded = codegem.load(model, order=Order(order) if order else None)
        with Bars() as shown:
            report = repository.evaluate(
                loaded.engine,
                problems,
                loaded.window.fit,
                out=out,
                progress=lambda done, total: shown.update("filling", done, total, "places"),
            )
        if json:
            print_json(asdict(report))
        else:
            print(repository.summary(report))

    parse(run, "eval repository", words)
