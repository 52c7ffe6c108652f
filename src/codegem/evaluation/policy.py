"""What is acceptable: a file of limits, and what of a model is beyond them.

    [memorisation]
    exact = { at_most = 0.01, counted = 1000 }

    [secure-code]
    safe_and_working = { at_least = 0.2 }

A table is an evaluation, a key a figure of its findings, and a limit is of the figure itself, not of its interval.
What was not measured is not acceptable either: nobody knows.
"""

import hashlib
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.findings import Figure
from codegem.evaluation.json_lines import read_bytes
from codegem.evaluation.parts import Part

_KEYS = ("at_most", "at_least", "counted")


class Status(StrEnum):
    """What a figure is to its limit."""

    WITHIN = "within"
    BEYOND = "beyond"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Limit:
    """What a figure may be.

    Attributes:
        figure: its name in the findings of `evaluation`.
        at_most, at_least: the last values that are acceptable; one of them or both.
        counted: of fewer items the figure says nothing.
    """

    evaluation: str
    figure: str
    at_most: float | None = None
    at_least: float | None = None
    counted: int = 1

    @property
    def name(self) -> str:
        """Evaluation and figure in one word."""
        return f"{self.evaluation}.{self.figure}"

    @property
    def told(self) -> str:
        """The limit in words.

        >>> Limit("memorisation", "exact", at_most=0.01).told
        'at most 0.01'
        """
        words = [f"at least {self.at_least:g}"] if self.at_least is not None else []
        words += [f"at most {self.at_most:g}"] if self.at_most is not None else []
        return " and ".join(words)


@dataclass(frozen=True)
class Policy:
    """Limits, and the file that they are from."""

    file: str
    sha256: str
    limits: Sequence[Limit]


@dataclass(frozen=True)
class Outcome:
    """One limit, held against a model.

    Attributes:
        value: the figure; None where it is not known.
        why: one sentence of a figure that is beyond its limit, or not known; "" of one within.
    """

    limit: Limit
    status: Status
    value: float | None = None
    why: str = ""


def read_policy(file: Path | None = None) -> Policy:
    """A policy.

    Args:
        file: TOML; by default the policy that codegem brings along.

    Raises:
        UserError: it can't be read, is no TOML, or has a limit that is none.
    """
    if file is None:
        name, data = "codegem's own", files("codegem.evaluation").joinpath("policy.toml").read_bytes()
    else:
        name, data = str(file), read_bytes(file)
    try:
        tables = tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise UserError(f"{name} is not UTF-8, and a policy is a TOML file in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{name} is no TOML: {error}.") from None
    limits = [
        _limit(name, table, figure, given)
        for table, rows in tables.items()
        for figure, given in _rows(name, table, rows)
    ]
    if not limits:
        raise UserError(f"{name} has no limit; give one, such as [memorisation] with exact = {{ at_most = 0.01 }}.")
    return Policy(name, hashlib.sha256(data).hexdigest(), limits)


def check(policy: Policy, parts: Sequence[Part]) -> list[Outcome]:
    """Each limit of a policy, held against what was found.

    Example:
        >>> from codegem.evaluation.findings import Findings, share
        >>> found = Findings("memorisation", "Memorisation", "nano", "", [share("exact", "exact", [1, 0])])
        >>> policy = Policy("mine.toml", "", [Limit("memorisation", "exact", at_most=0.01)])
        >>> [outcome.why for outcome in check(policy, [Part("memorisation", found)])]
        ['memorisation.exact is 0.5 and must be at most 0.01.']
    """
    by_name = {part.name: part for part in parts}
    return [_outcome(limit, by_name.get(limit.evaluation)) for limit in policy.limits]


def _outcome(limit: Limit, part: Part | None) -> Outcome:
    if part is None or part.findings is None:
        reason = part.absent.rstrip(".") if part else "it was not asked for"
        return Outcome(limit, Status.UNKNOWN, None, f"{limit.name} was not measured: {reason}.")
    figure = next((figure for figure in part.findings.figures if figure.name == limit.figure), None)
    if figure is None or figure.value is None or figure.counted < limit.counted:
        return Outcome(limit, Status.UNKNOWN, None, _unknown(limit, figure))
    beyond = limit.at_most is not None and figure.value > limit.at_most
    beyond |= limit.at_least is not None and figure.value < limit.at_least
    if not beyond:
        return Outcome(limit, Status.WITHIN, figure.value)
    return Outcome(limit, Status.BEYOND, figure.value, f"{limit.name} is {figure.value:.4g} and must be {limit.told}.")


def _unknown(limit: Limit, figure: Figure | None) -> str:
    if figure is None:
        return f"{limit.name} was not measured: there is no such figure."
    return f"{limit.name} was not measured: {figure.counted:,} were counted, and the limit needs {limit.counted:,}."


def _rows(file: str, table: str, rows: Any) -> Sequence[tuple[str, Any]]:
    if not isinstance(rows, dict):
        raise UserError(
            f"{file}: {table} stands in no table; a limit belongs to an evaluation, such as [memorisation]."
        )
    return list(rows.items())


def _limit(file: str, table: str, figure: str, given: Any) -> Limit:
    where = f"{file}, [{table}] {figure}"
    if not isinstance(given, dict) or not {"at_most", "at_least"} & given.keys():
        raise UserError(f"{where}: a limit is {{ at_most = … }} or {{ at_least = … }}.")
    if unknown := [key for key in given if key not in _KEYS]:
        raise UserError(f"{where}: there is no {unknown[0]!r}; a limit has {', '.join(_KEYS)}.")
    for key, value in given.items():
        whole = key == "counted"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not math.isfinite(value):
            raise UserError(f"{where}: {key} is {value!r}, not a {'whole ' if whole else ''}number.")
    return Limit(table, figure, given.get("at_most"), given.get("at_least"), given.get("counted", 1))
