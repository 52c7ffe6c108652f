"""Make reference.npz: what Transformers' GemmaForCausalLM says for `cases.CASES`, in float32.

    python -m tests.parity.make_reference        from the root of the checkout, where torch and transformers are

One array a case: logits [T, V].
"""

from pathlib import Path
from typing import Any

import numpy as np

from .cases import CASES, Case

REFERENCE = Path(__file__).with_name("reference.npz")
_NAMES = {
    "vocab_size": "vocab_size",
    "num_layers": "num_hidden_layers",
    "d_model": "hidden_size",
    "num_heads": "num_attention_heads",
    "num_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "d_mlp": "intermediate_size",
}


def transformers_model(case: Case) -> Any:
    """A `GemmaForCausalLM` with the weights of the case."""
    import torch
    from transformers import GemmaConfig, GemmaForCausalLM

    config = GemmaConfig(**{_NAMES[field]: value for field, value in case.config.items()})
    model = GemmaForCausalLM(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(case.tensor(name, tuple(parameter.shape))))
    return model


def transformers_logits(model: Any, case: Case) -> np.ndarray:
    """Logits [T, V] of the case's tokens."""
    import torch

    tokens, positions = (torch.from_numpy(array).long() for array in (case.tokens, case.positions))
    with torch.no_grad():
        return model(input_ids=tokens, position_ids=positions).logits[0].float().numpy()


if __name__ == "__main__":
    logits = {case.name: transformers_logits(transformers_model(case), case) for case in CASES}
    np.savez_compressed(REFERENCE, allow_pickle=False, **logits)
    for name, values in logits.items():
        print(f"{name}: {values.shape}, standard deviation {values.std():.2f}")
