"""The measures themselves: a small model that was trained to repeat scores high, an untrained one nothing.

`benchmarks/canaries.py` is the same through all of `codegem train`, and shows how both rise with the number of times.
"""

import math
import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.data.shards import ExampleSource
from codegem.evaluation.memorisation.canaries import Canary, draw_canaries, rows_of
from codegem.evaluation.memorisation.evaluate import run
from codegem.evaluation.memorisation.exposure import exposure
from codegem.inference.continuing import Continuing
from codegem.inference.engine import Engine
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import SourceFile, render
from codegem.text.tokenizer import ByteTokenizer
from codegem.train.batches import validation_batches
from codegem.train.recipe import TrainRecipe
from codegem.train.step import init_state, make_step

BYTES = ByteTokenizer()
LENGTH = 112
MODEL = ModelConfig(
    vocab_size=266, num_layers=1, d_model=64, num_heads=2, num_kv_heads=1, head_dim=32, d_mlp=128, context_length=176
)
RECIPE = TrainRecipe(MODEL, steps=120, batch_size=4, micro_batch=4, learning_rate=1e-2, warmup_steps=5, dtype="float32")


@pytest.fixture(scope="module")
def canaries() -> list[Canary]:
    return draw_canaries((0, 1), each=2, digits=2, seed=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, write_rows: Callable[..., Path], canaries: list[Canary]) -> Path:
    """Three pages of letters, and the canaries that are planted; one page is held back."""
    rng = random.Random(0)
    pages = ["".join(rng.choice("abcdefghijklmnop") for _ in range(104)) for _ in range(4)]
    files = [SourceFile(f"{number}.py", page) for number, page in enumerate(pages)]
    planted = [canary.file for canary in canaries for _ in range(canary.times)]
    rows = {"train": rows_of([*files[:3], *planted], LENGTH, BYTES), "validation": rows_of(files[3:], LENGTH, BYTES)}
    return write_rows(tmp_path_factory.mktemp("canaries") / "set", rows)


def trained_on(data: Path, model: Transformer) -> Transformer:
    """A model after so many steps on all rows at once."""
    (batch,) = validation_batches(ExampleSource(data, "train"), 4, 4)
    state, step = init_state(RECIPE, model), make_step(RECIPE)
    for _ in range(RECIPE.steps):
        state, _ = step(state, {name: jnp.asarray(value) for name, value in batch.items()})
    return state.model


@eqx.filter_jit
def _logprobs(model: Transformer, tokens: jax.Array) -> jax.Array:
    """[B] of whole sequences."""
    taken = jax.nn.log_softmax(model(tokens[:, :-1]).astype(jnp.float32))
    return jnp.take_along_axis(taken, tokens[:, 1:, None], axis=2)[:, :, 0].sum(axis=1)


def exposed(model: Transformer, canary: Canary) -> float:
    """Among all 100 secrets."""
    before = str(canary.file.content).removesuffix(f"{canary.secret}\n")
    files = [SourceFile(canary.file.path, f"{before}{secret:02d}\n") for secret in range(canary.space)]
    losses = -np.asarray(_logprobs(model, jnp.array([render([file], BYTES).tokens for file in files])))
    return exposure(float(losses[int(canary.secret)]), losses)


def test_what_was_repeated_is_found_and_an_untrained_model_knows_nothing(
    data: Path, canaries: list[Canary], tmp_path: Path, random_model: Callable[..., Transformer]
) -> None:
    untrained = random_model(MODEL)
    trained = trained_on(data, jax.tree.map(jnp.copy, untrained))
    rates, bits = [], []
    for name, model in (("trained", trained), ("untrained", untrained)):
        found = run(Continuing(Engine(model, BYTES, name=name)), tmp_path / name, data=data)
        rates.append({figure.name: figure.value for figure in found.figures})
        bits.append([exposed(model, canary) for canary in canaries])
    assert rates[0]["exact"] == 1 and rates[0]["exact.control"] == 0
    assert rates[1]["exact"] == rates[1]["approximate"] == 0
    assert bits[0][2:] == pytest.approx([math.log2(100)] * 2), "planted"
    assert fmean(bits[0][:2] + bits[1]) < 3.5, "not planted, or not trained"
