"""lm-eval's own Transformers backend as a worker of `language.py`: a line `TASK BATCH`, answered with its results.

python language_transformers.py DIRECTORY REQUESTS LENGTH THREADS
"""

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["TQDM_DISABLE"] = "1"

import torch
import transformers
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM


def main() -> None:
    """Load, say so, and obey."""
    directory, file, length, threads = sys.argv[1:]
    logging.disable(logging.WARNING)
    torch.set_num_threads(int(threads))
    requests = json.loads(Path(file).read_text(encoding="utf-8"))
    backend: Any = HFLM
    lm = backend(pretrained=directory, dtype="float32", device="cpu", max_length=int(length), batch_size=1)
    print(json.dumps({"transformers": transformers.__version__, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        task, batch = line.split()
        lm.batch_size_per_gpu = int(batch)
        lm.add_bos_token = task != "rolling"  # else a rolling likelihood has BOS twice, and counts the second
        print(json.dumps(run(lm, task, requests[task])), flush=True)


def run(lm: Any, task: str, asked: list[list[str]]) -> dict[str, Any]:
    """Seconds, and (log-likelihood, greedy) of each request, or the log-likelihood of whole texts."""
    kind = "loglikelihood_rolling" if task == "rolling" else "loglikelihood"
    instances = [Instance(kind, {}, tuple(args), index) for index, args in enumerate(asked)]
    begun = time.perf_counter()
    found = getattr(lm, kind)(instances, disable_tqdm=True)
    return {"seconds": time.perf_counter() - begun, "found": found}


if __name__ == "__main__":
    with torch.inference_mode():
        main()
