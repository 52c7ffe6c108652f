"""`codegem tune preferences`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from codegem.commands.arguments import parse, print_json

if TYPE_CHECKING:
    from codegem.train.tune_preferences import Preferred


def tune_preferences(words: list[str]) -> None:
    """`codegem tune preferences`."""
    from codegem.train.subject import Tuning
    from codegem.train.tune_preferences import PreferenceRules
    from codegem.train.tune_preferences import tune_preferences as run_tuning
    from codegem.train.tune_recipe import Schedule

    def run(
        model: str,
        data: Path,
        out: Path,
        accept_changes: bool = False,
        json: bool = False,
        rules: Annotated[PreferenceRules, tyro.conf.arg(name="")] = PreferenceRules(),  # noqa: B008
        tuning: Annotated[Tuning, tyro.conf.arg(name="")] = Tuning(),  # noqa: B008  # frozen
        schedule: Annotated[Schedule, tyro.conf.arg(name="")] = Schedule(),  # noqa: B008
    ) -> None:
        """Tune a model by pairs of a better and a worse answer:

        codegem tune preferences --model runs/chat/adapter --data pairs.jsonl --out runs/preferred

        A line of the file is {"prompt": …, "chosen": …, "rejected": …}. It can be stopped at any moment, and the same
        command goes on.

        Args:
            model: best one that `codegem tune` made on conversations; its adapter is gone on with.
            data: a file of JSON lines.
            out: for the adapter, checkpoints and metrics.jsonl.
            accept_changes: go on from a checkpoint of another recipe or other data.
            json: print an object for programs.
            tuning: what of the model is trained.
            schedule: how; what is left out is worked out from the sizes of the model and of the data.
        """
        done = run_tuning(model, data, out, rules, tuning, schedule, accept_changes=accept_changes)
        if json:
            print_json(
                {
                    "path": str(done.path),
                    "pairs": done.pairs,
                    "held_out": done.held_out,
                    "steps": done.result.step,
                    "finished": done.result.finished,
                    "before": done.before,
                    "after": done.after,
                }
            )
        else:
            print(sentence(done))

    parse(run, "tune preferences", words)


def sentence(done: "Preferred") -> str:
    """What came of it, for a person."""
    what = f"{done.path}: {done.result.step:,} steps on {done.pairs:,} pairs"
    if not done.after:
        return f"{what}; no pairs are held out, so nothing says what it is worth."
    return (
        f"{what}; of {done.held_out:,} held-out pairs the better answer is preferred in "
        f"{done.after['validation_accuracy']:.1%}, with a margin of {done.after['validation_margin']:.2f} nats."
    )
