"""Where a window comes from: its licence, and how many files hold it, by an index of the corpus (docs/TRACING.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

from codegem.data.tracing.index import Copy, TraceIndex
from codegem.evaluation.memorisation.windows import Window
from codegem.text.tokenizer import Tokenizer

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Origin:
    """Of one window.

    Attributes:
        licence: `UNKNOWN` where the corpus has the file and knows none; "" where the text around the window does not
            show which of several files of the same text it is from.
        files: of the corpus that hold about the same text as what was to be written.
    """

    licence: str
    files: int

    @property
    def spread(self) -> str:
        """In words of figures, how many files hold it.

        >>> Origin("MIT", 1).spread, Origin("MIT", 9).spread, Origin("MIT", 400).spread
        ('1 file', '2 to 9 files', '10 files or more')
        """
        if self.files == 1:
            return "1 file"
        return "2 to 9 files" if self.files < 10 else "10 files or more"


def origins(index: TraceIndex, windows: Sequence[Window], tokenizer: Tokenizer) -> list[Origin | None]:
    """The origin of each window, None where no file of the index holds it."""
    return [_origin(index, window, tokenizer) for window in windows]


def _origin(index: TraceIndex, window: Window, tokenizer: Tokenizer) -> Origin | None:
    # What was to be written may stand in more files than the whole window, as the end of a notice does.
    holding = [_longest(index.find(tokenizer.decode(tokens))) for tokens in (window.tokens.tolist(), window.wanted)]
    if not any(holding):
        return None
    around = index.find(tokenizer.decode(window.part.tolist()))
    own = _longest([copy for copy in around if copy.path.endswith(window.path)])
    licence = (own.licence or UNKNOWN) if own else ""
    return Origin(licence, 1 + max(copy.others for copy in holding if copy))


def _longest(copies: Sequence[Copy]) -> Copy | None:
    return max(copies, key=lambda copy: copy.tokens, default=None)
