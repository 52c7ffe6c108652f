"""`codegem complete`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json

if TYPE_CHECKING:
    from codegem.assist.context import Window
    from codegem.assist.cursor import Document

_SECONDS = 0.5  # that reading the repository may take, and asking each source after that


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
        others: bool = True,
        trace: Path | None = None,
        longest_copy: int | None = None,
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
            others: look at other files of the repository too: what is imported, and similar code.
            trace: an index of a corpus (codegem trace build): what of the suggestion stands in it is told.
            longest_copy: how many tokens of one source of that corpus the suggestion may repeat.
            json: print an object for programs.
        """
        import codegem
        from codegem.assist.cursor import open_at, parse_location
        from codegem.commands import display

        document = open_at(parse_location(place))
        loaded = codegem.load(model, trace=trace, longest_copy=longest_copy)
        done = loaded.complete(
            document.prefix,
            document.suffix,
            path=document.path,
            context=gathered(document, loaded.window) if others else (),
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
        )
        if json:
            print_json(display.record(document, done, model=model, is_traced=trace is not None))
        else:
            style = display.style_for(sys.stdout)
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
            print(display.show(document, done, model=model, parameters=loaded.parameters, style=style), end="")

    parse(run, "complete", words)


def gathered(document: "Document", window: "Window") -> tuple[tuple[str, str], ...]:
    """What other files of the repository say, as far as it is found within a second."""
    from codegem.assist.cursor import find_root
    from codegem.assist.workspace import Workspace

    root = find_root(document.file)
    if root is None or not window.budget:
        return ()
    workspace = Workspace(root, window)
    workspace.ready(_SECONDS)
    try:
        return workspace.context(document.file, document.prefix, document.suffix, deadline=_SECONDS)
    finally:
        workspace.shut()
