"""What toolchains need once: made from our own files, kept in the user's cache, read-only for generated code."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from codegem.sandbox.limits import SandboxError


def cache() -> Path:
    """The user's cache: `$XDG_CACHE_HOME/codegem/toolchains` or `~/.cache/codegem/toolchains`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "codegem" / "toolchains"


def folder(name: str, key: tuple[str, ...], make: Callable[[Path, Path], None]) -> Path:
    """A folder of the cache, made if it is not there.

    Args:
        name: how its name begins.
        key: whatever its content depends on, such as versions; another key is another folder.
        make: fills the first folder, which is then moved to where the second says; a process that dies in between
            leaves nothing that another would take for whole.

    Raises:
        SandboxError: it can't be written.
    """
    final = cache() / f"{name}-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"
    if final.is_dir():
        return final
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache()) as above:
            made = Path(above) / "made"
            made.mkdir()
            make(made, final)
            _readable(made)
            try:
                made.rename(final)
            except OSError:
                if not final.is_dir():  # else another process was faster, and made the same
                    raise
    except OSError as error:
        raise SandboxError(f"{final} could not be made: {error}; set XDG_CACHE_HOME to a folder with space") from error
    return final


def _readable(top: Path) -> None:
    """Root's programs run as another user in the sandbox."""
    for path in (top, *top.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
