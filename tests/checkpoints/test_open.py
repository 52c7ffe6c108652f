"""Every kind of model opens by its name, with all that belongs to it."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.checkpoints import hub, huggingface, open
from codegem.checkpoints.open import open_model
from codegem.checkpoints.safetensors_file import Planned
from codegem.errors import UserError
from codegem.kernels import ops
from codegem.kernels.dense import DenseMatrix
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model.config import ModelConfig
from codegem.model.fused import FusedTransformer, fuse
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import ByteTokenizer

TINY = ModelConfig(266, 2, 64, 4, 2, 8, 128, context_length=128)


@pytest.fixture(scope="module")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    return random_model(TINY)


@pytest.fixture(scope="module")
def directory(model: Transformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "hf"
    huggingface.save(path, model, ByteTokenizer(), order=Order.SPM, derived_from="google/codegemma-2b")
    return path


def written(kind: str, model: Transformer, folder: Path) -> Path:
    """The model in another format."""
    how = {"order": Order.SPM, "derived_from": "google/codegemma-2b"}
    if kind == "gguf":
        gguf = pytest.importorskip("codegem.checkpoints.gguf")
        gguf.save(folder / "m.gguf", model, ByteTokenizer(), kind="bf16", **how)
        return folder / "m.gguf"
    if kind == "kaggle":
        pytest.importorskip("orbax.checkpoint")
        from codegem.checkpoints import kaggle

        kaggle.save(folder / "m", model, ByteTokenizer(), **how)
        return folder / "m"
    from codegem.checkpoints import quantized

    quantized.save(folder / "m", model, ByteTokenizer(), 8, **how)
    return folder / "m"


def test_a_directory(directory: Path):
    opened = open_model(directory)
    assert (opened.order, opened.derived_from, opened.source) == (Order.SPM, "google/codegemma-2b", directory)
    assert opened.model.config == TINY and opened.tokenizer.hash == ByteTokenizer().hash


@pytest.mark.parametrize("kind", ["gguf", "kaggle", "quantized"])
def test_other_formats_keep_what_belongs_to_a_model(model: Transformer, kind: str, tmp_path: Path):
    path = written(kind, model, tmp_path)
    opened = open_model(path)
    assert (opened.order, opened.derived_from, opened.source) == (Order.SPM, "google/codegemma-2b", path)
    assert opened.model.config.d_model == TINY.d_model
    tokens = jnp.array([[2, 67, 10]])
    expected = np.asarray(model(tokens))
    np.testing.assert_allclose(opened.model(tokens), expected, atol=0.2)


def test_a_hub_id_is_fetched(directory: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(hub, "fetch", lambda hub_id: asked.append(hub_id) or directory)
    assert open_model("google/codegemma-2b").source == directory
    assert asked == ["google/codegemma-2b"]


class TestTypes:
    """On CPUs bfloat16 is packed for the kernels; without them small models are computed in float32."""

    @pytest.fixture(autouse=True)
    def on_cpu(self):
        if jax.default_backend() != "cpu":
            pytest.skip("the default device is no CPU")

    def kind(self, directory: Path, **options: object) -> np.dtype:
        return open_model(directory, **options).model.embedding.dtype  # type: ignore[arg-type]

    @pytest.mark.skipif(not ops.available(), reason="the kernels were not built")
    def test_with_kernels(self, directory: Path):
        opened, whole = open_model(directory).model, huggingface.load(directory)[0]
        assert isinstance(opened.embedding, DenseMatrix) and opened.final_norm.scale.dtype == np.float32
        np.testing.assert_array_equal(opened.embedding.unpack(), whole.embedding)
        assert isinstance(fuse(opened), FusedTransformer)

    def test_a_small_model(self, directory: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(ops, "available", lambda: False)
        assert self.kind(directory) == np.float32
        assert self.kind(directory, dtype="bfloat16") == jnp.bfloat16

    def test_a_large_model(self, directory: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(open, "SMALL", 10)
        monkeypatch.setattr(ops, "available", lambda: False)
        opened = open_model(directory).model
        assert opened.embedding.dtype == jnp.bfloat16 and opened.final_norm.scale.dtype == np.float32

    def test_float16_is_too_narrow_for_gemma(self, model: Transformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(open, "SMALL", 10)
        huggingface.save(tmp_path, model, ByteTokenizer(), dtype="float16")
        assert self.kind(tmp_path) == np.float32


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("kind", ["huggingface", "gguf"])
def test_bits(model: Transformer, directory: Path, tmp_path: Path, bits: int, kind: str):
    path = directory if kind == "huggingface" else written(kind, model, tmp_path)
    found = open_model(path, bits=bits).model
    assert isinstance(found.blocks[0].mlp.up.weight, QuantizedMatrix) and found.blocks[0].mlp.up.weight.bits == bits


def test_a_number_of_bits_that_there_is_not(directory: Path):
    with pytest.raises(UserError, match="8 or 4 bits, not 3"):
        open_model(directory, bits=3)


def test_quantizing_twice(model: Transformer, tmp_path: Path):
    with pytest.raises(UserError, match="quantized already"):
        open_model(written("quantized", model, tmp_path), bits=4)


def test_lazy_models_are_read_when_they_are_asked(directory: Path):
    lazy, whole = open_model(directory, lazy=True).model, huggingface.load(directory)[0]
    leaves = jax.tree.leaves(lazy)
    assert all(isinstance(leaf, Planned) for leaf in leaves)
    for leaf, expected in zip(leaves, jax.tree.leaves(whole), strict=True):
        made = leaf.make()
        assert made.dtype == leaf.dtype == expected.dtype and made.shape == leaf.shape
        np.testing.assert_array_equal(made, expected)
