"""Progress bars, a manifest and a training example, as a person sees them."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from codegem.commands.display import printable
from codegem.data.corpus import FetchEvent
from codegem.data.shards import Manifest
from codegem.data.show import Shown, Span
from codegem.text.tokenizer import NAMES

FILE_SEPARATOR = NAMES["file_separator"][0]
_PLAIN_SECONDS = 15.0  # between lines where nothing can be written over


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.1f} {task.fields['unit']}/s" if speed else "")


class Bars:
    """Progress on standard error: a bar a stage in a terminal, a line now and then elsewhere.

    >>> with Bars() as bars:                     # doctest: +SKIP
    ...     bars.update("reading", 3, 10, "files")
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            _Rate(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}  # when a stage was first told of, and how far it was
        self._shown = time.monotonic()

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, stage: str, done: int, total: int, unit: str) -> None:
        """A stage has come so far. What was done when it is first told of counts for no speed: it was there before."""
        now = time.monotonic()
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, completed=done, unit=unit)
            self._begun[stage] = now, done
        self._progress.update(self._tasks[stage], completed=done, total=total)
        if not self._console.is_terminal and (now - self._shown >= _PLAIN_SECONDS or (done == total and total)):
            self._shown = now
            self.say(f"{stage}: {done:,} of {total:,} {unit}{self._left(stage, now, done, total)}")

    def _left(self, stage: str, now: float, done: int, total: int) -> str:
        """How long a stage still takes, if the rest goes as fast as what was done since it was first told of."""
        since, before = self._begun[stage]
        if done <= before or done >= total:
            return ""
        minutes = (total - done) * (now - since) / (done - before) / 60
        return f", about {minutes:,.0f} min left" if minutes >= 1 else ", less than a minute left"

    def fetched(self, event: FetchEvent) -> None:
        """A package of a corpus is through."""
        self.update("fetching", event.done, event.total, "packages")
        if event.reason:
            self.say(event.reason)

    def say(self, sentence: str) -> None:
        """A sentence that stays."""
        self._console.print(printable(sentence), markup=False, highlight=False, soft_wrap=True)


def manifest_lines(manifest: Manifest, out: object) -> list[str]:
    """What a build made, in a few lines."""
    counts, tokens = manifest.counts, manifest.tokens
    reasons = sorted(counts["reasons"].items(), key=lambda item: -item[1])
    return [
        f"{counts['read']:,} files read: {counts['kept']:,} kept, {counts['rejected']:,} rejected",
        *(f"  {count:>8,}  {reason}" for reason, count in reasons),
        f"{tokens['real']:,} tokens in {manifest.examples('train'):,} training and "
        f"{manifest.examples('validation'):,} validation examples, {tokens['share_real']:.1%} of the places real",
        f"{counts['holes']:,} holes in {counts['file_parts']:,} files and parts of files ({counts['fim_rate']:.1%})",
        f"{out}, hash {manifest.hash[:16]}",
    ]


_COLOURS = {
    "path": "cyan",
    "prefix": "green",
    "middle": "black on yellow",
    "suffix": "blue",
    "question": "blue",
    "answer": "black on yellow",
    "control": "bold magenta",
}
_MASKED = "dim"  # the loss does not count it


def print_example(example: Shown) -> None:
    """Print a training example; every role has a colour, and its name where there are no colours."""
    console = Console(highlight=False)
    for number, segment in enumerate(example.segments, start=1):
        console.rule(f"segment {number} of {len(example.segments)}")
        text = Text()
        for span in segment:
            text.append_text(_styled(span, console.is_terminal))
            if span.text == FILE_SEPARATOR:  # a border between files
                text.append(f"\n{'┄' * 40}\n" if console.is_terminal else "\n", _MASKED)
        console.print(text, soft_wrap=True)
    console.rule()
    masked = sum(span.tokens for segment in example.segments for span in segment if span.masked)
    console.print(
        f"{example.split} example {example.index} of {example.examples}: {example.tokens} tokens, "
        f"{example.padding} of them padding; the loss does not count {masked} others"
    )
    if console.is_terminal:
        styles = {**_COLOURS, "masked": _MASKED}
        console.print(Text.assemble(*((f" {role} ", style) for role, style in styles.items())))


def _styled(span: Span, coloured: bool) -> Text:
    text = printable(span.text)
    if coloured:
        return Text(text, f"{_COLOURS.get(span.role, '')} {_MASKED if span.masked else ''}".strip())
    if span.masked and span.role != "control":
        return Text(f"(({text}))")
    return Text(f"[[{text}]]" if span.role in ("middle", "answer") else text)
