"""In which sizes a model reads tokens. Every size is one compiled program, so there are few.

Costs were measured with int4 weights of the 2B on two cores: 4 positions take 1.2 and 8 positions 1.5 times the
time of one.
"""

from collections.abc import Sequence
from functools import lru_cache

# A prompt of which nothing is known goes in the large sizes alone: each further one would cost a tenth of a
# second in every process, for tracing and loading its program. The few tokens behind a kept beginning go in the
# small ones. A longer prompt takes several pieces of the largest size: no slower than one, the memory of
# attention stays bounded, and between two of them the work can be given up.
LARGE = (64, 256)
SMALL = (1, 8)

# Sizes for prompts that are read beside texts being written, with and without a kept beginning: there are enough of
# them for one more program to pay.
BESIDE = (1, 8, 64, 128, 256)

# How many texts are written side by side. 32 rows take about the time of seven single ones (nano in 8 bits on two
# cores), and further rows take longer in proportion.
ROWS = (1, 4, 8, 16, 32)

# Sizes of a pass that checks a draft, each with its time in plain steps.
DRAFT_PASSES = {1: 1.0, 4: 1.3, 8: 1.45}

SMALLEST_CAPACITY = 256
_READING = 32  # a piece costs as much as its tokens and this many more, for reading the weights


def capacity(positions: int) -> int:
    """The cache size that holds so many positions: a power of two.

    >>> capacity(5), capacity(512), capacity(513)
    (256, 512, 1024)
    """
    return max(SMALLEST_CAPACITY, 1 << (positions - 1).bit_length())


def rows(wanted: int, most: int) -> int:
    """How many rows there are for so many texts, where memory holds `most`.

    >>> rows(3, 100), rows(5, 100), rows(1000, 100), rows(9, 12), rows(9, 0)
    (4, 8, 32, 8, 1)
    """
    fitting = [size for size in ROWS if size <= most] or [1]
    return next((size for size in fitting if size >= wanted), fitting[-1])


def plan(length: int, room: int, sizes: Sequence[int]) -> list[int]:
    """The cheapest pieces that read `length` tokens; only the last may be padded, and all fit into `room`.

    >>> plan(5, 256, LARGE), plan(600, 1024, LARGE), plan(9, 1024, SMALL + LARGE)
    ([64], [256, 256, 64, 64], [8, 1])
    >>> plan(3, 5, SMALL)  # no room for padding
    [1, 1, 1]

    Raises:
        ValueError: they don't fit.
    """
    sizes = tuple(sorted(sizes))
    whole, rest = divmod(length, sizes[-1])
    last = _rest(rest, room - whole * sizes[-1], sizes)
    if last is None:
        raise ValueError(f"{length} tokens don't fit into {room} positions in pieces of {sizes}")
    return [sizes[-1]] * whole + list(last)


@lru_cache(maxsize=4096)
def _rest(length: int, room: int, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    if length == 0:
        return () if room >= 0 else None
    ways = [(size,) for size in sizes if length <= size <= room][:1]
    if whole := [size for size in sizes if size <= min(length, room)]:
        others = _rest(length - whole[-1], room - whole[-1], sizes)
        ways += [] if others is None else [(whole[-1], *others)]
    return min(ways, key=lambda way: sum(_READING + size for size in way), default=None)
