"""The peer of `training_gpu.py`: a plain training loop of PyTorch and Transformers, told as JSON what to do."""

import json
import sys
import time
from typing import Any

import torch
import transformers


def main() -> None:
    """Read the work from the command line, print what was measured as JSON."""
    transformers.logging.set_verbosity_error()
    print(json.dumps(measure(json.loads(sys.argv[1]))))


def measure(work: dict[str, Any]) -> dict[str, Any]:
    """Seconds of each step, the matrix rate and the peak of the memory."""
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    rate = matrix_rate(work["square"], device)
    model = transformers.GemmaForCausalLM(_config(work["model"])).to(device)
    model.train()
    if work["remat"] != "none":
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=cuda)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(work["model"]["vocab_size"], (work["rows"], work["length"]), generator=generator).to(device)
    seconds, loss = [], None
    for _ in range(3 + work["steps"]):
        _wait(cuda)
        begun = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        _wait(cuda)
        seconds.append(time.perf_counter() - begun)
    used = torch.cuda.max_memory_allocated() if cuda else None
    last = None if loss is None else loss.item()
    return {"seconds": seconds[3:], "rate": rate, "memory": used, "kernel": "sdpa", "loss": last}


def matrix_rate(size: int, device: torch.device) -> float:
    """Operations a second of products of square bfloat16 matrices: the best of ten times five."""
    a = (torch.randn(size, size) * size**-0.5).to(device, torch.bfloat16)
    times = []
    for _ in range(11):
        _wait(device.type == "cuda")
        begun, b = time.perf_counter(), a
        for _ in range(5):
            b = b @ a
        _wait(device.type == "cuda")
        times.append(time.perf_counter() - begun)
    return 5 * 2 * size**3 / min(times)


def _config(model: dict[str, Any]) -> transformers.GemmaConfig:
    return transformers.GemmaConfig(
        vocab_size=model["vocab_size"],
        hidden_size=model["d_model"],
        intermediate_size=model["d_mlp"],
        num_hidden_layers=model["num_layers"],
        num_attention_heads=model["num_heads"],
        num_key_value_heads=model["num_kv_heads"],
        head_dim=model["head_dim"],
        max_position_embeddings=model["context_length"],
        attn_implementation="sdpa",
    )


def _wait(cuda: bool) -> None:
    if cuda:
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
