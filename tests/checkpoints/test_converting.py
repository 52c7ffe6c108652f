"""One model through every format and back: equal bits, equal ids, nothing overwritten by mistake."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.checkpoints import converting, gguf, huggingface, kaggle
from codegem.checkpoints.converting import FORMATS, convert
from codegem.checkpoints.notice import TERMS
from codegem.checkpoints.open import open_model
from codegem.errors import UsageError, UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer

pytest.importorskip("orbax.checkpoint")

TEXTS = ["def add(a, b):\n    return a + b\n", "\t\tx  =  1\n\n\n", "naïve 日本 🎉", "<bos> 123  "]


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that ships, in Hugging Face's layout as codegem writes it."""
    directory = tmp_path_factory.mktemp("nano") / "hf"
    convert("nano", directory, to="hf")
    return directory


@pytest.fixture
def small(random_model: Any, bpe_tokenizer: Tokenizer, tmp_path: Path) -> Path:
    """A model of Google's, so to say, in bfloat16."""
    config = ModelConfig(1024, num_layers=2, d_model=32, num_heads=2, num_kv_heads=2, head_dim=16, d_mlp=64)
    model = random_model(config, dtype="bfloat16")
    huggingface.save(tmp_path / "small", model, bpe_tokenizer, derived_from="google/codegemma-2b", order=Order.SPM)
    return tmp_path / "small"


def _bytes(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_nano_comes_back_through_every_format(nano: Path, tmp_path: Path) -> None:
    """hf -> gguf -> hf -> kaggle -> hf: every file is the same, byte for byte."""
    convert(nano, tmp_path / "nano.gguf", to="gguf", type="f32")
    convert(tmp_path / "nano.gguf", tmp_path / "second", to="hf", type="bf16")
    assert _bytes(tmp_path / "second") == _bytes(nano)
    convert(tmp_path / "second", tmp_path / "kaggle", to="kaggle")
    convert(tmp_path / "kaggle", tmp_path / "third", to="hf")
    assert _bytes(tmp_path / "third") == _bytes(nano)


def test_nano_keeps_the_weights_that_ship(nano: Path) -> None:
    here, there = open_model("nano", dtype="float32"), open_model(nano, dtype="float32")
    assert here.order == there.order and here.model.config == there.model.config
    assert [here.tokenizer.encode(text) for text in TEXTS] == [there.tokenizer.encode(text) for text in TEXTS]
    equal = jax.tree.map(lambda a, b: bool(jnp.array_equal(a, b)), here.model, there.model)
    assert all(jax.tree.leaves(equal))


@pytest.mark.parametrize(("to", "type"), [(to, type) for to, types in FORMATS.items() for type in types])
def test_every_format_and_type_is_written(small: Path, to: str, type: str, tmp_path: Path) -> None:
    destination = tmp_path / ("out.gguf" if to == "gguf" else "out")
    told: list[tuple[int, int]] = []
    written = convert(small, destination, to=to, type=type, on_tensor=lambda *counts: told.append(counts))
    assert (written.format, written.type, written.derived_from) == (to, type, "google/codegemma-2b")
    assert told[-1] == (20, 20) and told == sorted(told)
    assert written.bytes == sum(path.stat().st_size for path in written.files)
    notices = [path for path in written.files if path.name.endswith("NOTICE")]
    assert len(notices) == 1 and TERMS in notices[0].read_text(encoding="utf-8")
    _require_alike(open_model(small, dtype="float32"), open_model(destination, dtype="float32"), type)


def _require_alike(here: Any, there: Any, type: str) -> None:
    assert (here.order, here.derived_from) == (there.order, there.derived_from)
    assert here.model.config == there.model.config
    assert [here.tokenizer.encode(text) for text in TEXTS[:2]] == [there.tokenizer.encode(text) for text in TEXTS[:2]]
    error = {"f32": 0, "bf16": 2**-8, "f16": 2**-10, "q8_0": 1 / 200, "q4_0": 1 / 10}[type]
    for a, b in zip(jax.tree.leaves(here.model), jax.tree.leaves(there.model), strict=True):
        wide, other = np.asarray(a), np.asarray(b)
        bound = error * np.abs(wide).max() if wide.ndim > 1 else max(error, 2**-23) * np.abs(wide).max()
        assert np.abs(wide - other).max() <= bound


def test_the_type_is_the_sources_where_none_is_named(small: Path, tmp_path: Path) -> None:
    assert convert(small, tmp_path / "kaggle", to="kaggle").type == "bf16"
    assert convert(small, tmp_path / "wide", to="hf", type="f32").type == "f32"
    assert convert(tmp_path / "wide", tmp_path / "small.gguf", to="gguf").type == "f32"


@pytest.mark.parametrize("to", FORMATS)
def test_nothing_is_written_over_unless_asked(small: Path, to: str, tmp_path: Path) -> None:
    destination = tmp_path / ("out.gguf" if to == "gguf" else "out")
    first = convert(small, destination, to=to, type="f32")
    with pytest.raises(UserError, match="is there already; give another destination, or --overwrite"):
        convert(small, destination, to=to)
    second = convert(small, destination, to=to, type="bf16", overwrite=True)
    assert second.bytes < first.bytes
    assert open_model(destination, lazy=True).model.embedding.dtype == jnp.bfloat16


def test_a_notice_goes_with_the_weights_that_it_was_for(small: Path, nano: Path, tmp_path: Path) -> None:
    convert(small, tmp_path / "out", to="kaggle")
    convert(nano, tmp_path / "out", to="kaggle", overwrite=True)
    assert not (tmp_path / "out" / "NOTICE").exists() and kaggle.origin(tmp_path / "out") is None


def test_overwriting_replaces_models_only(small: Path, tmp_path: Path) -> None:
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "today.txt").write_text("rain", encoding="utf-8")
    (tmp_path / "letter").write_text("dear", encoding="utf-8")
    for destination, to in ((tmp_path / "diary", "hf"), (tmp_path / "diary", "kaggle"), (tmp_path / "letter", "gguf")):
        with pytest.raises(UserError, match="holds something else than a model"):
            convert(small, destination, to=to, overwrite=True)
    convert(small, tmp_path / "kaggle", to="kaggle")
    with pytest.raises(UserError, match="holds something else than a model of the format hf"):
        convert(small, tmp_path / "kaggle", to="hf", overwrite=True)


def test_other_mistakes_are_told(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    mistakes: list[tuple[dict[str, Any], type[UserError], str]] = [
        ({"to": "onnx"}, UsageError, "There is no format 'onnx'"),
        ({"to": "hf", "type": "q8_0"}, UsageError, "There is no type 'q8_0' in the format hf; it has f32, bf16, f16"),
        ({"to": "hf", "destination": small, "overwrite": True}, UserError, "is the source itself"),
        ({"to": "kaggle", "destination": small / "flax"}, UserError, "is the source itself or lies in it"),
        ({"to": "hf", "destination": tmp_path / "file" / "out"}, UserError, "file is a file, and .* would lie in it"),
        ({"to": "gguf", "destination": tmp_path / "link"}, UserError, "is a link to nothing"),
        ({"to": "gguf", "destination": tmp_path}, UserError, "is a directory; a GGUF model is one file"),
        ({"to": "hf", "destination": tmp_path / "file"}, UserError, "is a file"),
        ({"to": "hf", "source": tmp_path / "nowhere"}, UserError, "There is no model"),
    ]
    for given, kind, part in mistakes:
        arguments = {"source": small, "destination": tmp_path / "out", **given}
        with pytest.raises(kind, match=part):
            convert(arguments.pop("source"), arguments.pop("destination"), **arguments)
    assert not (tmp_path / "out").exists()


def test_a_quantized_model_is_refused(small: Path, tmp_path: Path) -> None:
    config = json.loads((small / "config.json").read_text(encoding="utf-8"))
    config["quantization_config"] = {"quant_method": "codegem", "bits": 4}
    (small / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(UserError, match="is quantized by codegem, for itself; convert the model"):
        convert(small, tmp_path / "out", to="hf")


@pytest.mark.parametrize("to", FORMATS)
def test_what_float16_cannot_hold_is_refused(
    to: str, random_model: Any, bpe_tokenizer: Tokenizer, tmp_path: Path
) -> None:
    config = ModelConfig(1024, num_layers=1, d_model=32, num_heads=2, num_kv_heads=2, head_dim=16, d_mlp=64)
    model: Transformer = jax.tree.map(lambda leaf: leaf * 1e6, random_model(config))
    huggingface.save(tmp_path / "large", model, bpe_tokenizer)
    with pytest.raises(UserError, match="float16 goes to 65504; write bf16 or f32"):
        convert(tmp_path / "large", tmp_path / "out", to=to, type="f16")
    assert not (tmp_path / "out").is_file() and not list((tmp_path / "out").rglob("*.*"))


def test_without_room_nothing_is_written(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(UserError, match=r"needs about 0\.2 MB, but 0\.0 MB are free"):
        convert(small, tmp_path / "a" / "b", to="hf")
    assert not (tmp_path / "a").exists()


def test_what_was_written_is_read_again(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(path: Path, *arguments: Any, **options: Any) -> None:
        save(path, *arguments, **options)
        path.write_bytes(path.read_bytes()[:-100])

    save = gguf.save
    monkeypatch.setattr(gguf, "save", cut)
    with pytest.raises(UserError, match="is cut, damaged"):
        convert(small, tmp_path / "small.gguf", to="gguf")
