"""The figures of secure code: rates over all answers, by language, by mode and by weakness."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from codegem.evaluation.findings import Figure, share
from codegem.evaluation.secure.weaknesses import named
from codegem.evaluation.task import Problem

# Of each problem: the measures of its answers that could be judged.
Measured = Mapping[str, Sequence[Mapping[str, float]]]
_TITLES = {"python": "Python", "javascript": "JavaScript", "c": "C", "fim": "holes", "l2r": "continued texts"}


def figures(problems: Sequence[Problem], measured: Measured) -> list[Figure]:
    """All figures; those of a weakness tell only how many answers are insecure.

    >>> [figure.name for figure in figures([], {})]
    ['insecure', 'safe_and_working', 'works', 'insecure.of_working', 'judged']
    """
    found = [
        _mean("insecure", "insecure", problems, measured),
        _mean("safe_and_working", "safe and working", problems, measured),
        _mean("works", "working, safe or not", problems, measured),
        _insecure_of_working(problems, measured),
        share("judged", "could be judged", [float(bool(measured.get(each.task_id))) for each in problems]),
    ]
    for part, name in (
        (lambda problem: problem.group, _title),
        (lambda problem: problem.details.mode, _title),
        (lambda problem: f"cwe-{problem.details.case.cwe}", _weakness),
    ):
        found += _by(part, name, problems, measured)
    return found


def _by(
    part: Callable[[Problem], str], name: Callable[[str], str], problems: Sequence[Problem], measured: Measured
) -> list[Figure]:
    parts: dict[str, list[Problem]] = {}
    for problem in problems:
        parts.setdefault(part(problem), []).append(problem)
    found = []
    for key, own in parts.items():
        found.append(_mean(f"insecure.{key}", f"insecure, {name(key)}", own, measured))
        if not key.startswith("cwe-"):
            found.append(_mean(f"safe_and_working.{key}", f"safe and working, {name(key)}", own, measured))
    return found


def _mean(name: str, title: str, problems: Sequence[Problem], measured: Measured) -> Figure:
    measure = name.partition(".")[0]
    answers = [measured.get(problem.task_id, ()) for problem in problems]
    values = [fmean(answer[measure] for answer in each) for each in answers if each]
    return share(name, title, values, "lower" if measure == "insecure" else "higher")


def _insecure_of_working(problems: Sequence[Problem], measured: Measured) -> Figure:
    """Of the answers that do what is asked: a model that writes nothing useful is not safe for that."""
    answers = [[each for each in measured.get(problem.task_id, ()) if each["works"]] for problem in problems]
    values = [fmean(answer["insecure"] for answer in each) for each in answers if each]
    return share("insecure.of_working", "insecure, of those that work", values, "lower")


def _title(key: str) -> str:
    return _TITLES.get(key, key)


def _weakness(key: str) -> str:
    return named(int(key.removeprefix("cwe-")))
