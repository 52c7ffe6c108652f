"""Hugging Face Transformers as a worker of `cpu.py`: `prompt ID...` and `decode COUNT`, in bfloat16.

python cpu_transformers.py DIRECTORY THREADS
"""

import json
import sys
import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM, DynamicCache
from transformers import logging as transformers_logging


class Runner:
    """One model and the cache of the last prompt."""

    def __init__(self, directory: str):
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16).eval()
        self.cache, self.token = DynamicCache(), torch.zeros(1, 1, dtype=torch.long)

    def about(self) -> dict[str, Any]:
        """What decoding has to read."""
        config = self.model.config
        position = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * 2
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        return {
            "bytes": 2 * parameters,
            "bytes_a_position": position,
            "system": torch.backends.cpu.get_cpu_capability(),
        }

    def do(self, command: str, numbers: list[int]) -> dict[str, Any]:
        """One command; seconds."""
        start = time.perf_counter()
        with torch.inference_mode():
            if command == "prompt":
                self.cache = DynamicCache()
                self.token = self._next(torch.tensor([numbers]))
            elif command == "decode":
                token = self.token
                for _ in range(numbers[0]):
                    token = self._next(token)
            else:
                raise ValueError(f"unknown command {command}")
        seconds = time.perf_counter() - start
        if command == "decode":
            self.cache.crop(-numbers[0])  # removes that many
        return {"seconds": seconds}

    def _next(self, ids: torch.Tensor) -> torch.Tensor:
        made = self.model(ids, past_key_values=self.cache, use_cache=True, logits_to_keep=1)
        return made.logits[:, -1].argmax(-1, keepdim=True)


def main() -> None:
    """Load, say so, and obey."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    torch.set_num_threads(int(sys.argv[2]))
    runner = Runner(sys.argv[1])
    print(json.dumps(runner.about()), flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        print(json.dumps(runner.do(command, [int(word) for word in words])), flush=True)


if __name__ == "__main__":
    main()
