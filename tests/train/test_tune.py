"""Tuning: what is trained of which model, on which data, and what is left behind."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import codegem
from codegem.checkpoints import huggingface, quantized
from codegem.checkpoints.converting import convert
from codegem.checkpoints.open import open_model
from codegem.data.shards import read_manifest
from codegem.errors import UsageError, UserError
from codegem.model.config import PRESETS
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import Tokenizer, load_tokenizer
from codegem.train.metrics import read_metrics
from codegem.train.subject import Tuning, open_subject, same_ids
from codegem.train.tune import Tuned, tune
from codegem.train.tune_recipe import Schedule, tune_recipe

from .runs import MODEL, RECIPE, Watch, losses, write_data

LORA = Tuning(rank=2, targets=("q", "up"))
AS_TRAINED = Schedule(  # as the runs of other tests, whose programs are compiled
    steps=RECIPE.steps,
    batch_size=RECIPE.batch_size,
    micro_batch=RECIPE.micro_batch,
    learning_rate=RECIPE.learning_rate,
    warmup_steps=RECIPE.warmup_steps,
    validate_every=RECIPE.validate_every,
    checkpoint_every=RECIPE.checkpoint_every,
)
SHORT = Schedule(steps=6, batch_size=2, learning_rate=2e-2, validate_every=3, checkpoint_every=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, data: Path, random_model: Callable[..., Transformer]) -> Path:
    """A model with the tokenizer of the data."""
    directory = tmp_path_factory.mktemp("base")
    model = random_model(MODEL)
    huggingface.save(directory, replace(model, embedding=0.1 * model.embedding), load_tokenizer(data))
    return directory


@pytest.fixture(scope="module")
def tuned(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tuned]:
    """A run that was stopped after three steps, and went on."""
    out = tmp_path_factory.mktemp("tuned")
    first = tune(str(base), data, out, LORA, SHORT, progress=Watch(), stop_after=3)
    assert first.result.step == 3 and (out / "adapter").is_dir()
    return out, tune(str(base), data, out, LORA, SHORT, progress=Watch())


def test_it_learns_and_goes_on(base: Path, data: Path, tuned: tuple[Path, Tuned], tmp_path: Path) -> None:
    out, last = tuned
    assert last.result.finished and last.path == out / "adapter"
    assert last.before is not None and last.after is not None and last.after < last.before - 0.01
    assert last.parameters == MODEL.num_layers * 2 * (16 + 16 + 16 + 32)
    tune(str(base), data, tmp_path, LORA, SHORT, progress=Watch())
    assert losses(tmp_path) == losses(out)


def test_what_is_left_is_a_model_that_knows_its_base(base: Path, data: Path, tuned: tuple[Path, Tuned]) -> None:
    out, last = tuned
    assert json.loads((out / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base)
    opened = open_model(out / "adapter", dtype="bfloat16")
    assert not opened.chats and opened.tokenizer.hash == open_model(base).tokenizer.hash
    found = opened.model.blocks[0]
    for name, layer in {"q": found.attention.q, "up": found.mlp.up}.items():
        pair = last.result.model.blocks[0][name]
        assert np.array_equal(layer.low_rank.a, pair.a) and np.array_equal(layer.low_rank.b, pair.b)  # type: ignore[union-attr]
        assert np.abs(pair.b).max() > 0.01


def test_tuning_goes_on_with_an_adapter(data: Path, base: Path, tuned: tuple[Path, Tuned], tmp_path: Path) -> None:
    name = str(tuned[0] / "adapter")
    subject = open_subject(name, Tuning())
    assert subject.base == str(base) and subject.trained.targets == ("q", "up")  # type: ignore[union-attr]
    second = tune(name, data, tmp_path, Tuning(), SHORT, progress=Watch(), stop_after=1)
    assert second.before == pytest.approx(tuned[1].after, abs=2e-3)
    assert json.loads((second.path / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base)
    with pytest.raises(UsageError, match="with rank 2, which it keeps; leave --rank away"):
        open_subject(name, Tuning(rank=8))


def test_a_quantized_base_stays_codes(base: Path, tmp_path: Path) -> None:
    opened = open_model(base, dtype="bfloat16")
    quantized.save(tmp_path / "small", opened.model, opened.tokenizer, 8)
    with pytest.raises(UserError, match="codes can't be trained; tune it by --method lora"):
        open_subject(str(tmp_path / "small"), Tuning(method="full"))
    subject = open_subject(str(tmp_path / "small"), LORA)
    assert type(subject.frozen.embedding).__name__ == "QuantizedMatrix"  # type: ignore[union-attr]


def test_all_weights_and_what_is_kept_of_the_old(data: Path, base: Path, tmp_path: Path) -> None:
    full = Tuning(method="full", keep=0.25)
    last = tune(str(base), data, tmp_path, full, AS_TRAINED, progress=Watch())
    assert replace(last.recipe, validation_examples=RECIPE.validation_examples) == RECIPE
    assert last.path == tmp_path / "model" and last.parameters == MODEL.parameters
    old, found = open_model(base, dtype="float32").model, open_model(last.path, dtype="float32").model
    for before, after, mixed in zip(*map(jax.tree.leaves, (old, last.result.model, found)), strict=True):
        np.testing.assert_allclose(mixed, 0.25 * before + 0.75 * after, rtol=1e-2, atol=1e-4)
    rows = [row["validation_loss"] for row in read_metrics(tmp_path / "metrics.jsonl") if "validation_loss" in row]
    assert last.before == rows[0] and last.after not in (None, rows[-1])


def test_less_of_an_adapter(tuned: tuple[Path, Tuned], base: Path) -> None:
    subject = open_subject(str(base), replace(LORA, keep=0.5))
    for mixed, whole in zip(subject.mixed(tuned[1].result.model).blocks, tuned[1].result.model.blocks, strict=True):
        for name, pair in whole.items():
            assert np.array_equal(mixed[name].b, 0.5 * pair.b) and np.array_equal(mixed[name].a, pair.a)


def test_conversations_make_a_model_that_chats(data: Path, base: Path, tmp_path: Path) -> None:
    talk = Path(shutil.copytree(data, tmp_path / "talk"))
    manifest = json.loads((talk / "manifest.json").read_text())
    (talk / "manifest.json").write_text(json.dumps(manifest | {"counts": {"conversations": 10}}))
    last = tune(str(base), talk, tmp_path / "run", LORA, SHORT, progress=Watch(), stop_after=1)
    assert open_model(last.path, lazy=True).chats


def test_data_of_another_tokenizer_are_refused_with_the_command(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        tune("nano", data, tmp_path, progress=Watch())
    tokenizer = Path(codegem.__file__).parent / "assets" / "nano" / "tokenizer.json"
    command = f"`codegem data build SOURCE --tokenizer {tokenizer} --context-length 32 --out DIR`"
    assert "another tokenizer than that of nano" in str(told.value) and command in str(told.value)


def test_examples_that_are_too_long_are_refused(
    data: Path, base: Path, tmp_path: Path, bytes_tokenizer: Tokenizer, random_model: Callable[..., Transformer]
) -> None:
    short = random_model(replace(MODEL, context_length=16))
    huggingface.save(tmp_path / "short", short, load_tokenizer(data))
    convert(tmp_path / "short", tmp_path / "short.gguf", to="gguf")
    subject = open_subject(str(tmp_path / "short.gguf"), LORA)
    with pytest.raises(UserError, match=r"have 32 tokens and .*short.gguf reads 16; build them by") as told:
        subject.require_data(read_manifest(data), data, tmp_path / "out")
    assert str(tmp_path / "out" / "tokenizer.json") in str(told.value)  # the file has none of its own
    assert same_ids(load_tokenizer(tmp_path / "out"), load_tokenizer(data))


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: Tuning(method="full", rank=4), "rank, alpha and targets"),
        (lambda: Tuning(keep=1.0), "keep is 1.0"),
        (lambda: Schedule(epochs=1, steps=5), "--epochs and --steps"),
        (lambda: Schedule(epochs=0), "epochs is 0"),
        (lambda: open_subject("nano", Tuning(targets=("z",))), "no layer 'z'"),
    ],
)
def test_what_makes_no_sense(make: Callable[[], Any], part: str) -> None:
    with pytest.raises(UsageError, match=part):
        make()


@pytest.mark.parametrize(
    ("examples", "tokens", "batch"), [(3, 256, 2), (500, 256, 8), (40_000, 256, 64), (500, 8192, 1), (9000, 2048, 8)]
)
def test_steps_and_batches_follow_the_data(examples: int, tokens: int, batch: int) -> None:
    recipe = tune_recipe(PRESETS["nano"], examples, tokens, "lora", Schedule(epochs=2))
    assert recipe.batch_size == batch and recipe.steps == max(1, round(2 * examples / batch))
    assert 0 <= recipe.warmup_steps < recipe.steps and recipe.batch_size % recipe.micro_batch == 0


def test_a_large_model_is_tuned_in_small_pieces() -> None:
    large, small = (tune_recipe(PRESETS[name], 4000, 2048, "lora", Schedule()) for name in ("gemma_2b", "nano"))
    assert (large.remat, small.remat) == ("blocks", "none") and large.learning_rate < small.learning_rate
    assert tune_recipe(PRESETS["nano"], 4000, 256, "full", Schedule()).weight_decay == 0.1
    assert large.weight_decay == 0
