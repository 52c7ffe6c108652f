"""`codegem eval score`."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from codegem.commands.arguments import parse

_Benchmark = Literal["humaneval", "infilling", "mbpp", "bc-humaneval", "bc-mbpp"]


def eval_score(words: list[str]) -> None:
    """`codegem eval score`."""

    def run(
        predictions: Positional[Path],
        /,
        benchmark: _Benchmark,
        data: Path | None = None,
        out: Path | None = None,
        parts: tuple[str, ...] = (),
        model: str | None = None,
        samples: int | None = None,
        limit: int | None = None,
        workers: int | None = None,
        json: bool = False,
    ) -> None:
        """Judge predictions, whoever made them: codegem eval score samples.jsonl --benchmark humaneval

        Args:
            predictions: JSON lines with `task_id` and `completion`; several of one task_id are samples.
            benchmark: what they answer.
            data: a file or folder of the benchmark's data; default the user's cache, and the public source.
            out: a folder for the verdicts and the report; the same command goes on there. Default
                evaluations/BENCHMARK-FILE-scored.
            parts: splits of infilling or languages of BabelCode; default those that have an answer.
            model: what the report calls whoever made them; default the file.
            samples: that a problem may have at most; default as many as there are.
            limit: the first so many problems of each part; default all, and one without a prediction is wrong.
            workers: answers judged at a time; default one for each core.
            json: print the report for programs.
        """
        from codegem.commands.eval_options import default_folder, going_on, tell
        from codegem.commands.terminal import Bars
        from codegem.evaluation import benchmarks
        from codegem.evaluation.evaluate import score
        from codegem.evaluation.predictions import read_predictions
        from codegem.evaluation.runner import select

        loaded = benchmarks.load(benchmark, data, parts)
        groups = {problem.task_id: problem.group for problem in loaded.problems}
        found = read_predictions(predictions, groups, samples)
        answered = tuple(dict.fromkeys(groups[prediction.task_id] for prediction in found))
        name = str(predictions).removesuffix(".gz").removesuffix(".jsonl")
        folder = out or default_folder(benchmark, f"{name}-scored")
        with Bars() as bars, going_on(bars, folder):
            report = score(
                loaded,
                select(loaded, groups=parts or answered, limit=limit),
                found,
                folder,
                model=model or str(predictions),
                workers=workers,
                progress=bars.update,
            )
        tell(report, folder, json)

    parse(run, "eval score", words)
