"""The peer of `completion.py`: Hugging Face Transformers, greedy, from the same prompt ids to the same stops."""

import json
import sys

import torch
from transformers import AutoModelForCausalLM
from transformers import logging as transformers_logging


def main() -> None:
    """Read the task from the command line, print the text as JSON."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    task = json.loads(sys.argv[1])
    model = AutoModelForCausalLM.from_pretrained(task["model"], dtype=torch.float32)
    ids = torch.tensor([task["ids"]])
    with torch.inference_mode():
        made = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=task["max_tokens"],
            do_sample=False,
            eos_token_id=task["stops"],
            pad_token_id=0,
        )
    tokens = [token for token in made[0, ids.shape[1] :].tolist() if token not in task["stops"]]
    print(json.dumps({"text": decoded(task["model"], tokens)}))


def decoded(model: str, tokens: list[int]) -> str:
    """The text of the tokens, by the tokenizer file beside the weights."""
    import tokenizers

    return tokenizers.Tokenizer.from_file(f"{model}/tokenizer.json").decode(tokens, skip_special_tokens=True)


if __name__ == "__main__":
    main()
