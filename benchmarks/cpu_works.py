"""What `cpu.py` measures. In each work the engines take turns, so that a slow minute is slow for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cpu_report import OURS, Request, Results, Timing
from cpu_traces import Material, Trace
from cpu_workers import Worker

CONTEXTS = (64, 2000)
LENGTHS = (512, 2048)
DECODED = 32
# The longest draft of llama.cpp's n-gram cache: none, its default, and ours.
DRAFTS = {"plain": 0, "n-gram cache, 3": 3, "n-gram cache, 8": 8}


@dataclass(frozen=True)
class Bench:
    """What all works share.

    Attributes:
        bits: which weights.
        engines: ours first; each has a worker that runs.
        memory: the yardstick's worker.
        ids: prompts are beginnings of these, except where real ones are used.
    """

    bits: str
    engines: Sequence[Worker]
    memory: Worker
    ids: Sequence[int]
    runs: int
    material: Material
    results: Results

    def timing(self, work: str, engine: str, **settings: object) -> Timing:
        """Of these weights."""
        return self.results.timing(work, self.bits, engine, **settings)

    def bandwidth(self, work: str) -> None:
        """One sample of the yardstick, for this work."""
        self.results.bandwidth.setdefault(f"{work}, {self.bits}", []).append(self.memory.ask("read"))


def decode(bench: Bench) -> None:
    """One token at a time behind 64 and 2,000 tokens; seconds a token."""
    for context in CONTEXTS:
        work = f"decode at {context}"
        for engine in bench.engines:
            engine.ask("prompt" if slow(engine) else "keep 0", *bench.ids[:context])
            engine.ask("decode", 4)
        for _ in range(bench.runs):
            bench.bandwidth(work)
            for engine in bench.engines:
                count = DECODED // 4 if slow(engine) else DECODED
                about = engine.about
                read = about["bytes"] + context * about["bytes_a_position"]
                seconds = engine.ask("decode", count)["seconds"] / count
                bench.timing(work, engine.name, tokens=1, bytes=read).values.append(seconds)


def prefill(bench: Bench) -> None:
    """Reading 512 and 2,048 tokens, up to the first token of the answer."""
    for length in LENGTHS:
        for run in range(bench.runs + 1):
            for engine in bench.engines:
                if slow(engine) and length > LENGTHS[0]:
                    continue
                seconds = engine.ask("prompt", *bench.ids[:length])["seconds"]
                if run:  # the first warms up
                    bench.timing(f"prefill {length}", engine.name, tokens=length).values.append(seconds)


def infill(bench: Bench) -> None:
    """Real lines of held-out files, end to end, nothing kept between requests; each text of ours is checked."""
    ours, llama = bench.engines[:2]
    for window, traces in bench.material.infills.items():
        for at, trace in enumerate([traces[0], *traces]):
            timed = ours_infill(ours, trace) | llama_infill(llama, trace)
            for engine, answer in timed.items():
                request = Request(
                    answer["prompt"], answer["seconds"], answer["steps"], answer["drafted"], answer["accepted"]
                )
                if at:  # the first one warms up
                    bench.results.requests(f"window {window}", bench.bits, engine).append(request)


def ours_infill(ours: Worker, trace: Trace) -> dict[str, dict]:
    """With lookup and without; both texts must be the trace."""
    timed = {}
    for kind, name in ((1, OURS), (0, f"{OURS} without lookup")):
        timed[name] = ours.ask("infill", kind, len(trace.prompt), *trace.prompt, *trace.answer)
        if not timed[name]["same"]:
            raise SystemExit(f"{name} changed the text of an answer")
    return timed


def llama_infill(llama: Worker, trace: Trace) -> dict[str, dict]:
    """The prompt is read once and its time counted for each way of decoding."""
    prompt = llama.ask("prompt", *trace.prompt)["seconds"]
    timed = {}
    for name, longest in DRAFTS.items():
        answer = llama.ask("replay", longest, len(trace.answer), *trace.answer)
        timed[f"{llama.name}, {name}"] = answer | {"prompt": prompt, "seconds": prompt + answer["seconds"]}
    return timed


def keystroke(bench: Bench) -> None:
    """The time to the first token after each keystroke in the middle of a file; ours also without a prefix cache."""
    for order, prompts in bench.material.typing.items():
        work, ours = f"keystroke, {order}", bench.engines[0]
        for engine in bench.engines[:2]:
            engine.ask("keep 0", *prompts[0])
        for before, after in pairwise(prompts[: bench.runs + 1]):
            kept = shared(before, after)
            for engine in bench.engines[:2]:
                seconds = engine.ask("keep", kept, *after[kept:])["seconds"]
                bench.timing(work, engine.name).values.append(seconds)
            bench.timing(work, f"{ours.name}, cold").values.append(ours.ask("prompt", *after)["seconds"])


def memory(bench: Bench) -> None:
    """The largest resident size after reading 2,048 tokens and writing some."""
    for engine in bench.engines:
        engine.ask("prompt" if slow(engine) else "keep 0", *bench.ids[: LENGTHS[-1]])
        engine.ask("decode", DECODED)
        bench.timing("peak memory", engine.name, unit="bytes").values.append(engine.peak_bytes())


def shared(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids two prompts begin with together."""
    equal = (a == b for a, b in zip(first, second, strict=False))
    return next((at for at, same in enumerate(equal) if not same), min(len(first), len(second)))


def slow(engine: Worker) -> bool:
    """Whether the engine only stands beside the comparison, and can't keep a part of a prompt."""
    return engine.name.startswith("Transformers")


WORKS: dict[str, Callable[[Bench], None]] = {
    "memory": memory,
    "decode": decode,
    "prefill": prefill,
    "keystroke": keystroke,
    "infill": infill,
}
