"""What a model has to say about a broken text: what it writes in broken spans, and which repair it would make."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from codegem.assist.context import Window
from codegem.assist.fix_code import Code, Patch
from codegem.assist.fix_repairs import suspicious_lines
from codegem.generate import Infill, Request, StopReason, TextSource, never, outputs

_LINES = 4  # suspicious lines whose spans are filled
_TOKENS = 48  # of a fill
_FEW_TOKENS = 8  # enough to see how a fill begins
# How often a span is filled, and how freely.
_TRIES = ((0.0, 0), (0.4, 1), (0.8, 2))


@dataclass(frozen=True)
class Model:
    """Who is asked; `window` says how much of a file it reads."""

    source: TextSource
    window: Window
    cancelled: Callable[[], bool] = never

    def fills(self, code: Code) -> Iterator[Patch]:
        """What the model writes at the end of broken lines, from the error on, in their place, and above them."""
        for temperature, seed in _TRIES:
            for start, end, after in _spans(code):
                hole = self._hole(code, start, end)
                request = Request(
                    self.window.fit(hole, _TOKENS),
                    _TOKENS,
                    ("\n",),
                    temperature=temperature,
                    top_p=0.95,
                    seed=seed,
                    cancelled=self.cancelled,
                )
                (output,) = outputs(self.source, [request])
                if output.stop_reason is StopReason.STOP and output.text.strip():
                    yield Patch(start, end, output.text.rstrip().encode() + after, "model")

    def agrees(self, code: Code, patches: Sequence[Patch]) -> list[bool]:
        """For each edit, whether the model, asked to fill its place, begins with the same text."""
        requests = [
            Request(
                self.window.fit(self._hole(code, patch.start, patch.end), _FEW_TOKENS),
                _FEW_TOKENS,
                cancelled=self.cancelled,
            )
            for patch in patches
        ]
        return [
            _begins_with(output.text, patch.text.decode())
            for patch, output in zip(patches, outputs(self.source, requests), strict=True)
        ]

    def _hole(self, code: Code, start: int, end: int) -> Infill:
        before, behind = code.data[:start], code.data[end:]
        return Infill(before.decode(errors="replace"), behind.decode(errors="replace"), code.path.replace("\n", " "))


def _spans(code: Code) -> Iterator[tuple[int, int, bytes]]:
    """Spans to be filled, and what follows each fill."""
    for line in suspicious_lines(code)[:_LINES]:
        start, end = code.span(line)
        text = code.data[start:end]
        indent, length = len(text) - len(text.lstrip()), len(text.rstrip())
        yield start + length, end, b""
        for problem in code.problems:
            if start + indent < problem.start < start + length:
                yield problem.start, end, b""
        yield start + indent, end, b""
        yield start, start, b"\n"


def _begins_with(filled: str, text: str) -> bool:
    """Whether a fill says what an edit puts in; nothing, for an edit that takes something out."""
    return filled.lstrip(" ").startswith(text.strip()) if text.strip() else not filled.strip()
