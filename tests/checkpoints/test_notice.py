"""Google's weights carry the notice that their terms ask for, and nobody else's do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegem.checkpoints import huggingface
from codegem.checkpoints.locate import shipped_directory
from codegem.checkpoints.notice import NOTICE, RELEASED, TERMS, has_notice, notice_text, origin
from codegem.model.config import PRESETS, ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import ByteTokenizer

OURS = ModelConfig(266, 2, 8, 2, 1, 4, 16, context_length=32)
GEMMA = PRESETS["gemma_2b"]


def test_the_text():
    assert TERMS.startswith(
        "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma"
    )
    assert notice_text("google/codegemma-2b").startswith(TERMS + "\n") and "google/codegemma-2b" in notice_text(
        "google/codegemma-2b"
    )


@pytest.mark.parametrize(
    ("stored", "config", "whose"),
    [
        ({}, OURS, None),
        ({}, GEMMA, RELEASED),
        ({}, replace(GEMMA, context_length=1024), RELEASED),
        ({"derived_from": None}, GEMMA, None),
        ({"derived_from": "google/codegemma-7b"}, OURS, "google/codegemma-7b"),
        ({"derived_from": 7}, OURS, RELEASED),
        ({"derived_from": "two\nlines"}, OURS, RELEASED),
        ({"derived_from": ""}, OURS, RELEASED),
        ({"_name_or_path": "google/codegemma-2b"}, OURS, "google/codegemma-2b"),
        ({"_name_or_path": "./my-model"}, OURS, None),
        ({"_name_or_path": ["google/gemma"]}, OURS, None),
    ],
)
def test_whose_weights_they_are(tmp_path: Path, stored: dict[str, Any], config: ModelConfig, whose: str | None):
    assert origin(tmp_path, stored, config) == whose


def test_a_snapshot_of_the_hub(tmp_path: Path):
    folder = tmp_path / "models--google--codegemma-2b" / "snapshots" / "0123"
    assert origin(folder, {}, OURS) == "google/codegemma-2b"
    assert origin(tmp_path / "models--me--mine" / "snapshots" / "0123", {}, OURS) is None


def test_a_notice_beside_the_weights(tmp_path: Path):
    (tmp_path / NOTICE).write_text(notice_text("google/gemma-2b"))
    assert origin(tmp_path, {}, OURS) == RELEASED
    (tmp_path / NOTICE).write_text("Apache something")
    assert origin(tmp_path, {}, OURS) is None and not has_notice(tmp_path)


def test_nano_has_none():
    assert huggingface.origin(shipped_directory("nano")) is None
    assert not (shipped_directory("nano") / NOTICE).exists()


def test_a_notice_comes_goes_and_stays_with_the_weights(random_model: Callable[..., Transformer], tmp_path: Path):
    model = random_model(OURS)
    huggingface.save(tmp_path, model, ByteTokenizer())
    assert not (tmp_path / NOTICE).exists() and huggingface.origin(tmp_path) is None
    huggingface.save(tmp_path, model, ByteTokenizer(), derived_from="google/codegemma-2b")
    assert has_notice(tmp_path) and huggingface.origin(tmp_path) == "google/codegemma-2b"
    huggingface.save(tmp_path, model, ByteTokenizer())
    assert not (tmp_path / NOTICE).exists()
    (tmp_path / NOTICE).write_text("the user's own")
    huggingface.save(tmp_path, model, ByteTokenizer())
    assert (tmp_path / NOTICE).read_text() == "the user's own"
