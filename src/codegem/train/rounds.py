"""A run of reinforcement: rounds of drawing, judging and learning; stopped at any moment, it goes on.

OUT/checkpoints/STEP/ and OUT/metrics.jsonl are as those of every run (`loop`). A round's row has, besides what a step
tells, the mean `reward` of its answers, the share of groups with a `signal` (answers of different rewards), the mean
`length` of an answer in tokens, the share that `ended` by itself, and how many were `dropped`. A validation's has
`validation_reward`: of one greedy answer to each held-out question.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Protocol

import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

from codegem.checkpoints.store import Store
from codegem.compilation import enable_compilation_cache
from codegem.errors import UserError
from codegem.inference.engine import Engine
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import Tokenizer
from codegem.train.batches import Batch
from codegem.train.code_version import code_version
from codegem.train.logprobs import INPUTS, token_logprobs
from codegem.train.loop import Result
from codegem.train.metrics import MetricsFile
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe
from codegem.train.reinforce import GroupLoss, RewardRules, advantages, draw_seeds, drawn_tasks
from codegem.train.rewards import Task
from codegem.train.rollouts import Rollout, engine_of, longest_of, roll_out
from codegem.train.saving import Checkpoints
from codegem.train.step import Join, init_state, make_step
from codegem.train.stopping import stop_requests
from codegem.train.turns import answer_row, row_length

_TOGETHER = 256  # greedy answers that are written side by side


class Judges(Protocol):
    """What gives rewards: `rewards.Judge`, or a test double."""

    def rewards(self, tasks: Sequence[Task], answers: Sequence[str]) -> list[float | None]:
        """The reward of each answer; None where nothing is known of it."""
        ...


@dataclass(frozen=True)
class RewardJob:
    """What a run of reinforcement learns from.

    Attributes:
        tasks: to draw answers to.
        held_out: to judge by; may be empty.
        trained: what the run begins with, in float32; `join` makes a model of it and `frozen`, as in `make_step`.
        model: makes of what is trained a model that the engine can run; default itself.
        identity: plain values of what must not change between a stop and going on.
        save: writes what the run leaves behind, and returns its folder.
    """

    tasks: Sequence[Task]
    held_out: Sequence[Task]
    tokenizer: Tokenizer
    judge: Judges
    trained: PyTree
    identity: dict[str, Any]
    join: Join | None = None
    frozen: PyTree = None
    model: Callable[[PyTree], Transformer] = lambda trained: trained
    save: Callable[[Result], Path] | None = None


def run_rewards(
    recipe: TrainRecipe,
    rules: RewardRules,
    job: RewardJob,
    out: Path,
    *,
    progress: Progress | None = None,
    stop_after: int | None = None,
    accept_changes: bool = False,
) -> Result:
    """Run rounds in a folder, from where it stands there to the end, and save what they made; as `loop.run_job`.

    Raises:
        UserError: the rules don't go with the recipe, a question leaves no room for an answer, or as in `run_job`.
    """
    enable_compilation_cache()
    rules.check(recipe)
    with stop_requests() as stop, progress or Progress(recipe.steps) as shown:
        run = Rounds(recipe, rules, job, out, shown, stop, accept_changes)
        result = run.to(recipe.steps if stop_after is None else stop_after)
        saved = f" It is in {job.save(result)}." if job.save and result.step else ""
        state, later = ("Finished", "") if result.finished else ("Stopped", " The same command goes on from here.")
        shown.say(f"{state} at step {result.step} after {result.tokens:,} tokens of answers.{saved}{later}")
    return result


class Rounds:
    """One run; `run_rewards` is the way to use it."""

    def __init__(
        self,
        recipe: TrainRecipe,
        rules: RewardRules,
        job: RewardJob,
        out: Path,
        shown: Progress,
        stop: Event,
        accept_changes: bool = False,
    ):
        self._recipe, self._rules, self._job, self._shown, self._stop = recipe, rules, job, shown, stop
        self._step_fn = make_step(recipe, GroupLoss(rules.clip, rules.kl), job.join)
        self._logprobs = _logprobs(recipe, job.join)
        self._state = init_state(recipe, job.trained)
        most = recipe.model.context_length
        longest = longest_of([*job.tasks, *job.held_out], job.tokenizer, most, rules.max_tokens)
        self._length = row_length(longest, most)
        self._answers = row_length(rules.max_tokens, self._length)
        self.step = self.tokens = self.skipped = 0
        self._bad = 0  # skipped steps in a row
        identity = {"recipe": recipe.fixed(), "rules": asdict(rules), **job.identity}
        store = Store(out / "checkpoints", identity, shown.say, code=code_version(), accept_changes=accept_changes)
        self._checkpoints = Checkpoints(store, shown.say)
        restored = self._checkpoints.resume(self._state)
        if restored is not None:
            self._state, place = restored.state, restored.position
            self.step, self.tokens, self.skipped = place["step"], place["tokens"], place["skipped"]
        self._metrics = MetricsFile(out / "metrics.jsonl", self._checkpoints.saved)

    def to(self, last_step: int) -> Result:
        """Run until a step is done or somebody asks to stop; save. A round is whole, or was not begun."""
        recipe, last_step = self._recipe, min(last_step, self._recipe.steps)
        try:
            while True:
                if self._is_due(recipe.validate_every) or self.step == recipe.steps:
                    self._validate()
                if self.step >= last_step or self._stop.is_set() or not self._round():
                    break
                if self._is_due(recipe.checkpoint_every) and self.step < last_step:
                    self._save(self._checkpoints.save_or_say)
            self._save(partial(self._checkpoints.save, way_out="Make room and run the same command again."))
        finally:
            self._metrics.close()
        return Result(self._state.model, self.step, self.tokens, self.skipped, self.step == recipe.steps, None)

    def _is_due(self, every: int) -> bool:
        """Whether a multiple of so many steps lies within the last round."""
        return self.step % every < self._rules.updates

    def _engine(self) -> Engine:
        """That of the model as it is now."""
        return engine_of(self._job.model(self._state.model), self._job.tokenizer)

    def _round(self) -> bool:
        """Draw, judge and learn; False where a stop was asked for before there was anything to learn."""
        rules, seed, number = self._rules, self._recipe.seed, self.step // self._rules.updates
        places = drawn_tasks(len(self._job.tasks), self._recipe.batch_size // rules.group, seed, number)
        tasks = [self._job.tasks[place] for place in places for _ in range(rules.group)]
        seeds = draw_seeds(len(tasks), seed, number)
        rollouts = roll_out(self._engine(), tasks, seeds, rules.max_tokens, self._stop.is_set)
        if rollouts is None:
            return False
        rewards = self._judged(tasks, rollouts)
        batch = self._batch(rollouts, rewards)
        self._learn(batch, _told(rollouts, rewards, batch["advantages"], rules.group))
        return True

    def _judged(self, tasks: Sequence[Task], rollouts: Sequence[Rollout]) -> list[float | None]:
        """Rewards; 0 for an answer that was cut, which nobody has to look at."""
        whole = [place for place, rollout in enumerate(rollouts) if rollout.ended]
        found = self._job.judge.rewards([tasks[place] for place in whole], [rollouts[place].text for place in whole])
        rewards: list[float | None] = [0.0] * len(rollouts)
        for place, reward in zip(whole, found, strict=True):
            rewards[place] = reward
        return rewards

    def _batch(self, rollouts: Sequence[Rollout], rewards: Sequence[float | None]) -> Batch:
        rows = [answer_row(rollout.prompt, rollout.answer, self._length, self._answers) for rollout in rollouts]
        batch = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        known = np.array([[reward is not None] for reward in rewards], np.float32)
        batch["loss_weights"] *= known / batch["loss_weights"].sum(axis=1, keepdims=True)
        batch["advantages"] = advantages(rewards, self._rules.group)
        for name, trained in (("old", self._state.model), ("reference", self._job.trained)):
            batch[name] = np.asarray(self._logprobs(trained, batch, self._job.frozen))
        return batch

    def _learn(self, batch: Batch, told: dict[str, float]) -> None:
        for _ in range(self._rules.updates):
            self._state, metrics = self._step_fn(self._state, batch, self._job.frozen)
            self.step += 1
            good = int(metrics.skipped) == self.skipped
            self.skipped = int(metrics.skipped)
            self._count(good)
        self.tokens += int((batch["loss_weights"] > 0).sum())
        values = jax.device_get(metrics)
        numbers = {"loss": values.loss, "grad_norm": values.grad_norm, "learning_rate": values.learning_rate}
        told |= {name: float(value) for name, value in (numbers | values.extras).items() if np.isfinite(value)}
        self._metrics.append({"step": self.step, **told, "skipped": self.skipped, "tokens": self.tokens})
        self._shown.say(
            f"step {self.step}/{self._recipe.steps}  reward {told['reward']:.3f}  signal {told['signal']:.2f}  "
            f"kl {told.get('kl', 0.0):.4f}  length {told['length']:.1f}  lr {told['learning_rate']:.1e}"
        )

    def _count(self, good: bool) -> None:
        self._bad = 0 if good else self._bad + 1
        if self._bad >= self._recipe.bad_steps:
            raise UserError(
                f"In {self._bad} steps in a row, the last of them {self.step}, the loss or a gradient was not finite, "
                f"and nothing was learned. {self._checkpoints.last()} Start again in another --out with a lower "
                "learning rate."
            )

    def _validate(self) -> None:
        """The mean reward of one greedy answer to each held-out question; given up where a stop is asked for."""
        known = self._metrics.last("validation_reward")
        if not self._job.held_out or (known and known[0] == self.step):
            return
        rewards: list[float] = []
        engine, tasks = self._engine(), self._job.held_out
        for start in range(0, len(tasks), _TOGETHER):
            part = tasks[start : start + _TOGETHER]
            rollouts = roll_out(engine, part, None, self._rules.max_tokens, self._stop.is_set)
            if rollouts is None:
                return
            rewards += [reward for reward in self._judged(part, rollouts) if reward is not None]
        mean = sum(rewards) / max(1, len(rewards))
        self._metrics.append({"step": self.step, "tokens": self.tokens, "validation_reward": mean})
        self._shown.say(f"step {self.step}  held-out reward {mean:.4f}")

    def _save(self, save: Callable[..., None]) -> None:
        """Write a checkpoint, unless there is nothing new or what there is comes of a bad step."""
        if self.step in (0, self._checkpoints.saved) or (self._bad and self.step < self._recipe.steps):
            return
        position = {"step": self.step, "tokens": self.tokens, "skipped": self.skipped}
        save(self.step, self._state, position, self._metrics.sync)


def _logprobs(recipe: TrainRecipe, join: Join | None) -> Callable[..., Float[Array, "B A"]]:
    """The compiled log-probabilities of a batch's targets, a micro-batch at a time."""

    def logprobs(trained: PyTree, batch: Batch, frozen: PyTree) -> Array:
        model = trained if join is None else join(trained, frozen)
        slices = {name: batch[name].reshape(-1, recipe.micro_batch, *batch[name].shape[1:]) for name in INPUTS}
        found = jax.lax.map(lambda part: token_logprobs(model, part, recipe), slices)
        return found.reshape(batch["targets"].shape)

    return jax.jit(logprobs)


def _told(
    rollouts: Sequence[Rollout], rewards: Sequence[float | None], gains: np.ndarray, group: int
) -> dict[str, float]:
    known = [reward for reward in rewards if reward is not None]
    return {
        "reward": sum(known) / max(1, len(known)),
        "signal": float((gains.reshape(-1, group) != 0).any(axis=1).mean()),
        "length": float(np.mean([len(rollout.answer) for rollout in rollouts])),
        "ended": float(np.mean([rollout.ended for rollout in rollouts])),
        "dropped": float(len(rewards) - len(known)),
    }
