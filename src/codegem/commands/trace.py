"""`codegem trace …`: where code stands in the corpus that a model learned from."""

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json
from codegem.errors import UsageError, UserError

if TYPE_CHECKING:
    from codegem.data.tracing.index import Copy, TraceIndex

_LINES = re.compile(r"(?P<file>.+):(?P<first>\d+)(-(?P<last>\d+))?", re.DOTALL)
_MAX_BYTES = 16 << 20


def trace(words: list[str]) -> None:
    """`codegem trace`."""

    def run(place: Positional[str], /, index: Path, least: int | None = None, json: bool = False) -> None:
        """Tell which parts of a text stand in a corpus: codegem trace answer.py:10-40 --index data/nano

        Blanks and line ends don't count, so code that was indented anew is found too.

        Args:
            place: FILE, FILE:LINE or FILE:FIRST-LAST; - reads the standard input.
            index: the index of a corpus, or a data set that has one (`codegem data build --trace`).
            least: tokens of a copy that is told of; by default 20, more where the index knows only of longer ones.
            json: print an object for programs.
        """
        from codegem.data.tracing.index import TraceIndex

        if least is not None and least < 1:
            raise UsageError(f"A copy has at least 1 token, and not {least}.")
        text = _read(place)
        opened = TraceIndex.open(index)
        copies = opened.find(text.text, least or opened.least)
        if json:
            print_json(_record(text, opened, copies))
        else:
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
            print("\n".join(_lines(text, opened, copies)))

    parse(run, "trace", words)


def trace_build(words: list[str]) -> None:
    """`codegem trace build`."""

    def run(
        data: Positional[Path],
        sources: Positional[tuple[Path, ...]],
        /,
        megabytes: float | None = None,
        workers: int | None = None,
        json: bool = False,
    ) -> None:
        """Make the index of a data set that exists: codegem trace build data/nano corpus/train

        The sources are read again, and the files that the data set kept are indexed in DATA/trace.

        Args:
            data: what `codegem data build` made.
            sources: all that it was built from.
            megabytes: the most that the index may have; by default about half of the text that was kept.
            workers: processes on this machine; by default one for each core.
            json: print what the index holds for programs.
        """
        import os

        from codegem.commands.terminal import Bars
        from codegem.data.dataframes import start
        from codegem.data.tasks import Workers
        from codegem.data.tracing.building import trace_dataset

        start("local")
        with Bars() as shown:
            report = lambda event: shown.update(event.stage, event.done, event.total, event.unit)  # noqa: E731
            header, made = trace_dataset(data, sources, Workers(workers or os.cpu_count() or 1, report), megabytes)
        if json:
            print_json(asdict(header))
        else:
            print("" if made else f"{data} has an index already; delete {data / 'trace'} to make another.\n", end="")
            print(
                f"{header.files:,} files, {header.text_bytes / 1e6:,.1f} MB of text in {header.bytes / 1e6:,.1f} MB; "
                f"every copy of {header.certain} visible characters is found"
            )

    parse(run, "trace build", words)


class _Text(NamedTuple):
    """What is looked up: its name, its text, and the number of its first line."""

    name: str
    text: str
    line: int = 1

    def lines(self, start: int, end: int) -> tuple[int, int]:
        """The lines of some characters."""
        return self.line + self.text.count("\n", 0, start), self.line + self.text.count("\n", 0, max(start, end - 1))


def _read(place: str) -> _Text:
    if place == "-":
        return _Text("-", sys.stdin.buffer.read(_MAX_BYTES).decode("utf-8", "replace"))
    found = None if Path(place).is_file() else _LINES.fullmatch(place)
    file = Path(found["file"] if found else place)
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise UserError(f"{file} can't be read: {error.strerror}.") from None
    if not found:
        return _Text(str(file), text)
    first, last = int(found["first"]), int(found["last"] or found["first"])
    lines = text.splitlines(keepends=True)
    if not 1 <= first <= last <= len(lines):
        raise UsageError(f"{file} has {len(lines)} lines, and not {first} to {last}.")
    return _Text(str(file), "".join(lines[first - 1 : last]), first)


def _record(text: _Text, index: "TraceIndex", copies: Sequence["Copy"]) -> dict[str, object]:
    from codegem.data.tracing.tokens import spans

    rows = [{**asdict(copy), "lines": text.lines(copy.start, copy.end)} for copy in copies]
    return {
        "file": text.name,
        "index": index.identity,
        "dataset": index.header.dataset,
        "tokens": len(spans(text.text)),
        "copies": rows,
    }


def _lines(text: _Text, index: "TraceIndex", copies: Sequence["Copy"]) -> list[str]:
    """What a person reads of it: a line for each copy."""
    if not copies:
        return [f"{text.name}: nothing of it stands in the corpus ({index.files:,} files)."]
    said = []
    for copy in copies:
        others = f", and in {copy.others} other file{'s'[: copy.others > 1]}" if copy.others else ""
        said.append(
            f"{text.name}:{_from_to(*text.lines(copy.start, copy.end))}: these {copy.tokens} tokens stand in "
            f"{copy.repository}, {copy.path}:{_from_to(copy.line, copy.last_line)}, {copy.licence or 'no licence'}"
            f"{others}"
        )
    return said


def _from_to(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
