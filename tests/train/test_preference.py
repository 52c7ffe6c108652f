import io
import json

import jax
import numpy as np
import pytest
from rich.console import Console

from codegem.checkpoints import huggingface
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.chat import Turn
from codegem.text.tokenizer import ByteTokenizer
from codegem.train import preference
from codegem.train.json_lines import read_json_lines
from codegem.train.metrics import read_metrics
from codegem.train.preference import (
    Preference,
    PreferenceLoss,
    in_batches,
    preference_rows,
    read_preference,
    with_reference,
)
from codegem.train.progress import Progress
from codegem.train.recipe import TrainRecipe
from codegem.train.subject import Tuning
from codegem.train.tune_preferences import PreferenceRules, parted, shuffled, tune_preferences
from codegem.train.tune_recipe import Schedule

TOKENIZER = ByteTokenizer()
MODEL = ModelConfig(
    vocab_size=266, num_layers=1, d_model=16, num_heads=2, num_kv_heads=1, head_dim=8, d_mlp=32, context_length=64
)
RECIPE = TrainRecipe(MODEL, 4, batch_size=2, micro_batch=2, learning_rate=1e-2, warmup_steps=0, dtype="float32")
PAIRS = [
    Preference((Turn("user", "a"),), "yes", "no"),
    Preference((Turn("user", "b"), Turn("model", "yes"), Turn("user", "c")), "y", "never"),
]


@pytest.fixture(scope="module")
def model():
    return jax.jit(Transformer.init, static_argnums=0)(MODEL, jax.random.key(0))


@pytest.fixture
def rows():
    return preference_rows(PAIRS, TOKENIZER, 64)


def plain_logprob(model, turns, answer):
    """ln of the probability of an answer, a conversation at a time and from whole logits."""
    from codegem.text.chat import prompt_chat

    special = TOKENIZER.special
    prompt, ids = prompt_chat(turns, TOKENIZER), [*TOKENIZER.encode(answer), special.end_of_turn]
    tokens = np.zeros((1, 64), np.int32)
    tokens[0, : len(prompt) + len(ids)] = prompt + ids
    logits = jax.nn.log_softmax(jax.jit(Transformer.__call__)(model, tokens))[0]
    return sum(float(logits[len(prompt) + place - 1, token]) for place, token in enumerate(ids))


def test_the_loss_is_the_papers(model, rows):
    other = jax.tree.map(lambda leaf: leaf * 1.1, model)
    reference = np.array([[plain_logprob(model, p.turns, t) for t in (p.chosen, p.rejected)] for p in PAIRS])
    said = np.array([[plain_logprob(other, p.turns, t) for t in (p.chosen, p.rejected)] for p in PAIRS])
    for row, value in zip(rows, reference, strict=True):
        row["reference"] = value.astype(np.float32)
    (batch,) = in_batches(rows, 2)
    loss, told = jax.jit(PreferenceLoss(0.3), static_argnums=2)(other, batch, RECIPE)
    margins = (said - reference)[:, 0] - (said - reference)[:, 1]
    np.testing.assert_allclose(loss, np.log1p(np.exp(-0.3 * margins)).sum(), rtol=1e-4)
    np.testing.assert_allclose(told["margin"], margins.sum(), rtol=1e-3)
    assert float(told["accuracy"]) == (margins > 0).sum()


def test_only_the_last_answer_is_judged(rows):
    learned = rows[1]["targets"][rows[1]["learned"] > 0]
    assert TOKENIZER.decode(learned.tolist()).replace("<end_of_turn>", "") == "ynever"


def test_the_reference_is_computed_once(model, rows, tmp_path, monkeypatch):
    cache = tmp_path / "out" / "reference.safetensors"
    with_reference(rows, model, RECIPE, cache, "key")
    want = plain_logprob(model, PAIRS[0].turns, "yes")
    assert float(rows[0]["reference"][0]) == pytest.approx(want, rel=1e-4)

    def never(*arguments):
        raise AssertionError("computed again")

    monkeypatch.setattr(preference, "answer_logprobs", never)
    again = preference_rows(PAIRS, TOKENIZER, 64)
    with_reference(again, model, RECIPE, cache, "key")
    assert again[0]["reference"].tolist() == rows[0]["reference"].tolist()
    with pytest.raises(AssertionError, match="computed again"):
        with_reference(again, model, RECIPE, cache, "other")
    cache.write_bytes(b"damaged")
    with pytest.raises(AssertionError, match="computed again"):
        with_reference(again, model, RECIPE, cache, "key")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"prompt": "a", "chosen": "b"}', "'rejected' is absent"),
        ('{"prompt": "a", "chosen": "b", "rejected": 3}', "'rejected' is 3"),
        ('{"prompt": "a", "chosen": "b ", "rejected": "b"}', "are the same"),
        ('{"prompt": [], "chosen": "b", "rejected": "c"}', "must end with a message of the user"),
        ('{"prompt": ["a"], "chosen": "b", "rejected": "c"}', "an object with a role"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path, line, words):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n' + line + "\n")
    with pytest.raises(UserError, match=words) as raised:
        read_json_lines(path, read_preference)
    assert f"{path}, line 2: " in str(raised.value)


def test_an_answer_that_is_too_long_is_named():
    with pytest.raises(UserError, match="Pair 2 has 1"):
        preference_rows([*PAIRS[:1], Preference(PAIRS[0].turns, "x" * 90, "y")], TOKENIZER, 64)


def test_the_order_of_the_pairs_can_be_taken_up_anywhere(rows):
    batches = shuffled(rows * 3, 2, seed=1)
    next(batches)
    state, want = batches.get_state(), next(batches)
    other = shuffled(rows * 3, 2, seed=1)
    other.set_state(state)
    np.testing.assert_array_equal(next(other)["tokens"], want["tokens"])


def test_pairs_of_one_question_are_held_out_together():
    questions = [(Turn("user", str(place // 3)),) for place in range(30)]
    kept, held = parted(range(30), questions, 0.3, seed=1)
    assert len(held) == 9 and {place // 3 for place in kept} & {place // 3 for place in held} == set()
    assert parted(range(30), questions, 0.3, seed=2)[1] != held


def test_a_run_comes_to_prefer(tmp_path, bpe_tokenizer):
    config = ModelConfig(1024, 1, 16, 2, 1, 8, 32, context_length=64)
    base = jax.jit(Transformer.init, static_argnums=0)(config, jax.random.key(0))
    huggingface.save(tmp_path / "base", base, bpe_tokenizer)
    data = tmp_path / "pairs.jsonl"
    line = {"chosen": "yes", "rejected": "no"}
    data.write_text("".join(json.dumps({"prompt": str(number)} | line) + "\n" for number in range(20)))
    schedule = Schedule(steps=4, batch_size=4, learning_rate=1e-2, dtype="float32", validate_every=4)

    quiet, out = Progress(4, Console(file=io.StringIO())), tmp_path / "out"
    done = tune_preferences(
        str(tmp_path / "base"), data, out, PreferenceRules(), Tuning("full"), schedule, progress=quiet
    )
    assert (done.pairs, done.held_out, done.result.step) == (18, 2, 4)
    assert done.before["validation_loss"] == pytest.approx(np.log(2), rel=1e-5)
    assert done.after["validation_accuracy"] == 1 and done.after["validation_margin"] > 0
    steps = [row for row in read_metrics(out / "metrics.jsonl") if "margin" in row]
    assert [row["step"] for row in steps] == [1, 2, 3, 4] and steps[-1]["accuracy"] == 1
    assert huggingface.load(done.path)[0].config == config
