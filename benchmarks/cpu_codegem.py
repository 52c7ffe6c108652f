"""codegem as a worker of `cpu.py`: the commands of llama_worker.cpp, through the engine that users have.

python cpu_codegem.py MODEL CONTEXT

prompt ID...              read these with nothing in the prefix cache, and choose the next token
keep N ID...              read these behind the first N tokens of the last prompt (the engine finds out itself)
decode COUNT              write COUNT tokens greedily after the last prompt
infill KIND COUNT ID...   read a prompt of COUNT ids and write the trace of the others, token by token (KIND 0) or
                          with lookup decoding (KIND 1); `prompt` is the time up to the first token
"""

import json
import sys
import time
from dataclasses import replace
from typing import Any

import jax
from replay import Replay

import codegem
from codegem.inference.engine import Engine


class Runner:
    """Engines over one copy of the weights: without memory of earlier requests, and with it."""

    def __init__(self, name: str, context: int):
        loaded = codegem.load(name).engine
        self.context = min(context, loaded.context_length)
        self.model, self.prompt = loaded.model, [0]
        self.plain, self.lookup = (
            Engine(loaded.model, loaded.tokenizer, cache_bytes=0, lookup=lookup) for lookup in (False, True)
        )
        self.warm = Engine(loaded.model, loaded.tokenizer, lookup=False)

    def about(self) -> dict[str, Any]:
        """What decoding has to read: weights, and the cache for each position."""
        cache = jax.eval_shape(lambda: self.model.init_cache(1, 1))
        return {
            "bytes": sum(leaf.nbytes for leaf in jax.tree.leaves(self.model)),
            "bytes_a_position": sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(cache)),
            "system": instructions(),
        }

    def do(self, command: str, numbers: list[int]) -> dict[str, Any]:
        """One command; seconds and counts."""
        if command == "prompt":
            self.prompt = numbers
            return self._first_token(self.plain)
        if command == "keep":
            kept, *rest = numbers
            self.prompt = self.prompt[:kept] + rest
            return self._first_token(self.warm)
        if command == "decode":
            return self._decode(numbers[0])
        if command == "infill":
            kind, count, *ids = numbers
            return self._infill(self.lookup if kind else self.plain, ids[:count], ids[count:])
        raise ValueError(f"unknown command {command}")

    def _first_token(self, engine: Engine) -> dict[str, Any]:
        start = time.perf_counter()
        next(engine.stream(self.prompt, max_tokens=1))
        return {"seconds": time.perf_counter() - start}

    def _decode(self, count: int) -> dict[str, Any]:
        """From the token that answers the prompt to the last one."""
        tokens = self.warm.stream(self.prompt, max_tokens=count + 1)
        next(tokens)
        start = time.perf_counter()
        made = sum(1 for _ in tokens)
        assert made == count
        return {"seconds": time.perf_counter() - start}

    def _infill(self, engine: Engine, prompt: list[int], trace: list[int]) -> dict[str, Any]:
        choose = Replay.of(prompt, trace, engine.context_length)
        before = replace(engine.counts)
        start = time.perf_counter()
        tokens = engine.stream(prompt, max_tokens=len(trace), choose=choose)
        made = [next(tokens)]
        first = time.perf_counter()
        made += tokens
        end = time.perf_counter()
        return {
            "seconds": end - start,
            "prompt": first - start,
            "steps": engine.counts.passes - before.passes,
            "drafted": engine.counts.drafted - before.drafted,
            "accepted": engine.counts.accepted - before.accepted,
            "same": made == trace,
        }


def instructions() -> str:
    """Which kernels are in use."""
    from codegem.kernels import ops

    return ops.instructions() if ops.available() else "pure JAX"


def main() -> None:
    """Load, say so, and obey."""
    runner = Runner(sys.argv[1], int(sys.argv[2]))
    print(json.dumps(runner.about()), flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        print(json.dumps(runner.do(command, [int(word) for word in words])), flush=True)


if __name__ == "__main__":
    main()
