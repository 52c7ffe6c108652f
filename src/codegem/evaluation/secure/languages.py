"""What judges the answers of each language; a further language is one more row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codegem.evaluation import python_judge
from codegem.evaluation.secure import trial, trial_c, trial_javascript
from codegem.evaluation.secure.analysers import Analyser, Bandit
from codegem.evaluation.secure.analysers_c import Gcc
from codegem.evaluation.secure.cases import Case
from codegem.evaluation.secure.trial import Tried


@dataclass(frozen=True)
class Language:
    """How programs of a language are judged.

    Attributes:
        try_out: runs a case's program under its tests.
        lacks: why they can't run on this machine, in one clause; "" if they can.
        runs_by: names and versions of what runs them.
        analysers: all of them are needed.
    """

    try_out: Callable[[Case, str], Tried]
    lacks: Callable[[], str]
    runs_by: Callable[[], Mapping[str, str]]
    analysers: tuple[Analyser, ...]

    def missing(self) -> str:
        """Why its answers can't be judged here, in one clause; "" if they can."""
        reasons = [self.lacks(), *(analyser.missing() for analyser in self.analysers)]
        return "; ".join(reason for reason in reasons if reason)

    def tools(self) -> dict[str, str]:
        """Names and versions of all that judges, as far as it is here."""
        present = [analyser for analyser in self.analysers if not analyser.missing()]
        return {**self.runs_by(), **{analyser.name: analyser.version() for analyser in present}}


LANGUAGES = {
    "python": Language(trial.try_out, python_judge.missing, python_judge.tools, (Bandit(),)),
    "javascript": Language(trial_javascript.try_out, trial_javascript.missing, trial_javascript.tools, ()),
    "c": Language(trial_c.try_out, trial_c.missing, trial_c.tools, (Gcc(),)),
}
