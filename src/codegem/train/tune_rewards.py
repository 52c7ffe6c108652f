"""A model tuned on rewards of its own answers: the run behind `codegem tune rewards`."""

from dataclasses import dataclass, replace
from pathlib import Path

from codegem.errors import UsageError, UserError
from codegem.sandbox.bubblewrap import require
from codegem.train.json_lines import read_json_lines
from codegem.train.loop import Result
from codegem.train.metrics import read_metrics
from codegem.train.progress import Progress
from codegem.train.reinforce import RewardRules
from codegem.train.rewards import Judge, read_task
from codegem.train.rollouts import longest_of
from codegem.train.rounds import Judges, RewardJob, run_rewards
from codegem.train.subject import Tuning, open_subject
from codegem.train.tune_preferences import check_share, parted, start_hash
from codegem.train.tune_recipe import Schedule, tune_recipe

_QUESTIONS = 8  # of a round, by default
GENTLER = 0.2  # of the learning rate for text: a round's rewards say little, and with noise


@dataclass(frozen=True)
class Rewarded:
    """What came of a run.

    Attributes:
        path: the adapter or the model.
        before: mean reward of one greedy answer to each held-out question; None where there is none.
        after: at the end.
    """

    result: Result
    path: Path
    tasks: int
    held_out: int
    before: float | None
    after: float | None


def tune_rewards(
    model: str,
    data: Path,
    out: Path,
    rules: RewardRules = RewardRules(),  # noqa: B008  # frozen
    tuning: Tuning = Tuning(),  # noqa: B008
    schedule: Schedule = Schedule(),  # noqa: B008
    *,
    held_out_share: float = 0.1,
    unprotected: bool = False,
    judge: Judges | None = None,
    progress: Progress | None = None,
    stop_after: int | None = None,
    accept_changes: bool = False,
) -> Rewarded:
    """Tune a model by GRPO on a file of tasks (`rewards`). It can be stopped, and the same call goes on.

    Args:
        model: whatever `open_model` opens, tuned to answer questions.
        out: the folder of the run.
        held_out_share: of the tasks, which are not trained on but judged by.
        unprotected: run what the model wrote without a sandbox.
        judge: gives the rewards; default `rewards.Judge`.
        stop_after, progress, accept_changes: as in `loop.run_job`.

    Raises:
        UserError: a row of the file is wrong, the model can't be tuned or doesn't chat, `out` is of another run,
            bubblewrap is missing, or as in `run_job`.
        UsageError: a field makes no sense.
    """
    check_share(held_out_share)
    tasks, digest = read_json_lines(data, read_task)
    if any(task.checks for task in tasks) and not unprotected and judge is None:
        require()
    tuning = replace(tuning, keep=tuning.keep or 0.0)  # what it was stays near by kl, not by averaging
    subject = open_subject(model, tuning, dtype=schedule.dtype, seed=schedule.seed)
    if not subject.opened.chats:
        raise UserError(
            f"{model} was not tuned to answer questions; tune it first: codegem tune --model {model} --data DIR, "
            "where DIR is of `codegem data instructions`."
        )
    kept, held = parted(tasks, [task.turns for task in tasks], held_out_share, schedule.seed)
    if not kept:
        raise UsageError(f"held_out_share {held_out_share} leaves none of {len(tasks)} tasks to learn from.")
    schedule = replace(schedule, batch_size=schedule.batch_size or _QUESTIONS * rules.group)
    longest = longest_of(tasks, subject.tokenizer, subject.config.context_length, rules.max_tokens)
    answers = len(kept) * rules.group * rules.updates
    recipe = tune_recipe(subject.config, answers, longest, tuning.method, schedule, subject.opened.order)
    if schedule.learning_rate is None:
        recipe = replace(recipe, learning_rate=GENTLER * recipe.learning_rate)
    job = RewardJob(
        tasks=kept,
        held_out=held[: recipe.validation_examples],
        tokenizer=subject.tokenizer,
        judge=judge or Judge(unprotected=unprotected),
        trained=subject.trained,
        identity={"data": digest, **subject.identity, "start": start_hash(subject)},
        join=subject.join,
        model=subject.model,
        frozen=subject.frozen,
        save=lambda result: subject.save(subject.mixed(result.model), out, chats=True),
    )
    result = run_rewards(
        recipe, rules, job, out, progress=progress, stop_after=stop_after, accept_changes=accept_changes
    )
    told = [row["validation_reward"] for row in read_metrics(out / "metrics.jsonl") if "validation_reward" in row]
    path = subject.path(out)
    return Rewarded(result, path, len(kept), len(held), *((told[0], told[-1]) if told else (None, None)))
