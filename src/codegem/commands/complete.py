"""`codegem complete`."""

import sys

from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json


def complete(words: list[str]) -> None:
    """`codegem complete`."""

    def run(
        place: Positional[str],
        /,
        model: str = "nano",
        max_tokens: int = 64,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        json: bool = False,
    ) -> None:
        """Suggest what fits at the cursor: codegem complete examples/inventory.py:35

        Args:
            place: FILE:LINE[:COLUMN], counted from 1; the column defaults to the end of the line.
            model: nano, a model directory, a .gguf file, or a hub id such as google/codegemma-2b.
            max_tokens: the longest answer.
            temperature: 0 takes the likeliest token each time; more is more varied.
            top_p: with a temperature, choose among the likeliest tokens of this probability together.
            seed: equal seeds give equal answers.
            json: print an object for programs.
        """
        import codegem
        from codegem.assist.cursor import open_at, parse_location
        from codegem.commands import display

        document = open_at(parse_location(place))
        loaded = codegem.load(model)
        done = loaded.complete(
            document.prefix,
            document.suffix,
            path=document.path,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
        )
        if json:
            print_json(display.record(document, done, model=model))
        else:
            style = display.style_for(sys.stdout)
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
            print(display.show(document, done, model=model, parameters=loaded.parameters, style=style), end="")

    parse(run, "complete", words)
