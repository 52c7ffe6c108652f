"""`codegem eval language`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from codegem.commands.arguments import parse
from codegem.commands.eval_options import default_folder, going_on

if TYPE_CHECKING:
    from codegem.commands.opening import Opened
    from codegem.evaluation.findings import Findings
    from codegem.evaluation.runner import Progress

_Task = Literal["boolq", "piqa", "triviaqa", "arc-challenge", "hellaswag", "mmlu", "winogrande", "gsm8k", "math"]


def eval_language(words: list[str]) -> None:
    """`codegem eval language`."""

    def run(
        model: str = "nano",
        tasks: tuple[_Task, ...] = (),
        limit: int | None = None,
        data: Path | None = None,
        out: Path | None = None,
        parallel: int = 4,
        json: bool = False,
    ) -> None:
        """Questions in language and mathematics: codegem eval language --model nano --tasks boolq piqa

        Args:
            model: nano, a model directory, a .gguf file, a hub id, or the http address of an OpenAI-compatible server,
                of which only answers that are written can be judged.
            tasks: which; default all whose data is at hand.
            limit: the first so many questions of each task, and of each subject of MMLU.
            data: a folder with the tasks' files; default the user's cache, and the public source.
            out: the folder of the run; the same command goes on there. Default evaluations/language-MODEL.
            parallel: requests that a server gets at once.
            json: print the findings for programs.
        """
        from codegem.commands.opening import open_source
        from codegem.commands.terminal import Bars
        from codegem.evaluation.findings import FILE, summary

        folder = out or default_folder("language", model)
        opened = open_source(model, None, parallel)
        with Bars() as bars, going_on(bars, folder):
            findings = run_language(opened, folder, tasks=tasks, data=data, limit=limit, progress=bars.update)
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
        file = folder / FILE
        print(file.read_text(encoding="utf-8") if json else f"{summary(findings)}\n{file}", end="" if json else "\n")

    parse(run, "eval language", words)


def run_language(
    opened: "Opened",
    out: Path,
    *,
    tasks: Sequence[str] = (),
    data: Path | None = None,
    limit: int | None = None,
    progress: "Progress | None" = None,
) -> "Findings":
    """Ask a model that was opened; `evaluation.language.run` says the rest."""
    from codegem.evaluation.language.run import run
    from codegem.evaluation.runner import silent
    from codegem.inference.engine import Engine
    from codegem.inference.likelihood import Likelihood
    from codegem.text.remembered import remembering

    source, scorer, encoder = opened.source, None, None
    if isinstance(source, Engine):
        scorer = Likelihood(source.model, pad=source.tokenizer.special.pad)
        encoder = remembering(source.tokenizer)
    return run(
        source,
        scorer,
        encoder,
        out,
        tasks=tasks,
        data=data,
        limit=limit,
        fit=opened.fit,
        settings=opened.settings,
        progress=progress or silent,
    )
