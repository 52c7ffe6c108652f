"""Every way to lay a run over devices, against one device: do the losses stay the same?

    python benchmarks/sharding.py [--steps 50] [--folder runs/sharding] [--only layouts|processes|moves|kill]

On simulated CPU devices, with a model of one layer in float32, it prints the largest relative difference of a loss:
of each layout of eight devices; of two processes on loopback with four devices each; of runs that go on in another
layout, or in another number of processes, half-way; and of runs of two processes of which one is killed and which are
started again, with the seconds until the other ended and what it said. The runs are those of tests/train/mesh_runs.py.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "train")]

from mesh_runs import Plan, Planned, deviation, losses, start, start_together  # noqa: E402

LAYOUTS = [(8, 1, 1), (1, 8, 1), (1, 1, 8), (4, 2, 1), (2, 4, 1), (4, 1, 2), (1, 4, 2), (1, 2, 4), (2, 2, 2)]
MOVES = [((8, 1, 1), (1, 1, 1)), ((1, 8, 1), (1, 1, 8)), ((1, 1, 1), (2, 2, 2)), ((1, 1, 8), (1, 8, 1))]
JOINT = [(2, 4, 1), (1, 8, 1), (2, 2, 2)]  # of two processes


def main() -> None:
    """Run what was asked for, and print a line for each."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--steps", type=int, default=50)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--only", choices=["layouts", "processes", "moves", "kill"])
    asked = arguments.parse_args()
    out = asked.folder or Path(mkdtemp())
    print("| run | largest relative difference of a loss |\n|---|---|", flush=True)
    parts = {"layouts": layouts, "processes": processes, "moves": moves, "kill": kill}
    alone(asked.steps, Planned(str(out / "one")))
    for name, part in parts.items():
        if asked.only in (None, name):
            part(out, asked.steps)


def layouts(out: Path, steps: int) -> None:
    """Eight devices of one process."""
    alone(steps, *(Planned(str(out / named(mesh)), mesh) for mesh in LAYOUTS))
    for mesh in LAYOUTS:
        tell(f"{named(mesh)}, one process", out, out / named(mesh))


def processes(out: Path, steps: int) -> None:
    """Eight devices of two processes, each of which reads its rows."""
    for mesh in JOINT:
        folder = out / f"{named(mesh)}-two"
        together(steps, Planned(str(folder), mesh))
        tell(f"{named(mesh)}, two processes", out, folder)


def moves(out: Path, steps: int) -> None:
    """From one layout to another, and from one process to two and back."""
    for number, (before, after) in enumerate(MOVES):
        folder = out / f"move-{number}"
        alone(steps, Planned(str(folder), before, stop=steps // 2), Planned(str(folder), after))
        tell(f"{named(before)} to {named(after)} after {steps // 2} steps", out, folder)
    folder = out / "move-processes"
    alone(steps, Planned(str(folder), (1, 8, 1), stop=steps // 3))
    together(steps, Planned(str(folder), (2, 4, 1), stop=2 * steps // 3))
    alone(steps, Planned(str(folder), (2, 2, 2)))
    tell("one process, then two, then one, in thirds", out, folder)


def kill(out: Path, steps: int) -> None:
    """One of two processes ends by SIGKILL after half of the steps; both are started again."""
    for victim in (0, 1):
        folder, last = out / f"killed-{victim}", steps // 2
        joined = start_together(Plan((Planned(str(folder), (2, 4, 1), die=last, victim=victim),), steps), 2, 4)
        joined[victim].wait()
        began = time.monotonic()
        said = joined[1 - victim].communicate()[0].strip().splitlines()
        seconds = time.monotonic() - began
        told = max(losses(folder))
        saved = max(int(path.name) for path in (folder / "checkpoints").iterdir() if path.name.isdecimal())
        together(steps, Planned(str(folder), (2, 4, 1)))
        tell(
            f"process {victim} of two killed at step {last}: the other ended after {seconds:.0f} s (exit "
            f"{joined[1 - victim].returncode}); {told - saved} steps since the checkpoint of {saved} done again",
            out,
            folder,
        )
        print(
            f"|   it said: {next((line for line in reversed(said) if 'has died' in line), said[-1:])} | |", flush=True
        )


def alone(steps: int, *runs: Planned) -> None:
    """Runs in one process of eight devices."""
    finish([start(Plan(runs, steps), 8)])


def together(steps: int, run: Planned) -> None:
    """A run in two processes of four devices."""
    finish(start_together(Plan((run,), steps), 2, 4))


def finish(joined: list) -> None:
    """Wait for them; what they printed is shown where one failed."""
    said = [process.communicate()[0] for process in joined]
    if any(process.returncode for process in joined):
        sys.exit("\n".join(said))


def named(mesh: tuple[int, int, int]) -> str:
    """
    >>> named((2, 4, 1))
    'data2-fsdp4-tensor1'
    """
    return "-".join(f"{axis}{size}" for axis, size in zip(("data", "fsdp", "tensor"), mesh, strict=True))


def tell(name: str, out: Path, folder: Path) -> None:
    """A line of the table."""
    print(f"| {name} | {deviation(folder, out / 'one'):.1e} |", flush=True)


if __name__ == "__main__":
    main()
