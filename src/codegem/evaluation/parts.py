"""Several evaluations of one model, each in a folder of its own, none of which is lost when another can't be done."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codegem.errors import SourceError, UserError
from codegem.evaluation.findings import Findings

# An evaluation that is ready to be run: it takes its folder.
Evaluation = Callable[[Path], Findings]


@dataclass(frozen=True)
class Part:
    """An evaluation; `absent` says why where there are no findings."""

    name: str
    findings: Findings | None = None
    absent: str = ""


def run_parts(evaluations: Mapping[str, Evaluation], out: Path) -> Iterator[Part]:
    """Each evaluation in its folder `out`/NAME, one after the other; one that is done goes on where it was.

    Raises:
        SourceError: the model answers nothing any more.
    """
    for name, evaluation in evaluations.items():
        try:
            yield Part(name, evaluation(out / name))
        except UserError as error:
            if isinstance(error, SourceError) and error.gone:
                raise
            yield Part(name, absent=str(error))
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("codegem"):
                raise
            yield Part(name, absent=f"{error.name} is not installed; install codegem with its `eval` extra.")
