"""Compiling what requests need before there are any, so that none of them has to wait for a compiler."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import jax
import numpy as np

from codegem.inference import pieces
from codegem.inference.programs import Programs
from codegem.inference.sampling import Greedy, Sampler, per_row, sampler

Job = Callable[[], object]
_ROWS = 8  # texts side by side; more are rare, and compiled when they come


def preparations(programs: Programs, context: int, *, largest: int, stride: int) -> Iterator[Job]:
    """Small jobs, the most urgent first, each of which has one program compiled.

    Args:
        context: of the model; no cache is longer.
        largest: tokens of a piece that is read beside other texts.
        stride: tokens that are asked for at once.
    """
    longest = pieces.capacity(context)
    capacities = [capacity for capacity in (longest, longest // 2) if capacity >= pieces.SMALLEST_CAPACITY]
    counts = [count for count in pieces.ROWS if 1 < count <= _ROWS]
    sizes = sorted({*pieces.SMALL, *pieces.LARGE, *(size for size in pieces.BESIDE if size <= largest)})
    drawn = sampler(1.0, 1.0, 0)
    for capacity in capacities:
        yield from _alone(programs, Greedy(), sizes, capacity, stride)
    for capacity in capacities:
        for count in counts:
            yield partial(_write, programs, Greedy(), count, capacity, stride)
            for other in capacities:
                yield partial(_join, programs, count, capacity, other)
    for capacity in capacities:
        yield from _alone(programs, drawn, sizes, capacity, 0)
        for count in counts:
            yield partial(_write, programs, per_row([drawn] * count), count, capacity, 1)


def _alone(programs: Programs, choose: Sampler, sizes: Sequence[int], capacity: int, stride: int) -> Iterator[Job]:
    """What a text needs that has its own slot."""
    for size in sizes:
        yield partial(_read, programs, choose, size, capacity)
    if stride:
        yield partial(_write, programs, choose, 1, capacity, stride)


def _read(programs: Programs, choose: Sampler, size: int, capacity: int) -> None:
    tokens = np.zeros((1, size), np.int32)
    programs.choose(programs.cache(capacity), choose, tokens, 0, size - 1)[0].block_until_ready()


def _write(programs: Programs, choose: Sampler, rows: int, capacity: int, stride: int) -> None:
    filled = np.zeros(rows, np.int32)
    tokens = jax.device_put(filled) if rows > 1 else filled
    programs.steps(programs.cache(capacity, rows), choose, tokens, filled, stride)[0].block_until_ready()


def _join(programs: Programs, rows: int, capacity: int, other: int) -> None:
    cache, text = programs.cache(capacity, rows), programs.cache(other)
    tokens, choices = jax.device_put((np.zeros(rows, np.int32), np.zeros((1, 1), np.int32)))
    programs.join(cache, tokens, 0, text, choices, 0)[1].block_until_ready()
