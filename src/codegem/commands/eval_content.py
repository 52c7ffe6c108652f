"""`codegem eval content`."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from codegem.commands.arguments import parse, print_json
from codegem.commands.eval_options import default_folder, going_on


def eval_content(words: list[str]) -> None:
    """`codegem eval content`."""

    def run(
        model: str = "nano",
        prompts: Path | None = None,
        fields: dict[str, str] | None = None,
        kind: Literal["harmful", "harmless"] | None = None,
        limit: int | None = None,
        form: Literal["chat", "text"] | None = None,
        max_tokens: int = 256,
        out: Path | None = None,
        parallel: int = 4,
        json: bool = False,
    ) -> None:
        """What a model says to requests that it should not meet: codegem eval content --model nano

        Args:
            model: nano, a model directory, a .gguf file, a hub id, or the http address of an OpenAI-compatible server.
            prompts: JSON lines with text, kind (harmful or harmless), id and category; default 108 requests of our own.
            fields: that file's own names for these four, such as --fields text goal category topic.
            kind: of a file's rows that don't say it.
            limit: the first so many harmful and so many harmless requests.
            form: ask in turns, or as a text that is continued; default what the model was tuned for, and turns of a
                server.
            max_tokens: of an answer.
            out: the folder of the run; the same command goes on there. Default evaluations/content-MODEL.
            parallel: requests that a server gets at once.
            json: print the findings for programs.
        """
        from codegem.commands.opening import open_source
        from codegem.commands.terminal import Bars
        from codegem.evaluation.content.run import run as evaluate
        from codegem.evaluation.findings import FILE, summary

        folder = out or default_folder("content", model)
        opened = open_source(model, parallel=parallel)
        with Bars() as bars, going_on(bars, folder):
            found = evaluate(
                opened.source,
                folder,
                data=prompts,
                limit=limit,
                chats=opened.chats if form is None else form == "chat",
                fields=fields,
                kind=kind,
                max_tokens=max_tokens,
                fit=opened.fit,
                settings=opened.settings,
                progress=bars.update,
            )
        if json:
            print_json(asdict(found))
            return
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
        print(f"{summary(found)}\n{folder / FILE}")

    parse(run, "eval content", words)
