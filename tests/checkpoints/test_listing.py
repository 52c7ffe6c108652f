"""The models at hand, and what is wrong with those that are not whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegem.checkpoints import huggingface, kaggle, quantized
from codegem.checkpoints.listing import list_models
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import ByteTokenizer

TINY = ModelConfig(266, 2, 64, 4, 2, 8, 128, context_length=128)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="module")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    return random_model(TINY)


def save(path: Path, model: Transformer, **options: Any) -> Path:
    huggingface.save(path, model, ByteTokenizer(), **options)
    return path


def hub_folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / "hub" / name
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    return folder / "snapshots" / COMMIT


def others(places: list[Path] | None = None) -> list[dict[str, Any]]:
    """The rows behind nano's."""
    first, *rest = list_models(places or [])
    assert first["name"] == "nano" and first["weights"] == "bfloat16" and first["bytes"] > 11_000_000
    return rest


def test_nano_alone():
    assert others() == []


def test_a_directory_that_was_given(model: Transformer, tmp_path: Path):
    (row,) = others([save(tmp_path / "a", model, dtype="float32")])
    assert row.pop("bytes") == sum(file.stat().st_size for file in (tmp_path / "a").iterdir())
    assert row == {
        "name": str(tmp_path / "a"),
        "format": "Hugging Face",
        "weights": "float32",
        "parameters": TINY.parameters,
        "context_length": 128,
        "directory": str(tmp_path / "a"),
    }


def test_a_folder_of_many_kinds(model: Transformer, tmp_path: Path):
    gguf = pytest.importorskip("codegem.checkpoints.gguf")
    folder = tmp_path / "models"
    save(folder / "sharded", model, shard_bytes=20_000)
    quantized.save(folder / "small", model, ByteTokenizer(), 8)
    gguf.save(folder / "x.gguf", model, ByteTokenizer(), kind="q8_0")
    pytest.importorskip("orbax.checkpoint")
    kaggle.save(folder / "flax", model, ByteTokenizer())
    (folder / "notes").mkdir()
    rows = others([folder])
    assert [(Path(row["name"]).name, row["format"], row["weights"]) for row in rows] == [
        ("flax", "Kaggle", "bfloat16"),
        ("sharded", "Hugging Face", "bfloat16"),
        ("small", "codegem", "int8"),
        ("x.gguf", "GGUF", "Q8_0"),
    ]
    assert all(row["parameters"] == TINY.parameters and row["context_length"] == 128 for row in rows)


def test_what_was_kept_is_listed_by_its_bare_name(model: Transformer, tmp_path: Path):
    save(tmp_path / "cache" / "codegem" / "models" / "mine", model)
    assert [row["name"] for row in others()] == ["mine"]


def test_the_hubs_cache(model: Transformer, tmp_path: Path):
    save(hub_folder(tmp_path, "models--owner--a-model"), model)
    part = save(hub_folder(tmp_path, "models--owner--part"), model)
    (part / "model.safetensors").unlink()
    other = hub_folder(tmp_path, "models--owner--other-architecture")
    other.mkdir(parents=True)
    (other / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "hub" / "models--owner--empty").mkdir()
    rows = {row["name"]: row for row in others()}
    assert rows.keys() == {"owner/a-model", "owner/part"}
    assert "problem" not in rows["owner/a-model"]
    assert rows["owner/part"]["problem"].startswith("not whole: model.safetensors is absent")


def test_a_damaged_model_is_listed_with_its_fault(model: Transformer, tmp_path: Path):
    path = save(tmp_path / "a", model)
    (path / "model.safetensors").write_bytes(b"x")
    (row,) = others([path])
    assert "cut or no safetensors file" in row["problem"] and row["parameters"] is None


@pytest.mark.parametrize("make", [False, True])
def test_a_place_without_models(tmp_path: Path, make: bool):
    if make:
        (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no model" if make else "There is no"):
        list_models([tmp_path / "empty"])
