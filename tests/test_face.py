"""The public face, with a tiny model saved and loaded as a user's would be."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import codegem
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import Tokenizer

CONFIG = ModelConfig(1024, 2, 16, 2, 1, 8, 32, context_length=128)


@pytest.fixture(scope="module")
def directory(
    tmp_path_factory: pytest.TempPathFactory, random_model: Callable[..., Transformer], bpe_tokenizer: Tokenizer
) -> Path:
    from codegem.checkpoints import huggingface

    folder = tmp_path_factory.mktemp("model")
    huggingface.save(folder, random_model(CONFIG), bpe_tokenizer, dtype="float32")
    return folder


@pytest.fixture(scope="module")
def model(directory: Path) -> codegem.Model:
    return codegem.load(directory)


def test_a_directory_is_loaded(model: codegem.Model, directory: Path):
    assert model.name == str(directory)
    assert model.parameters == CONFIG.parameters


def test_complete(model: codegem.Model):
    heard: list[str] = []
    context = [("util.py", "def add(a, b): ...\n")]
    done = model.complete("def f():\n    ", "\n", path="a.py", context=context, max_tokens=5, on_text=heard.append)
    assert done.tokens <= 5
    assert str(done.stop_reason) in ("stop", "length")
    assert done.text == "".join(heard).rstrip()


def test_complete_with_a_seed_can_be_repeated(model: codegem.Model):
    def sample(seed: int) -> str:
        return model.complete("x = ", temperature=1.0, top_p=0.9, seed=seed, max_tokens=20).text

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_long_code_is_cut_and_not_refused(model: codegem.Model):
    assert model.complete("x = 1\n" * 1000, "y = 2\n" * 1000, max_tokens=4).tokens <= 4


def test_generate_streams_the_likeliest_tokens(model: codegem.Model):
    ids = [2, 400, 401]
    made = list(model.generate(ids, max_tokens=3, temperature=0.0))
    assert made
    for token in made:
        assert token == int(np.argmax(model.logits(ids)[-1]))
        ids.append(token)


def test_logits(model: codegem.Model):
    logits = model.logits([2, 67, 10])
    assert (logits.dtype, logits.shape) == (np.float32, (3, 1024))


@pytest.mark.parametrize("name", ["no-such-model", "no/such/model", ""])
def test_an_unknown_model_is_told_what_works(name: str):
    with pytest.raises(codegem.UserError, match=r"There is no model .*; give nano, a directory .* or a hub id"):
        codegem.load(name)


def imported(code: str, modules: tuple[str, ...]) -> str:
    """Which of `modules` a fresh Python has after `code`."""
    code += f"; import sys; print([name for name in {modules} if name in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(Path(codegem.__file__).parents[1])}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()


def test_importing_is_light():
    """JAX alone would take half a second of each command's time."""
    assert imported("import codegem", ("jax", "numpy", "equinox", "tokenizers")) == "[]"


def test_completing_imports_nothing_it_does_not_need():
    rooms = ("inference.engine", "checkpoints.huggingface", "assist.completion", "commands.display")
    code = "import " + ", ".join(f"codegem.{room}" for room in rooms)
    assert imported(code, ("optax", "grain", "daft", "orbax", "rich", "pyarrow")) == "[]"


def test_an_index_traces_what_a_model_writes(model: codegem.Model, directory: Path, index_of: Callable[..., Path]):
    before = "def closed(self, year):\n    self.closed_years.append(year, self.entries, self.journal, self.accounts)\n"
    plain = model.complete(before, max_tokens=5, temperature=1.0, seed=3)
    loaded = codegem.load(directory, trace=index_of(before + plain.text), longest_copy=40)
    assert loaded.engine.copies and loaded.engine.copies.most == 40
    traced = codegem.Model("traced", model.engine, index=loaded.index)
    done = traced.complete(before, max_tokens=5, temperature=1.0, seed=3)
    assert done.text == plain.text and [copy.end for copy in done.copies] == [len(done.text.rstrip())]
    assert plain.copies == ()
    with pytest.raises(codegem.UserError, match="needs an index"):
        codegem.load(directory, longest_copy=40)
