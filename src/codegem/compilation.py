"""Compiled programs kept on disk, so that XLA compiles each of them once per machine."""

import hashlib
import os
import platform
from pathlib import Path


def enable_compilation_cache() -> None:
    """Let JAX keep its compiled programs in the user's cache directory.

    The user's own `JAX_COMPILATION_CACHE_DIR` stands where it is set. Programs for CPUs use the instructions of
    the machine that compiled them, so every kind of CPU has a folder of its own: a home directory may be
    shared by several.
    """
    import jax

    # Two quiet cores compile the step of nano in 0.25 s: a higher bound would compile it in every process.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(cache_directory() / "xla" / _cpu()))


def cache_directory() -> Path:
    """Where codegem keeps what it can make again: `$XDG_CACHE_HOME/codegem` or `~/.cache/codegem`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "codegem"


def _cpu() -> str:
    """A short name of the instructions that this machine has."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        features = platform.processor()
    return hashlib.sha256(f"{platform.machine()} {features}".encode()).hexdigest()[:12]
