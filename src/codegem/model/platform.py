"""What a program is compiled for, which need not be what it is compiled on."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import jax

Platform = Literal["cpu", "gpu", "tpu"]
_TARGET: ContextVar[Platform | None] = ContextVar("target", default=None)


def target() -> Platform:
    """The platform of the program that is being traced: that of this machine, unless `compiling_for` says another."""
    return _TARGET.get() or jax.default_backend()  # type: ignore[return-value]


@contextmanager
def compiling_for(platform: Platform) -> Iterator[None]:
    """What is traced inside is meant for another platform: ahead-of-time compiling (`train/memory.py`).

    A function that JAX has traced before keeps what it was traced for: trace a new one inside.

    >>> with compiling_for("tpu"):
    ...     target()
    'tpu'
    """
    before = _TARGET.set(platform)
    try:
        yield
    finally:
        _TARGET.reset(before)
