"""`codegem convert`."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json

if TYPE_CHECKING:
    from codegem.checkpoints.converting import Converted

_FORMATS = {"hf": "Hugging Face's layout", "gguf": "GGUF", "kaggle": "Kaggle's Flax layout"}
_QUIET = 1.0  # seconds of work before progress is shown
_PLAIN_SECONDS = 15.0  # between lines where nothing can be written over


def convert(words: list[str]) -> None:
    """`codegem convert`."""

    def run(
        source: Positional[str],
        destination: Positional[Path],
        /,
        to: Literal["hf", "gguf", "kaggle"],
        type: Literal["f32", "bf16", "f16", "q8_0", "q4_0"] | None = None,
        overwrite: bool = False,
        json: bool = False,
    ) -> None:
        """Write a model in another format: codegem convert nano nano.gguf --to gguf --type q8_0

        Args:
            source: nano, a model directory, a .gguf file, a download of Kaggle, or a hub id.
            destination: a directory, or for gguf a file.
            to: hf is for Transformers, vLLM and codegem; gguf for llama.cpp and Ollama; kaggle for Google's own code.
            type: of the matrices, as in the source where it is left out; q8_0 and q4_0 are for gguf only.
            overwrite: replace a model of the same format.
            json: print an object for programs.
        """
        from codegem.checkpoints.converting import convert as work

        with _Progress() as progress:
            written = work(source, destination, to=to, type=type, overwrite=overwrite, on_tensor=progress.update)
        if json:
            print_json(_record(written))
        else:
            print(sentence(written))

    parse(run, "convert", words)


def sentence(written: "Converted") -> str:
    """What was written, for a person."""
    number = len(written.files)
    notice = f", with the NOTICE that the terms of {written.derived_from} ask for" if written.derived_from else ""
    return (
        f"{written.destination}: {written.parameters / 1e6:,.1f} M parameters in {written.type}, "
        f"{_FORMATS[written.format]}, {number} {'file' if number == 1 else 'files'} of {written.bytes / 1e6:,.1f} MB"
        f"{' together' if number > 1 else ''}{notice}."
    )


def _record(written: "Converted") -> dict[str, Any]:
    return {
        "destination": str(written.destination),
        "format": written.format,
        "type": written.type,
        "parameters": written.parameters,
        "bytes": written.bytes,
        "files": [str(path) for path in written.files],
        "derived_from": written.derived_from,
    }


class _Progress:
    """Tensors written, on standard error, once the work has taken a second."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._begun = self._shown = time.monotonic()

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """So many tensors are written."""
        now = time.monotonic()
        if sys.stderr.isatty():
            if self._bar is None and now - self._begun > _QUIET:
                self._bar = _bar(total)
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=done)
        elif now - self._shown > _PLAIN_SECONDS:
            self._shown = now
            print(f"{done:,} of {total:,} tensors written", file=sys.stderr)


def _bar(total: int) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("writing"), BarColumn(), MofNCompleteColumn(), TextColumn("tensors"), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True))
    bar.add_task("", total=total)
    bar.start()
    return bar
