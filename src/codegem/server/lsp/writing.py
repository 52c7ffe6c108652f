"""From a place in an open document to the text of a suggestion: what takes time."""

from collections.abc import Callable
from dataclasses import replace

from codegem.assist.attribution import sentence
from codegem.assist.completion import Settings, complete, plan
from codegem.generate import Infill, StopReason, never
from codegem.server.lsp.documents import Hole
from codegem.server.lsp.model import Opened
from codegem.server.lsp.options import Options
from codegem.server.lsp.roots import Roots


class Writer:
    """One model and the files around; used from any thread."""

    def __init__(self, opened: Opened, roots: Roots):
        self.opened = opened
        self.roots = roots

    def write(
        self,
        hole: Hole,
        options: Options,
        on_text: Callable[[str], object] | None = None,
        cancelled: Callable[[], bool] = never,
        seconds: float | None = None,
        on_copy: Callable[[str], object] = lambda sentence: None,
    ) -> str:
        """The text of a suggestion, "" where there is none or nobody wants it any more.

        Args:
            on_text: gets each part of it as soon as it is sure to be shown.
            seconds: once there is a whole line, the text ends after so long.
            on_copy: gets a sentence for each part of it that stands in the corpus of the model's index.

        Raises:
            UserError: the model can't be asked.
        """
        infill = self._infill(hole, options)
        if cancelled():
            return ""
        settings = Settings(max_tokens=options.max_tokens, lines=options.lines, seconds=seconds)
        source, window, index = self.opened.source, self.opened.window, self.opened.index
        done = complete(source, window, infill, settings, on_text, cancelled, index)
        if done.stop_reason is StopReason.CANCELLED:
            return ""
        for copy in done.copies:
            on_copy(sentence(copy))
        return done.text

    def warm(self, hole: Hole, options: Options, cancelled: Callable[[], bool]) -> None:
        """Read the prompt of a place, so that the first suggestion there comes sooner.

        Raises:
            UserError: the model can't be asked.
        """
        if not self.opened.reads_ahead:
            return
        settings = Settings(max_tokens=options.max_tokens, lines=options.lines)
        request = plan(self._infill(hole, options), self.opened.window, settings, cancelled).request
        for _ in self.opened.source.generate([replace(request, max_tokens=0)]):
            pass

    def _infill(self, hole: Hole, options: Options) -> Infill:
        """A hole with what else is to be read."""
        if hole.file is None:
            return Infill(hole.prefix, hole.suffix)
        path, others = self.roots.path(hole.file), ()
        if options.context:
            others = self.roots.of(hole.file).context(hole.file, hole.prefix, hole.suffix)
        return Infill(hole.prefix, hole.suffix, path, others)
