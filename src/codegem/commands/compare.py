"""`codegem eval compare`."""

from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from codegem.commands.arguments import parse, print_json

if TYPE_CHECKING:
    from codegem.evaluation.paired import Change


def eval_compare(words: list[str]) -> None:
    """`codegem eval compare`."""

    def run(before: Positional[Path], after: Positional[Path], /, json: bool = False) -> None:
        """Compare two runs of the same problems, one by one: codegem eval compare evaluations/nano evaluations/tuned

        Args:
            before: the folder of a run of `codegem eval`.
            after: another, of the same problems.
            json: print a list for programs.
        """
        from dataclasses import asdict

        from codegem.evaluation.paired import compare

        changes = compare(before, after)
        if json:
            print_json([asdict(change) for change in changes])
            return
        print(f"{before} -> {after}")
        for change in changes:
            problems = f"{change.group}, {change.problems:,} problems"
            print(f"  {problems}: {change.figure.replace('_', ' ')} {_figures(change)}")

    parse(run, "eval compare", words)


def _figures(change: "Change") -> str:
    """
    >>> from codegem.evaluation.paired import Change
    >>> from codegem.evaluation.scoring import Estimate
    >>> _figures(Change("lines", "pass@1", 100, 0.05, 0.125, Estimate(0.075, 0.02, 0.13), 9, 2))
    '5.0% -> 12.5%, by +7.5 points (95% interval +2.0 to +13.0); 9 gained, 2 lost'
    """
    points = [f"{100 * value:+.1f}" for value in (change.change.value, change.change.low, change.change.high)]
    interval = f"by {points[0]} points (95% interval {points[1]} to {points[2]})"
    return f"{change.before:.1%} -> {change.after:.1%}, {interval}; {change.gained:,} gained, {change.lost:,} lost"
