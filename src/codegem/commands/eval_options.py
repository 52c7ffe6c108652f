"""What the commands that judge models have in common: their options, their folder, and what they print."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.commands.terminal import Bars
    from codegem.evaluation.report import Report

Order = Literal["psm", "spm", "spm-joined", "suffix"]


@dataclass(frozen=True)
class Options:
    """Options of a benchmark.

    Attributes:
        model: nano, a model directory, a .gguf file, a hub id, or the http address of an OpenAI-compatible server.
        data: a file or folder of the benchmark's data; default the user's cache, and the public source.
        limit: the first so many problems of each part.
        out: the folder of the run; the same command goes on there. Default evaluations/BENCHMARK-MODEL.
        samples: answers to each problem.
        temperature: 0 takes the likeliest token each time.
        top_p: with a temperature, choose among the likeliest tokens of this probability together.
        seed: equal seeds give equal answers.
        order: the layout of prompts with a hole; default the model's own. "suffix" is a field of some servers.
        parallel: requests that a server gets at once.
        max_tokens: of an answer; default the benchmark's own.
        workers: answers judged at a time; default one for each core.
        json: print the report for programs.
    """

    model: str = "nano"
    data: Path | None = None
    limit: int | None = None
    out: Path | None = None
    samples: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    order: Order | None = None
    parallel: int = 4
    max_tokens: int | None = None
    workers: int | None = None
    json: bool = False


def run_benchmark(name: str, options: Options, groups: Sequence[str] = ()) -> None:
    """Evaluate a model on a benchmark, and print what came of it."""
    from codegem.commands.opening import open_source
    from codegem.commands.terminal import Bars
    from codegem.evaluation import benchmarks
    from codegem.evaluation.evaluate import evaluate
    from codegem.evaluation.runner import Sampling, select

    sampling = Sampling(options.samples, options.temperature, options.top_p, options.seed)
    benchmark = benchmarks.load(name, options.data, groups)
    problems = select(benchmark, groups=groups, limit=options.limit, max_tokens=options.max_tokens)
    out = options.out or default_folder(name, options.model)
    opened = open_source(options.model, options.order, options.parallel)
    settings = {**opened.settings, "max_tokens": options.max_tokens}
    with Bars() as bars, going_on(bars, out):
        report = evaluate(
            benchmark,
            problems,
            opened.source,
            out,
            sampling=sampling,
            settings=settings,
            fit=opened.fit,
            workers=options.workers,
            progress=bars.update,
        )
    tell(report, out, options.json)


def default_folder(benchmark: str, model: str) -> Path:
    """Where a run goes that has no --out.

    >>> default_folder("humaneval", "google/codegemma-2b").as_posix()
    'evaluations/humaneval-google-codegemma-2b'
    """
    name = re.sub(r"[^A-Za-z0-9._]+", "-", re.sub(r"^https?://", "", model)).strip("-.")
    return Path("evaluations", f"{benchmark}-{name[-100:]}")


@contextmanager
def going_on(bars: "Bars", out: Path) -> Iterator[None]:
    """Say that nothing is lost where the user stops the work."""
    try:
        yield
    except KeyboardInterrupt:
        bars.say(f"{out} keeps what is done; the same command goes on from there.")
        raise


def tell(report: "Report", out: Path, json: bool) -> None:
    """Print a report.

    Raises:
        UserError: it has no figure, as nothing could be judged.
    """
    from codegem.evaluation.report import to_json
    from codegem.evaluation.summary import summary, unjudged

    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
    print(to_json(report) if json else f"{summary(report)}\n{out}/report.json", end="" if json else "\n")
    if reason := unjudged(report):
        raise UserError(reason)
