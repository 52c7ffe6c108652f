import dataclasses
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.chat import Turn, prompt_chat, stop_ids
from codegem.text.tokenizer import ByteTokenizer
from codegem.train import rounds
from codegem.train.metrics import read_metrics
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe
from codegem.train.reinforce import GroupLoss, RewardRules, advantages, drawn_tasks
from codegem.train.rewards import Task
from codegem.train.rollouts import Rollout, engine_of, roll_out
from codegem.train.rounds import RewardJob, run_rewards
from codegem.train.turns import answer_row

TOKENIZER = ByteTokenizer()
MODEL = ModelConfig(
    vocab_size=266, num_layers=1, d_model=16, num_heads=2, num_kv_heads=1, head_dim=8, d_mlp=32, context_length=64
)
RECIPE = TrainRecipe(
    MODEL,
    4,
    batch_size=8,
    micro_batch=4,
    learning_rate=1e-2,
    warmup_steps=0,
    dtype="float32",
    checkpoint_every=2,
    validate_every=2,
)
RULES = RewardRules(group=4, max_tokens=4, updates=1)
TASKS = [Task((Turn("user", text),), "1") for text in ("a", "b", "c")]


class LikesLowBytes:
    """1 for an answer whose first byte is below 64; None for every answer to "c"."""

    def rewards(self, tasks, answers):
        return [
            None if task.turns[0].text == "c" else float(bool(text) and ord(text[0]) < 64)
            for task, text in zip(tasks, answers, strict=True)
        ]


@pytest.fixture(scope="module")
def model():
    """Random, but one whose answers often end by themselves."""
    random = jax.jit(Transformer.init, static_argnums=0)(MODEL, jax.random.key(1))
    embedding = random.embedding.at[TOKENIZER.special.end_of_turn].multiply(40.0)
    return dataclasses.replace(random, embedding=embedding)


def drawn_by_seed(engine, tasks, seeds, *_):
    """Answers that a seed decides, as an engine's."""
    end, answers = TOKENIZER.special.end_of_turn, []
    for place, task in enumerate(tasks):
        choice = np.random.default_rng(place if seeds is None else seeds[place]).integers(2, size=3)
        text = "1x"[choice[0]] + "yz"[choice[1]]
        ids = [*TOKENIZER.encode(text), end] if choice[2] else TOKENIZER.encode(text)
        answers.append(Rollout(prompt_chat(task.turns, TOKENIZER), ids, text, bool(choice[2])))
    return answers


def job(model, judge=None):
    return RewardJob(TASKS, TASKS[:2], TOKENIZER, judge or LikesLowBytes(), model, {"tasks": "1a2b"})


def run(model, out, *, to=None, rules=RULES, judge=None):
    quiet = Progress(RECIPE.steps, Console(file=io.StringIO()))
    return run_rewards(RECIPE, rules, job(model, judge), out, progress=quiet, stop_after=to)


def rows(out):
    return [{k: v for k, v in row.items() if k != "time"} for row in read_metrics(out / "metrics.jsonl")]


def test_a_rollout_holds_the_ids_that_were_drawn_with_the_one_that_ended_it(model):
    engine = engine_of(model, TOKENIZER)
    drawn = roll_out(engine, TASKS * 4, list(range(12)), 4)
    assert drawn is not None and {rollout.ended for rollout in drawn} == {True, False}
    for rollout in drawn:
        assert rollout.ended == (rollout.answer[-1] in stop_ids(TOKENIZER))
        assert rollout.ended or len(rollout.answer) == 4
        row = answer_row(rollout.prompt, rollout.answer, 64, 8)
        learned = row["loss_weights"] > 0
        assert row["targets"][learned].tolist() == rollout.answer
        assert row["tokens"][row["places"][learned] + 1].tolist() == rollout.answer
    again = roll_out(engine, (TASKS * 4)[::-1], list(range(12))[::-1], 4)
    assert again == drawn[::-1]  # each by its seed, whatever runs beside it
    assert roll_out(engine, TASKS, None, 4, lambda: True) is None


def test_new_weights_use_the_programs_of_the_old(model):
    from codegem.inference.programs import _compiled

    roll_out(engine_of(model, TOKENIZER), TASKS * 4, list(range(12)), 4)
    before = _compiled.cache_info().misses
    other = jax.tree.map(lambda leaf: leaf * 2, model)
    engine = engine_of(other, TOKENIZER)
    sizes = [program._cache_size() for program in (engine.shared.programs._choose, engine.shared.programs._steps)]
    roll_out(engine, TASKS * 4, list(range(12)), 4)
    assert _compiled.cache_info().misses == before
    assert sizes == [p._cache_size() for p in (engine.shared.programs._choose, engine.shared.programs._steps)]


def test_the_loss_is_the_papers():
    rng = np.random.default_rng(0)
    old, reference = rng.normal(-2, 0.5, (2, 3, 5)).astype(np.float32)
    said = (old + rng.normal(0, 0.4, old.shape)).astype(np.float32)
    gains, lengths = np.array([1.0, -0.5, 0.0], np.float32), [5, 2, 3]
    weights = np.array([[1 / n] * n + [0] * (5 - n) for n in lengths], np.float32)
    old[1, 3:] = -1e30  # outside the answers anything may stand
    loss, told = _loss_of(said, weights, gains, old, reference)

    want = kl_sum = 0.0
    for i, n in enumerate(lengths):
        for t in range(n):
            ratio = np.exp(said[i, t] - old[i, t])
            kl = np.exp(reference[i, t] - said[i, t]) - (reference[i, t] - said[i, t]) - 1
            want += (0.1 * kl - min(ratio * gains[i], np.clip(ratio, 0.8, 1.2) * gains[i])) / n / 3
            kl_sum += kl / n / 3
    np.testing.assert_allclose(loss, want, rtol=1e-5)
    np.testing.assert_allclose(told["kl"], kl_sum, rtol=1e-5)


def _loss_of(said, weights, gains, old, reference):
    """`GroupLoss` of given log-probabilities."""
    import codegem.train.reinforce as module

    batch = {"loss_weights": weights / 3, "advantages": gains, "old": old, "reference": reference}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "token_logprobs", lambda model, batch, recipe: jnp.asarray(said))
        return GroupLoss(0.2, 0.1)(None, batch, RECIPE)  # type: ignore[arg-type]


def test_advantages_leave_out_what_is_not_known():
    assert advantages([None, None, None, 1.0], 4).tolist() == [0, 0, 0, 0]
    found = advantages([None, 1.0, 0.0, None, 0.0, 0.0, 0.0, 0.5], 4)
    assert found[:4].tolist() == [0, 1, -1, 0]
    assert found[4:].sum() == pytest.approx(0, abs=1e-6) and found[7] > 0


def test_every_task_comes_once_before_any_comes_again():
    places = [place for number in range(7) for place in drawn_tasks(5, 3, seed=4, number=number)]
    assert all(sorted(places[start : start + 5]) == list(range(5)) for start in range(0, 20, 5))
    assert drawn_tasks(2, 5, seed=0, number=0) != [0, 1, 0, 1, 0] or drawn_tasks(2, 5, seed=1, number=0)


def test_a_run_learns_what_is_rewarded_and_goes_on_as_if_it_had_not_stopped(model, tmp_path, monkeypatch):
    monkeypatch.setattr(rounds, "roll_out", drawn_by_seed)
    whole = run(model, tmp_path / "whole")
    assert whole.finished and whole.step == 4
    told = rows(tmp_path / "whole")
    steps = [row for row in told if "reward" in row]
    assert [row["step"] for row in steps] == [1, 2, 3, 4]
    assert [row["step"] for row in told if "validation_reward" in row] == [0, 2, 4]
    assert any(row["signal"] > 0 for row in steps) and any(row["dropped"] for row in steps)
    assert all(row["kl"] >= 0 and row["length"] > 0 for row in steps) and steps[0]["kl"] < 1e-6

    assert not run(model, tmp_path / "parts", to=3).finished
    parts = run(model, tmp_path / "parts")
    assert rows(tmp_path / "parts") == told
    for one, other in zip(jax.tree.leaves(parts.model), jax.tree.leaves(whole.model), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(UserError, match="another run"):
        run(model, tmp_path / "parts", rules=dataclasses.replace(RULES, kl=0.5))


class AllUnknown:
    def rewards(self, tasks, answers):
        return [None] * len(answers)


def test_a_round_of_which_nothing_is_known_teaches_nothing(model, tmp_path, monkeypatch):
    drawn = [Rollout([2, 10], [11, TOKENIZER.special.end_of_turn], "", True)] * 8
    monkeypatch.setattr(rounds, "roll_out", lambda engine, tasks, *_: drawn[: len(tasks)])
    ended = run(model, tmp_path, judge=AllUnknown(), to=1)
    # Only weight decay moves weights where no answer counts.
    still = jax.tree.map(lambda leaf: leaf.ndim < 2, ended.model)
    for new, old, is_norm in zip(*map(jax.tree.leaves, (ended.model, model, still)), strict=True):
        np.testing.assert_allclose(new, old, atol=0 if is_norm else 5e-3)
    assert rows(tmp_path)[-1]["dropped"] == 8


@pytest.mark.parametrize(
    ("rules", "words"),
    [({"group": 1}, "at least 2"), ({"group": 3}, "multiple of group"), ({"updates": 3}, "multiple of updates")],
)
def test_rules_that_cannot_be_are_refused(model, tmp_path, rules, words):
    with pytest.raises(UserError, match=words):
        run(model, tmp_path, rules=dataclasses.replace(RULES, **rules))


def test_a_question_that_leaves_no_room_is_refused(model, tmp_path):
    with pytest.raises(UserError, match="fewer max_tokens"):
        run(model, tmp_path, rules=dataclasses.replace(RULES, max_tokens=60))
