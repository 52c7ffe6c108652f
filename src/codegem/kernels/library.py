"""Finding the shared library of kernels, choosing its instructions, and registering it with XLA."""

import ctypes
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import jax

from codegem.errors import UserError

NAME = "codegem_kernels.so"

# Each is the symbol codegem_<name> of the library and the XLA target of the same name.
TARGETS = ("product", "mlp", "attend_cached", "cross_entropy", "mlp_training", "attention_training", "orthogonal")


@cache
def library() -> ctypes.CDLL | None:
    """The library, loaded and registered once; None where it was not built or `CODEGEM_KERNELS=off` is set.

    Raises:
        UserError: `CODEGEM_INSTRUCTIONS` names a set that this processor does not have.
    """
    if os.environ.get("CODEGEM_KERNELS") == "off":
        return None
    path = find()
    if path is None:
        warnings.warn(
            "codegem was installed without its C++ kernels, so models run in plain JAX, many times slower; "
            "install a C++ compiler and reinstall codegem to have them (docs/KERNELS.md).",
            stacklevel=2,
        )
        return None
    loaded = ctypes.CDLL(str(path))
    loaded.codegem_instructions.restype = ctypes.c_char_p
    loaded.codegem_chosen.restype = ctypes.c_char_p
    if asked := os.environ.get("CODEGEM_INSTRUCTIONS"):
        choose(loaded, asked)
    for name in TARGETS:
        handler = jax.ffi.pycapsule(getattr(loaded, f"codegem_{name}"))
        jax.ffi.register_ffi_target(f"codegem_{name}", handler, platform="cpu")
    return loaded


@contextmanager
def giving_up() -> Iterator[None]:
    """Kernels that run meanwhile end within a millisecond or so; what they give back is not to be used."""
    loaded = library()
    if loaded is None:
        yield
        return
    loaded.codegem_give_up(1)
    try:
        yield
    finally:
        loaded.codegem_give_up(0)


def find() -> Path | None:
    """The library beside this package's modules; in an editable install the two lie in different folders."""
    import codegem.kernels

    return next((path for folder in codegem.kernels.__path__ if (path := Path(folder, NAME)).is_file()), None)


def usable_instructions(loaded: ctypes.CDLL) -> list[str]:
    """The sets that were compiled and that this processor has, best first."""
    names = []
    while name := loaded.codegem_instructions(len(names)):
        names.append(name.decode())
    return names


def chosen_instructions(loaded: ctypes.CDLL) -> str:
    """The set in use."""
    return loaded.codegem_chosen().decode()


def choose(loaded: ctypes.CDLL, name: str) -> None:
    """Take the set `name` from now on.

    Raises:
        UserError: this processor or this build does not have it.
    """
    if not loaded.codegem_choose(name.encode()):
        usable = ", ".join(usable_instructions(loaded))
        raise UserError(f"CODEGEM_INSTRUCTIONS={name} can't be used on this processor; take one of {usable}.")
