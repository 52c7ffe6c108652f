"""What a name means, and one sentence for what means nothing."""

import json
import os
from pathlib import Path

import pytest

from codegem.checkpoints import locate as module
from codegem.checkpoints.locate import Kind, Located, locate, suggestion
from codegem.errors import UserError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def directory(path: Path, **stored: object) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({"model_type": "gemma"} | stored))
    (path / "model.safetensors").write_bytes(b"")
    return path


def refusal(name: str | Path) -> str:
    with pytest.raises(UserError) as refused:
        locate(name)
    message = str(refused.value)
    assert "\n" not in message and len(message) < 600
    return message


def test_a_shipped_model():
    found = locate("nano")
    assert found.kind == Kind.HUGGINGFACE and found.path and (found.path / "config.json").exists()


def test_a_directory(tmp_path: Path):
    assert locate(directory(tmp_path / "a")) == Located(Kind.HUGGINGFACE, tmp_path / "a")


def test_a_quantized_directory(tmp_path: Path):
    path = directory(tmp_path / "a", quantization_config={"quant_method": "codegem", "bits": 4})
    assert locate(path).kind == Kind.QUANTIZED
    assert locate(directory(tmp_path / "b", quantization_config={"quant_method": "gptq"})).kind == Kind.HUGGINGFACE


@pytest.mark.parametrize("beside", [False, True])
def test_a_kaggle_directory(tmp_path: Path, beside: bool):
    """Also where codegem wrote a config.json beside the checkpoint."""
    (tmp_path / "a" / "2b").mkdir(parents=True)
    (tmp_path / "a" / "2b" / "_METADATA").write_text("{}")
    (tmp_path / "a" / "tokenizer.model").write_bytes(b"")
    if beside:
        (tmp_path / "a" / "config.json").write_text("{}")
    assert locate(tmp_path / "a") == Located(Kind.KAGGLE, tmp_path / "a")
    assert locate(tmp_path / "a" / "2b").kind == Kind.KAGGLE


def test_a_gguf_file_by_its_name_or_its_beginning(tmp_path: Path):
    (tmp_path / "a.gguf").write_bytes(b"damaged")
    (tmp_path / "sha256-1234").write_bytes(b"GGUF\3\0\0\0")
    assert locate(tmp_path / "a.gguf").kind == locate(tmp_path / "sha256-1234").kind == Kind.GGUF


def test_hub_ids():
    assert locate("google/codegemma-2b") == Located(Kind.HUB, hub_id="google/codegemma-2b")
    assert locate("some_one/My.Model-1").kind == Kind.HUB


def test_a_directory_comes_before_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    directory(Path("google/codegemma-2b"))
    assert locate("google/codegemma-2b").kind == Kind.HUGGINGFACE


def test_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    directory(tmp_path / "models" / "mine")
    assert locate("~/models/mine").path == tmp_path / "models" / "mine"


def test_a_bare_name_of_a_model_that_was_kept(cache: Path):
    directory(cache / "codegem" / "models" / "2b-int4")
    assert locate("2b-int4").path == cache / "codegem" / "models" / "2b-int4"
    assert "Did you mean 2b-int4?" in refusal("2b-int8")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("naon", "nano"),
        ("codegemma-2b", "google/codegemma-2b"),
        ("codegemma-1.1-7b-instruct", "google/codegemma-1.1-7b-it"),
        ("gogle/codegemma-7b/", "google/codegemma-7b"),
    ],
)
def test_a_slip_of_the_pen(name: str, meant: str):
    message = refusal(name)
    assert (
        message.startswith(f"There is no model '{name}'; give nano, a directory")
        and f"Did you mean {meant}?" in message
    )


def test_a_path_with_a_slip(tmp_path: Path):
    directory(tmp_path / "my-model")
    assert refusal(tmp_path / "my-modle").endswith(f"Did you mean {tmp_path / 'my-model'}?")


def test_nothing_is_suggested_for_nothing():
    assert suggestion("") == suggestion("google/codegemma-2b") == suggestion("/absent/directory/of/a/model") == ""
    assert "Did you mean" not in refusal("")


@pytest.mark.parametrize(
    "name", ["a/b/c", "a b/c", "../x", "https://huggingface.co/google/codegemma-2b", "x.gguf", "a\nb"]
)
def test_what_is_no_name(name: str):
    assert "There is no model" in refusal(name)


def test_a_folder_of_models_names_one(tmp_path: Path):
    directory(tmp_path / "run" / "model")
    assert refusal(tmp_path / "run").endswith(f"it has no config.json; give {tmp_path / 'run' / 'model'}.")
    (tmp_path / "files").mkdir()
    assert refusal(tmp_path / "files").endswith("it has no config.json.")
    (tmp_path / "files" / "a.gguf").write_bytes(b"GGUF")
    assert refusal(tmp_path / "files").endswith(f"give {tmp_path / 'files' / 'a.gguf'}.")


def test_a_file_of_a_model_directory(tmp_path: Path):
    path = directory(tmp_path / "a") / "model.safetensors"
    assert "give the directory it is in" in refusal(path)
    (tmp_path / "weights.bin").write_bytes(b"x")
    assert refusal(tmp_path / "weights.bin").endswith("which are .gguf files.")


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    assert "no model file" in refusal(tmp_path / "pipe")


def test_a_damaged_configuration(tmp_path: Path):
    (directory(tmp_path / "a") / "config.json").write_text("{")
    assert "not readable as JSON" in refusal(tmp_path / "a")


def test_the_released_models_are_known():
    assert len(module.RELEASED) == 5 and "google/codegemma-1.1-7b-it" in module.RELEASED
