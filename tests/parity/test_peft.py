"""An adapter is PEFT's own: it loads there, gives the same logits, merges to the same weights; and theirs load here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.checkpoints import huggingface
from codegem.checkpoints.adapter import save_adapter
from codegem.checkpoints.adapter_base import base_hash
from codegem.checkpoints.converting import convert
from codegem.checkpoints.open import open_model
from codegem.model.config import ModelConfig
from codegem.model.lora import Adapter, init_adapter
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import Tokenizer

TOLERANCE = 1e-4  # absolute, in float32; logits have a standard deviation near 1
TOKENS = [2, 15, 99, 30, 31, 200, 7, 64]


@pytest.fixture(scope="module")
def torch():
    """Torch, where Transformers and PEFT are installed beside it; else the test is skipped."""
    pytest.importorskip("transformers")
    pytest.importorskip("peft")
    return pytest.importorskip("torch")


@pytest.fixture
def base(tmp_path: Path, random_model: Callable[..., Transformer], bytes_tokenizer: Tokenizer) -> Path:
    """A model as `codegem convert --to hf` writes it."""
    config = ModelConfig(bytes_tokenizer.vocab_size, 2, 32, 4, 2, 16, 48, context_length=64)
    huggingface.save(tmp_path / "first", random_model(config), bytes_tokenizer, dtype="float32")
    convert(tmp_path / "first", tmp_path / "base", to="hf")
    return tmp_path / "base"


def random_adapter(config: ModelConfig, **choices: Any) -> Adapter:
    adapter = init_adapter(config, **choices)
    return jax.tree.map(lambda leaf: 0.2 * jax.random.normal(jax.random.key(leaf.size), leaf.shape), adapter)


def ours(path: Path) -> np.ndarray:
    return np.asarray(open_model(path, dtype="float32").model(jnp.array([TOKENS]))[0])


def theirs(torch: Any, model: Any) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([TOKENS])).logits[0].float().numpy()


@pytest.mark.parametrize("choices", [{"rank": 4}, {"rank": 8, "alpha": 4.0, "targets": ("q", "v", "down")}])
def test_peft_loads_ours(torch: Any, base: Path, tmp_path: Path, choices: dict[str, Any]) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    opened = open_model(base, dtype="float32")
    adapter = random_adapter(opened.model.config, **choices)
    where = tmp_path / "adapter"
    save_adapter(where, adapter, base=str(base), base_hash=base_hash(opened.model), chats=False)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    before = theirs(torch, plain)
    peft_model = PeftModel.from_pretrained(plain, str(where))
    adapted = theirs(torch, peft_model)
    assert np.abs(adapted - before).max() > 0.1
    np.testing.assert_allclose(ours(where), adapted, rtol=0, atol=TOLERANCE)
    convert(where, tmp_path / "merged", to="hf")
    np.testing.assert_allclose(ours(tmp_path / "merged"), adapted, rtol=0, atol=TOLERANCE)
    merged = peft_model.merge_and_unload().state_dict()
    mine = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).state_dict()
    assert merged.keys() == mine.keys()
    for name in merged:
        np.testing.assert_allclose(mine[name].numpy(), merged[name].numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("rank_stabilised", [False, True])
def test_we_load_pefts(torch: Any, base: Path, tmp_path: Path, rank_stabilised: bool) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "up_proj"], use_rslora=rank_stabilised, init_lora_weights=False
    )
    torch.manual_seed(0)
    model = get_peft_model(plain, config)
    model.save_pretrained(tmp_path / "theirs")
    np.testing.assert_allclose(ours(tmp_path / "theirs"), theirs(torch, model), rtol=0, atol=TOLERANCE)
