"""`codegem train plot`."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from codegem.commands.arguments import parse


def train_plot(words: list[str]) -> None:
    """`codegem train plot`."""

    def run(
        runs: Annotated[Positional[tuple[Path, ...]], arg(metavar="DIR...")],
        to: Path | None = None,
    ) -> None:
        """Draw loss, learning rate, throughput and gradients of runs: codegem train plot runs/nano runs/infill

        Args:
            runs: what `codegem train` or `codegem tune` wrote; several are drawn over each other.
            to: the picture, an SVG; default training.svg in the only run, or comparison.svg here.
        """
        from codegem.errors import UsageError
        from codegem.train.plot import plot_named

        if not runs:
            raise UsageError("Name the --out of a run: codegem train plot runs/nano.")
        default = runs[0] / "training.svg" if len(runs) == 1 else Path("comparison.svg")
        print(plot_named(runs, to or default))

    parse(run, "train plot", words)
