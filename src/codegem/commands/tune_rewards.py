"""`codegem tune rewards`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from codegem.commands.arguments import parse, print_json

if TYPE_CHECKING:
    from codegem.train.tune_rewards import Rewarded


def tune_rewards(words: list[str]) -> None:
    """`codegem tune rewards`."""
    from codegem.train.reinforce import RewardRules
    from codegem.train.subject import Tuning
    from codegem.train.tune_recipe import Schedule
    from codegem.train.tune_rewards import tune_rewards as run_tuning

    def run(
        model: str,
        data: Path,
        out: Path,
        held_out_share: float = 0.1,
        unprotected: bool = False,
        accept_changes: bool = False,
        json: bool = False,
        rules: Annotated[RewardRules, tyro.conf.arg(name="")] = RewardRules(),  # noqa: B008  # frozen
        tuning: Annotated[Tuning, tyro.conf.arg(name="")] = Tuning(),  # noqa: B008
        schedule: Annotated[Schedule, tyro.conf.arg(name="")] = Schedule(),  # noqa: B008
    ) -> None:
        """Tune a model by rewards of its own answers:

        codegem tune rewards --model runs/chat/adapter --data tasks.jsonl --out runs/rewarded

        A line of the file is {"prompt": …, "answer": "68"} or {"prompt": …, "tests": ["assert f(2) == 5"]}; programs
        run in the sandbox. It can be stopped at any moment, and the same command goes on.

        Args:
            model: one that `codegem tune` made on conversations; its adapter is gone on with.
            data: a file of JSON lines.
            out: for the adapter, checkpoints and metrics.jsonl.
            held_out_share: of the tasks, which are not trained on but judged by.
            unprotected: run what the model writes without a sandbox. It may do whatever you may.
            accept_changes: go on from a checkpoint of another recipe or other data.
            json: print an object for programs.
            tuning: what of the model is trained.
            schedule: how; batch_size is the answers of a round, by default of eight questions.
        """
        done = run_tuning(
            model,
            data,
            out,
            rules,
            tuning,
            schedule,
            held_out_share=held_out_share,
            unprotected=unprotected,
            accept_changes=accept_changes,
        )
        if json:
            print_json(
                {
                    "path": str(done.path),
                    "tasks": done.tasks,
                    "held_out": done.held_out,
                    "steps": done.result.step,
                    "finished": done.result.finished,
                    "reward_before": done.before,
                    "reward_after": done.after,
                }
            )
        else:
            print(sentence(done))

    parse(run, "tune rewards", words)


def sentence(done: "Rewarded") -> str:
    """What came of it, for a person."""
    what = f"{done.path}: {done.result.step:,} steps on answers to {done.tasks:,} questions"
    if done.before is None or done.after is None:
        return f"{what}; no questions are held out, so nothing says what it is worth."
    return (
        f"{what}; mean reward of {done.held_out:,} held-out questions {done.before:.3f} before, {done.after:.3f} after."
    )
