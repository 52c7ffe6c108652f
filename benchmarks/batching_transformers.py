"""Transformers as a worker of `batching.py`: `ends` or `lines` runs all prompts, one after another.

python batching_transformers.py DIRECTORY TYPE TASK
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM
from transformers import logging as transformers_logging


def run(model: Any, task: dict[str, Any], prompts: list[list[int]], stops: list[int]) -> dict[str, Any]:
    """Greedy answers at batch 1: seconds, and how many tokens were made without those that end a text."""
    ends, tokens = set(task["ends"]), 0
    start = time.perf_counter()
    for prompt in prompts:
        ids = torch.tensor([prompt])
        made = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=task["max_tokens"],
            do_sample=False,
            eos_token_id=stops,
            pad_token_id=0,
        )
        tokens += sum(token not in ends for token in made[0, len(prompt) :].tolist())
    return {"seconds": time.perf_counter() - start, "tokens": tokens}


def main() -> None:
    """Load, say so, and obey."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    directory, kind, file = sys.argv[1:]
    task = json.loads(Path(file).read_text(encoding="utf-8"))
    torch.set_num_threads(task["threads"])
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=getattr(torch, kind)).eval()
    stops = {"ends": task["ends"], "lines": task["ends"] + task["lines"]}
    with torch.inference_mode():
        run(model, task, task["prompts"][:3], task["ends"])
        print(json.dumps({"version": transformers.__version__}), flush=True)
        for line in sys.stdin:
            print(json.dumps(run(model, task, task["prompts"], stops[line.strip()])), flush=True)


if __name__ == "__main__":
    main()
