"""A model that was tuned to chat says so in every format, and others do not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from codegem.checkpoints import gguf, huggingface, quantized
from codegem.checkpoints.chat_template import TEMPLATE_FILE, directory_chats, gguf_chats
from codegem.checkpoints.locate import shipped_directory
from codegem.checkpoints.open import open_model
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import ByteTokenizer

TINY = ModelConfig(266, 1, 64, 2, 1, 8, 64, context_length=64)
GEMMAS = "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m.role }}{% endfor %}"


@pytest.fixture(scope="module")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    return random_model(TINY)


@pytest.mark.parametrize("chats", [True, False])
def test_what_is_written_says_so(model: Transformer, tmp_path: Path, chats: bool):
    huggingface.save(tmp_path / "hf", model, ByteTokenizer(), chats=chats)
    quantized.save(tmp_path / "int8", model, ByteTokenizer(), 8, chats=chats)
    gguf.save(tmp_path / "x-it.gguf", model, ByteTokenizer(), kind="f32", chats=chats)
    for name in ("hf", "int8", "x-it.gguf"):
        assert open_model(tmp_path / name).chats is chats


@pytest.mark.parametrize("chats", [True, False])
def test_kaggles_layout_says_so(model: Transformer, tmp_path: Path, chats: bool):
    pytest.importorskip("orbax.checkpoint")
    from codegem.checkpoints import kaggle

    kaggle.save(tmp_path / "7b-it", model, ByteTokenizer(), chats=chats)
    assert open_model(tmp_path / "7b-it").chats is chats


def test_nano_completes_alone():
    assert not directory_chats(shipped_directory("nano"))


@pytest.mark.parametrize(
    ("files", "chats"),
    [
        ({}, False),
        ({"tokenizer_config.json": {}}, False),
        ({"tokenizer_config.json": {"chat_template": GEMMAS}}, True),
        ({"tokenizer_config.json": {"chat_template": [{"name": "default", "template": GEMMAS}]}}, True),
        ({"tokenizer_config.json": {"chat_template": "<|im_start|>{{ x }}"}}, False),
        ({"tokenizer_config.json": {"chat_template": None}}, False),
        ({TEMPLATE_FILE: GEMMAS}, True),
        ({TEMPLATE_FILE: "[INST]", "tokenizer_config.json": {"chat_template": GEMMAS}}, False),
    ],
)
def test_directories_of_others(tmp_path: Path, files: dict, chats: bool):
    for name, content in files.items():
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    assert directory_chats(tmp_path) is chats


@pytest.mark.parametrize(
    ("keys", "chats"),
    [
        ({}, False),
        ({"tokenizer.chat_template": GEMMAS}, True),
        ({"tokenizer.chat_template": "<|im_start|>", "general.name": "a-it"}, False),
        ({"general.finetune": "it"}, True),
        ({"general.name": "Codegemma 7b It"}, True),
        ({"general.name": "codegemma-2b"}, False),
        ({"general.name": 7}, False),
        ({"general.name": "mine-it", "codegem.fim_order": "psm"}, False),
    ],
)
def test_gguf_files_of_others(keys: dict, chats: bool):
    assert gguf_chats(keys) is chats


def test_a_template_of_an_earlier_model_goes(model: Transformer, tmp_path: Path):
    (tmp_path / TEMPLATE_FILE).write_text(GEMMAS)
    huggingface.save(tmp_path, model, ByteTokenizer())
    assert not directory_chats(tmp_path)
