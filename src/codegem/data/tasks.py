"""One task for each source, run by Daft on all workers; a task that was done before is not done again."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codegem.data.dataframes import each
from codegem.data.repositories import Source
from codegem.data.shards import writing
from codegem.data.work import size
from codegem.errors import UserError


@dataclass(frozen=True)
class Progress:
    """How far a stage is, for a progress line with its rate and the time left."""

    stage: str
    done: int
    total: int
    unit: str


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Workers:
    """How many processes run tasks, and who is told. Daft's runner has been chosen by `dataframes.start`."""

    number: int
    report: Report

    def do(
        self, stage: str, sources: Sequence[Source], target: Callable[[Source], Path], task: Callable[[Source], None]
    ) -> None:
        """Do the task for every source whose target is not there yet, the largest source first.

        Args:
            target: the file that the task leaves, whole or not at all.

        Raises:
            UserError: a task raised one, or could not write. What the others have done stays.
        """
        sizes = {source.name: size(source) for source in sources}
        total = sum(sizes.values())
        left = [source for source in sources if not target(source).exists()]
        done = total - sum(sizes[source.name] for source in left)
        self.report(Progress(stage, done, total, "bytes"))
        if not left:
            return

        def run(name: str, location: str, kind: str) -> str:
            source = Source(name, Path(location), kind)
            try:
                with writing(target(source).parent), _few_collections():
                    task(source)
            except UserError as error:  # only a sentence comes back from another process
                return f"{name}\n{error}"
            return name

        left.sort(key=lambda source: (-sizes[source.name], source.name))
        columns = {
            "name": [source.name for source in left],
            "location": [str(source.location) for source in left],
            "kind": [source.kind for source in left],
        }
        for result in each(columns, run, self.number):
            name, failed, sentence = result.partition("\n")
            if failed:
                raise UserError(sentence)
            done += sizes[name]
            self.report(Progress(stage, done, total, "bytes"))
        if missing := [source.name for source in left if not target(source).exists()]:
            raise RuntimeError(f"{stage}: {len(missing)} of {len(left)} tasks left nothing, {missing[0]} among them")


@contextmanager
def _few_collections() -> Iterator[None]:
    """Python's collector of cycles looks through millions of live rows for nothing: 7% of the packing stage."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
